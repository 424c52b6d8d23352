// Loaded before a worker that is measured (`--import`): it samples, and does not, in turns within one run, and says at its end what each turn took.
// Two runs differ by more than what sampling costs: by what was compiled when, and where things came to lie.
//
//   S1. A turn is so many events of the source. The first ones of it are not measured: spans of the turn before are still on their way, for as long as
//       they gather (SPANS_GATHER_MS), and so are events between source and sink.
//   S2. Turns go A B B A, so that what rises or falls over a run meets both alike. The first two are not told: code is compiled, the thread starts.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { RatioSampler } from '../../runtime/telemetry/sampling.ts';

export type Turn = {
  readonly samples: boolean;
  readonly events: number;
  readonly tookMs: number;
  readonly engineCpuMs: number;
  readonly processCpuMs: number;
};

/** S1. */
export const TURN_EVENTS = 1_000_000;
const LEFT_OUT = 450_000;
/** S2. */
export const TURNS_LEFT_OUT = 2;
const ORDER = [false, true, true, false];

const folder = process.env['MILLRACE_BENCH_TURNS'];
if (isMainThread && folder !== undefined) {
  const isTurned = process.env['MILLRACE_BENCH_TURNS_FIRST'] === 'sampled';
  const samplesIn = (turn: number): boolean => ORDER[turn % ORDER.length] !== isTurned;
  const turns: Turn[] = [];
  let [turn, events] = [0, 0];
  let begun: Omit<Turn, 'samples'> | null = null;

  const now = (): Omit<Turn, 'samples'> => {
    const [engineCpuMs, processCpuMs] = [process.threadCpuUsage(), process.cpuUsage()].map(({ user, system }) => (user + system) / 1_000);
    return { events, tookMs: performance.now(), engineCpuMs: engineCpuMs!, processCpuMs: processCpuMs! };
  };
  const ends = (): void => {
    const end = now();
    if (begun !== null && turn >= TURNS_LEFT_OUT)
      turns.push({
        samples: samplesIn(turn),
        events: end.events - begun.events,
        tookMs: end.tookMs - begun.tookMs,
        engineCpuMs: end.engineCpuMs - begun.engineCpuMs,
        processCpuMs: end.processCpuMs - begun.processCpuMs,
      });
    begun = null;
    turn++;
  };

  const next = Reflect.get(RatioSampler.prototype, 'next') as (this: RatioSampler, count: number) => readonly number[];
  RatioSampler.prototype.next = function (count) {
    const taken = next.call(this, count);
    events += count;
    if (events >= (turn + 1) * TURN_EVENTS) ends();
    else if (begun === null && events >= turn * TURN_EVENTS + LEFT_OUT) begun = now();
    return samplesIn(turn) ? taken : [];
  };
  process.on('exit', () => writeFileSync(join(folder, `${process.pid}`), JSON.stringify(turns)));
}
