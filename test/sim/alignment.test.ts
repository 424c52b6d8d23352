import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_ALIGNED'] ?? 10);

test.each([0, 1] as const)(
  'splits that go on in step give the same and come to their end, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('aligned', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
