// `npm run bench -- two-phase`: what it saves to sum events up before the exchange, counting bids as they are (many keys, one
// worker), and counting, summing and ranking bids of which nine in ten are of one auction (4 partitions, 2 workers). Runs with and without take turns on one filled server, so what
// disturbs the machine disturbs both; every result is checked.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../load.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import type { NexmarkOptions } from '../nexmark/generator.ts';
import { checkedRun, seen } from './checked-run.ts';
import { makeCheck } from './checks.ts';
import { jetstreamManager } from '@nats-io/jetstream';
import type { MeasuredRun, RunPlace } from './measure-run.ts';
import { aligned, counted } from './table.ts';
import { withServer } from './with-server.ts';

export type TwoPhaseOptions = NexmarkOptions & { readonly events: number; readonly rounds: number };

/** CPU of the workers above that of an empty run. */
type Figures = { readonly eventsPerS: number; readonly cpuSPerMillion: number };
type Round = { readonly one: Figures; readonly two: Figures };
export type TwoPhaseResult = Readonly<Record<CaseName, readonly Round[]>>;

type CaseName = 'count' | 'hotKey';
type Case = { readonly workers: number; readonly aggregates: string; readonly line: (line: string, n: number) => string };
const COUNT = 'aggregate: { bids: { count: {} } }';
const CASES: Readonly<Record<CaseName, Case>> = {
  count: { workers: 1, aggregates: COUNT, line: (line) => line },
  hotKey: {
    workers: 2,
    aggregates: 'aggregate: { bids: { count: {} }, total: { sum: event.value.price }, highest: { max: event.value.price } }',
    line: (line, n) => (n % 10 === 0 ? line : line.replace(/"auction":\d+/, '"auction":1')),
  },
};
const STREAM = { stream: 'NEXMARK', prefix: 'nexmark', splits: 4, linesPerMessage: 100 };
const JOB = new URL('../jobs/count.yaml', import.meta.url);
const WINDOW = 'window: { tumbling: { size: 10s } }';

export async function twoPhase(options: TwoPhaseOptions, log: (line: string) => void): Promise<TwoPhaseResult> {
  return withServer(async (place) => {
    return { count: await roundsOf('count', place, options, log), hotKey: await roundsOf('hotKey', place, options, log) };
  });
}

export function twoPhaseTable(result: TwoPhaseResult): string {
  const head = ['bids', 'round', 'events/s one phase', 'two', 'CPU-s/M one phase', 'two'];
  const rows = (name: CaseName, title: string): string[][] =>
    result[name].map(({ one, two }, round) => [
      title,
      String(round + 1),
      counted(one.eventsPerS),
      counted(two.eventsPerS),
      one.cpuSPerMillion.toFixed(2),
      two.cpuSPerMillion.toFixed(2),
    ]);
  return aligned([head, ...rows('count', 'as they are, 1 worker'), ...rows('hotKey', 'nine in ten of one auction, 2 workers')]);
}

async function roundsOf(
  name: CaseName,
  place: RunPlace,
  { events, rounds, ...generator }: TwoPhaseOptions,
  log: (line: string) => void,
): Promise<readonly Round[]> {
  const { workers, line } = CASES[name];
  const check = makeCheck('count');
  const settings = (phases: 'one' | 'two', run: string) => ({
    file: jobFile(place, name, phases),
    name: `${name}-${phases}-${run}`,
    workers,
    profileDir: null,
  });
  await load(place.nc, [], STREAM);
  const empty = await checkedRun(place, settings('two', 'empty'), null);
  await load(place.nc, seen(changed(generatedPieces(generator, { from: 0, to: events }), line), check), STREAM);
  const runOnce = async (phases: 'one' | 'two', round: number): Promise<Figures> =>
    figuresOf(await checkedRun(place, settings(phases, String(round)), check), empty, events);
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    log(`${name}, round ${round + 1} of ${rounds} …`);
    const isTurned = round % 2 === 1;
    const first = await runOnce(isTurned ? 'two' : 'one', round);
    const second = await runOnce(isTurned ? 'one' : 'two', round);
    done.push(isTurned ? { two: first, one: second } : { one: first, two: second });
  }
  await (await jetstreamManager(place.nc)).streams.delete(STREAM.stream);
  return done;
}

function figuresOf(run: MeasuredRun, empty: MeasuredRun, events: number): Figures {
  return {
    eventsPerS: events / ((run.spanMs ?? run.totalMs) / 1_000),
    cpuSPerMillion: (run.workerCpuMs - empty.workerCpuMs) / 1_000 / (events / 1e6),
  };
}

/** The job of the `count` benchmark with the aggregates of the case, and the choice in its window. */
function jobFile({ folder }: RunPlace, name: CaseName, phases: 'one' | 'two'): string {
  const job = readFileSync(JOB, 'utf8');
  if (!job.includes(WINDOW) || !job.includes(COUNT)) throw new Error(`bench/jobs/count.yaml has no ${WINDOW} with ${COUNT}`);
  const file = join(folder, `${name}-${phases}.yaml`);
  const window = `window: { tumbling: { size: 10s }, preAggregate: ${phases === 'two'} }`;
  writeFileSync(file, job.replace(WINDOW, window).replace(COUNT, CASES[name].aggregates));
  return file;
}

function* changed(pieces: Iterable<readonly string[]>, change: Case['line']): Generator<readonly string[]> {
  let n = 0;
  for (const lines of pieces) yield lines.map((line) => change(line, n++));
}
