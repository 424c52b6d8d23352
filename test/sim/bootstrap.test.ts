import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_BOOTSTRAP'] ?? 10);

test.each([0, 1] as const)(
  'live events wait until state and tables are filled from what ends (C7), under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('bootstrap', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
