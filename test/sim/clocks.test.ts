import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

// Seeds that found something:
//   1, 2, 3, 4: who took over a stage with a rate limit behind a silent split asked it what waits before it was restored, and the job failed.

const SEEDS = Number(process.env['MILLRACE_SIM_CLOCKS'] ?? 10);

test.each([0, 1] as const)(
  'what goes by the clock, waits for it, parts or falls silent gives each event once, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('clocks', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
