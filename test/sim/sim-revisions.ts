// A job that is declared anew while it runs: what its revisions look like, and what must come out of them.
//
// Every revision stamps its number on what it makes: on each event (`v`, in the stage of the source) and on each running total
// (`w`, in a keyed stage). So results tell under which revision a stage made them, and where it changed over.

import type { Random } from '../../runtime/base/clock.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { jobText } from '../support/job-run.ts';
import type { SimEvent } from './sim-job.ts';

/** What a declaration says. `v`, `w`: the stamps; the others: which parts are there. */
export type Declaration = {
  readonly v: number;
  readonly w: number;
  readonly copy: boolean;
  readonly windows: boolean;
  readonly counts: boolean;
  /** A second way from the stage of the source to a sink that has read the first one all along. */
  readonly extra: boolean;
};
export const FIRST: Declaration = { v: 1, w: 1, copy: false, windows: true, counts: false, extra: false };

export const SPLITS = 2;
const KEYS = 9;
const WINDOW_MS = 5_000;
const OUT_OF_ORDER_MS = 2_000;

/** Pool → its stages. */
export type Pools = Readonly<Record<string, readonly string[]>>;

export function planOf(declared: Declaration, identity: string, before: PhysicalPlan | null, pools: Pools = {}): PhysicalPlan {
  const job = readStreamJob(textOf(declared) + poolsText(pools), { file: 'sim.yaml', parameters: {} });
  return planJob(job, { rows: SPLITS }, { identity, deadLetterFile: false, before });
}

function poolsText(pools: Pools): string {
  const lines = Object.entries(pools).map(([name, stages]) => `    - { name: ${name}, stages: [${stages.join(', ')}] }\n`);
  return lines.length === 0 ? '' : `  pools:\n${lines.join('')}`;
}

function textOf({ v, w, copy, windows, counts, extra }: Declaration): string {
  return jobText(
    'sim',
    `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: ${OUT_OF_ORDER_MS}ms }
  stages:
    - { name: stamped, from: rows, map: { id: event.id, at: event.at, n: event.n, v: '${v}' } }
${extra ? "    - { name: extra, from: stamped, map: { id: event.id, at: event.at, n: '-1', v: event.v } }\n" : ''}    - name: totals
      from: stamped
      keyBy: event.id
      machine:
        order: eventTime
        eventType: "'add'"
        context: { total: 0 }
        initial: adding
        states:
          adding:
            on:
              add:
                actions:
                  - assign: { total: context.total + event.n }
                  - emit: { output: total, value: { id: key, at: event.at, total: context.total, v: event.v, w: '${w}' } }
${
  windows
    ? `    - name: windows
      from: stamped
      keyBy: event.id
      partitions: 2
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
`
    : ''
}${
      counts
        ? `    - name: counts
      from: stamped
      keyBy: event.id
      partitions: 4
      aggregate: { times: { count: {} }, last: { max: event.v } }
`
        : ''
    }  sinks:
    - { name: stamped-out, from: stamped, nats: { subject: out.stamped } }
    - { name: totals-out, from: totals.total, nats: { subject: out.totals } }
    - { name: both-out, from: [stamped${extra ? ', extra' : ''}], nats: { subject: out.both } }
${windows ? '    - { name: windows-out, from: windows, nats: { subject: out.windows } }\n' : ''}${
      copy ? '    - { name: copy-out, from: stamped, nats: { subject: out.copy } }\n' : ''
    }${counts ? '    - { name: counts-out, from: counts, nats: { subject: out.counts } }\n' : ''}`,
  );
}

/** Times are all different, so that the order of a key's events is one. */
export function revisionEvents(perSplit: number): (random: Random) => readonly (readonly SimEvent[])[] {
  return (random) =>
    Array.from({ length: SPLITS }, (_, split) =>
      Array.from({ length: perSplit }, (_unused, index) => {
        const at = index * 100 + split;
        return {
          id: `k${Math.floor(random.next() * KEYS)}`,
          at,
          n: Math.floor(random.next() * 100),
          readAt: at + random.next() * OUT_OF_ORDER_MS,
        };
      })
        .sort((a, b) => a.readAt - b.readAt)
        .map(({ id, at, n }) => ({ id, at, n })),
    );
}

export type Stamped = SimEvent & { readonly v: number };
export type Total = { readonly id: string; readonly at: number; readonly total: number; readonly v: number; readonly w: number };
export type Window = { readonly id: string; readonly windowStartMs: number; readonly count: number; readonly sum: number };
export type Count = { readonly id: string; readonly times: number; readonly last: number };

const nameOf = ({ id, at }: { readonly id: string; readonly at: number }): string => `${id}@${at}`;

/** What is wrong with the stamped events: each once, in the order of its split, stamps never going back. */
export function checkStamped(stamped: readonly Stamped[], events: readonly (readonly SimEvent[])[], newest: number): readonly string[] {
  const problems: string[] = [];
  const found = new Map<string, Stamped>();
  for (const event of stamped) {
    if (found.has(nameOf(event))) problems.push(`${nameOf(event)} came twice`);
    found.set(nameOf(event), event);
  }
  for (const [split, list] of events.entries()) {
    let v = 1;
    for (const event of list) {
      const one = found.get(nameOf(event));
      if (one === undefined) problems.push(`${nameOf(event)} is lost`);
      else if (one.v < v) problems.push(`split ${split}: ${nameOf(event)} has ${one.v} behind ${v}`);
      else v = one.v;
    }
    if (v > newest) problems.push(`split ${split} ended with stamp ${v}, and there is only ${newest}`);
  }
  return problems;
}

/** Running totals as a slow sum over the events gives them; the stage's stamp never goes back within a key. */
export function checkTotals(totals: readonly Total[], stamped: readonly Stamped[], newest: number): readonly string[] {
  const problems: string[] = [];
  const stamps = new Map(stamped.map((event) => [nameOf(event), event.v]));
  const sums = new Map<string, number>();
  const expected = new Map<string, number>();
  for (const { id, at, n } of stamped.toSorted((a, b) => a.at - b.at)) {
    sums.set(id, (sums.get(id) ?? 0) + n);
    expected.set(nameOf({ id, at }), sums.get(id) ?? 0);
  }
  const lasts = new Map<string, Total>();
  for (const total of totals.toSorted((a, b) => a.at - b.at)) {
    if (expected.get(nameOf(total)) !== total.total)
      problems.push(`total ${nameOf(total)} is ${total.total}, not ${expected.get(nameOf(total))}`);
    expected.delete(nameOf(total));
    if (stamps.get(nameOf(total)) !== total.v)
      problems.push(`total ${nameOf(total)} says ${total.v} of an event of ${stamps.get(nameOf(total))}`);
    const last = lasts.get(total.id);
    if (last !== undefined && last.w > total.w) problems.push(`total ${nameOf(total)} was made under ${total.w} behind ${last.w}`);
    lasts.set(total.id, total);
  }
  for (const name of expected.keys()) problems.push(`total ${name} is lost`);
  if (Math.max(0, ...totals.map(({ w }) => w)) > newest) problems.push(`totals were made under more than ${newest}`);
  return problems;
}

export function checkWindows(windows: readonly Window[], events: readonly SimEvent[]): readonly string[] {
  const expected = new Map<string, { count: number; sum: number }>();
  for (const { id, at, n } of events) {
    const name = `${id}@${Math.floor(at / WINDOW_MS) * WINDOW_MS}`;
    const { count, sum } = expected.get(name) ?? { count: 0, sum: 0 };
    expected.set(name, { count: count + 1, sum: sum + n });
  }
  return differences(
    windows.map(({ id, windowStartMs, count, sum }) => `${id}@${windowStartMs} ${count} ${sum}`),
    [...expected].map(([name, { count, sum }]) => `${name} ${count} ${sum}`),
  );
}

/** A stage that came later counts what was stamped since, each event once; a result a step, so not each count is told. */
export function checkCounts(counts: readonly Count[], counted: readonly Stamped[]): readonly string[] {
  const expected = [...Map.groupBy(counted, ({ id }) => id)].map(([id, list]) => `${id} ${list.length}`);
  const byKey = [...Map.groupBy(counts, ({ id }) => id)];
  const back = byKey.flatMap(([id, list]) =>
    list.flatMap(({ times }, place) => (place > 0 && times <= (list[place - 1]?.times ?? 0) ? [`${id} went back to ${times}`] : [])),
  );
  return [
    ...back,
    ...differences(
      byKey.map(([id, list]) => `${id} ${list.at(-1)?.times ?? 0}`),
      expected,
    ),
  ];
}

export function checkCopy(copied: readonly Stamped[], expected: readonly Stamped[]): readonly string[] {
  return differences(
    copied.map((event) => `${nameOf(event)} ${event.v}`),
    expected.map((event) => `${nameOf(event)} ${event.v}`),
  );
}

function differences(found: readonly string[], expected: readonly string[]): readonly string[] {
  const [has, wants] = [new Set(found), new Set(expected)];
  return [
    ...expected.filter((line) => !has.has(line)).map((line) => `lacks ${line}`),
    ...found.filter((line) => !wants.has(line)).map((line) => `has too much ${line}`),
    ...(found.length === has.size ? [] : [`has ${found.length - has.size} lines twice`]),
  ];
}
