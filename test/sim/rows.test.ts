import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_ROWS'] ?? 6);

test.each([0, 1] as const)(
  'rows that change, go and move from key to key come to what SQL says of the newest ones, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('rows', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
