// The consumers by which a job's workers read what their account imports (adapters/nats/stock-consumer.ts): made before workers hear of
// the plan that names them, made again when they are gone or changed, removed when no plan names them.
//
//   Q1. A consumer holds nothing that is needed: who reads says each time from where. So one that is not as it should be is removed and
//       made anew.
//   Q2. All calls can be made again: what is done already is left as it is.
//   Q3. What is removed is found by its name, in the streams of the namespace, never by what a directory says.

import { isDeepStrictEqual } from 'node:util';
import { API_ERROR, callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { valueOf } from '../../runtime/adapters/nats/lane-stream.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import { stockConfig, stockOf, stockPrefix, type StockOwner, type StockPlace } from '../../runtime/adapters/nats/stock-consumer.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { FoundConsumer, StockLook } from './stock-look.ts';

/** Would change what is delivered, or how fast; ours have none of them. */
const FOREIGN = [
  'deliver_subject',
  'filter_subjects',
  'headers_only',
  'rate_limit_bps',
  'inactive_threshold',
  'max_batch',
  'max_expires',
  'max_bytes',
];

/** A sentence for each that is gone or changed. A stream that is gone is not ours to make: nothing is said of it. */
export async function changedStock(
  { link, look }: { readonly link: Link; readonly look: StockLook },
  owner: StockOwner,
  plan: PhysicalPlan,
): Promise<readonly string[]> {
  const byStream = Map.groupBy(stockOf(owner, plan), ({ stream }) => stream);
  const said = [...byStream].map(async ([stream, places]) => {
    const names = places.map(({ consumer }) => consumer);
    const found = await look.find(stream, names);
    const problems = await Promise.all(places.map((place) => problemNow(link, place, found)));
    return problems.flatMap((problem, at) => (problem === null ? [] : [`consumer ${names[at]} of stream ${stream} ${problem}`]));
  });
  return (await Promise.all(said)).flat();
}

/** What was found as it should be is believed; all else is asked for. */
async function problemNow(link: Link, place: StockPlace, found: Map<string, FoundConsumer>): Promise<string | null> {
  const known = found.get(place.consumer);
  if (known !== undefined && differenceOf(known, place) === null) return null;
  const problem = await problemOf(link, place);
  if (problem === null) found.set(place.consumer, { config: stockConfig(place) });
  return problem;
}

/** Q1. Makes those of these plans, and removes what of the job's their streams have besides. */
export async function ensureStock(link: Link, owner: StockOwner, plans: readonly PhysicalPlan[]): Promise<void> {
  const wanted = plans.flatMap((plan) => stockOf(owner, plan));
  for (const place of wanted) {
    const problem = await problemOf(link, place);
    if (problem === null) continue;
    if (problem !== GONE) await remove(link, place);
    const call = `CONSUMER.CREATE.${place.stream}.${place.consumer}.${place.subject}`;
    valueOf(place.stream, await callApi(link, call, { stream_name: place.stream, config: stockConfig(place), action: 'create' }));
  }
  const names = new Set(wanted.map(({ consumer }) => consumer));
  for (const stream of new Set(wanted.map((place) => place.stream)))
    for (const consumer of await consumersOf(link, stream, owner.identity))
      if (!names.has(consumer)) await remove(link, { stream, consumer });
}

/** Those of `before` that `plan` does not name any more. */
export async function dropStock(
  link: Link,
  owner: StockOwner,
  { before, plan }: { before: PhysicalPlan; plan: PhysicalPlan },
): Promise<void> {
  const kept = new Set(stockOf(owner, plan).map(({ consumer }) => consumer));
  for (const place of stockOf(owner, before)) if (!kept.has(place.consumer)) await remove(link, place);
}

/** Q3. All of the job's, of every run. `streams`: all of the account. */
export async function removeStock(link: Link, identity: string, streams: Iterable<string>): Promise<void> {
  for (const stream of streams) for (const consumer of await consumersOf(link, stream, identity)) await remove(link, { stream, consumer });
}

const GONE = 'was gone';

async function problemOf(link: Link, place: StockPlace): Promise<string | null> {
  const answer = await callApi<FoundConsumer>(link, `CONSUMER.INFO.${place.stream}.${place.consumer}`);
  if (answer.kind === 'error' && answer.error.err_code === API_ERROR.consumerNotFound) return GONE;
  if (answer.kind === 'error' && answer.error.err_code === API_ERROR.streamNotFound) return null;
  return differenceOf(valueOf(place.stream, answer), place);
}

function differenceOf({ config, paused }: FoundConsumer, place: StockPlace): string | null {
  const wanted = stockConfig(place);
  const changed = Object.keys(wanted).filter((key) => !isDeepStrictEqual(config[key], wanted[key]));
  const added = FOREIGN.filter((key) => config[key] !== undefined);
  const all = [...changed, ...added, ...(paused === true ? ['pause_until'] : [])];
  return all.length === 0 ? null : `had another ${all.join(', ')}`;
}

async function consumersOf(link: Link, stream: string, identity: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (;;) {
    const page = await callApi<{ readonly consumers: readonly string[] | null; readonly total: number }>(link, `CONSUMER.NAMES.${stream}`, {
      offset: found.length,
    });
    if (page.kind === 'error' && page.error.err_code === API_ERROR.streamNotFound) return [];
    const { consumers, total } = valueOf(stream, page);
    found.push(...(consumers ?? []));
    if ((consumers ?? []).length === 0 || found.length >= total) break;
  }
  const prefix = stockPrefix(identity);
  return found.filter((name) => name.startsWith(prefix) && !name.slice(prefix.length).includes('_'));
}

async function remove(link: Link, { stream, consumer }: Omit<StockPlace, 'subject'>): Promise<void> {
  const answer = await callApi(link, `CONSUMER.DELETE.${stream}.${consumer}`);
  const isGone =
    answer.kind === 'error' && [API_ERROR.consumerNotFound, API_ERROR.streamNotFound].includes(answer.error.err_code as 10014 | 10059);
  if (!isGone) valueOf(stream, answer);
}
