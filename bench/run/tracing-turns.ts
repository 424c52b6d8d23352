// `npm run bench -- tracing-turns`: what it costs a worker to sample, told of pairs of turns of one and the same worker (sample-in-turns.ts), for
// which a job must be long. What is paid once it does not tell; `tracing` does. The results of each run are checked.

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from '../load.ts';
import { generatedPieces } from '../nexmark/pieces.ts';
import { checkedRun, seen } from './checked-run.ts';
import { makeCheck } from './checks.ts';
import { pairedShare, toldShare, type PairedShare } from './paired.ts';
import { TURN_EVENTS, TURNS_LEFT_OUT, type Turn } from './sample-in-turns.ts';
import { COUNT_JOB, startCollector, STREAM, type TracingBenchOptions } from './tracing.ts';
import { withServer } from './with-server.ts';

/** Two turns beside one another, in either order. */
export type TurnPair = { readonly without: Turn; readonly sampled: Turn };
type Measure = 'throughput' | 'engine' | 'process';
export type TracingTurnsResult = {
  readonly pairs: readonly TurnPair[];
  readonly eventsPerS: number;
  /** Of the sampled turn to the other. */
  readonly shares: Readonly<Record<Measure, PairedShare>>;
};

/** Of fewer no pair is left. */
export const TURNS_EVENTS_MIN = (TURNS_LEFT_OUT + 2) * TURN_EVENTS;

export async function tracingTurns(
  { events, rounds, sampling, ...options }: Omit<TracingBenchOptions, 'profileDir'>,
  log: (line: string) => void,
): Promise<TracingTurnsResult> {
  return withServer(async (place) => {
    const collector = await startCollector();
    const check = makeCheck('count');
    await load(place.nc, seen(generatedPieces(options, { from: 0, to: events }), check), STREAM);
    const pairs: TurnPair[] = [];
    for (let round = 0; round < rounds; round++) {
      const folder = mkdtempSync(join(place.folder, 'turns-'));
      const first = round % 2 === 0 ? 'plain' : 'sampled';
      const settings = {
        file: COUNT_JOB,
        name: `turns-${round}`,
        workers: 1,
        profileDir: null,
        tracing: { endpoint: collector.url, sampling, environment: {} },
        preload: {
          module: new URL('./sample-in-turns.ts', import.meta.url),
          environment: { MILLRACE_BENCH_TURNS: folder, MILLRACE_BENCH_TURNS_FIRST: first },
        },
      };
      await checkedRun(place, settings, check);
      pairs.push(...pairsOf(folder));
      log(`round ${round + 1} of ${rounds}\n${tracingTurnsTable(resultOf(pairs))}`);
    }
    collector.stop();
    return resultOf(pairs);
  });
}

export function resultOf(pairs: readonly TurnPair[]): TracingTurnsResult {
  const share = (measure: (turn: Turn) => number): PairedShare =>
    pairedShare(pairs.map(({ sampled, without }) => measure(sampled) / measure(without)));
  const rates = pairs.map(({ without }) => without.events / (without.tookMs / 1_000)).toSorted((a, b) => a - b);
  const shares = {
    throughput: share(({ events, tookMs }) => events / tookMs),
    engine: share(({ events, engineCpuMs }) => engineCpuMs / events),
    process: share(({ events, processCpuMs }) => processCpuMs / events),
  };
  return { pairs, eventsPerS: rates[Math.floor(rates.length / 2)]!, shares };
}

export function tracingTurnsTable({ pairs, eventsPerS, shares }: TracingTurnsResult): string {
  return [
    `sampled beside without, ${pairs.length} pairs of turns together; without ${Math.round(eventsPerS)} events/s:`,
    `  throughput              ${toldShare(shares.throughput)}`,
    `  CPU, engine's thread    ${toldShare(shares.engine)}`,
    `  CPU, worker's process   ${toldShare(shares.process)}`,
  ].join('\n');
}

/** What the worker of a run has said at its end. */
function pairsOf(folder: string): TurnPair[] {
  const turns = readdirSync(folder).flatMap((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Turn[]);
  const pairs: TurnPair[] = [];
  for (let at = 0; at + 1 < turns.length; at += 2) {
    const [one, other] = [turns[at]!, turns[at + 1]!];
    pairs.push(one.samples ? { sampled: one, without: other } : { sampled: other, without: one });
  }
  return pairs;
}
