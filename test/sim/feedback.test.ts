import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_FEEDBACK'] ?? 10);

test.each([0, 1] as const)(
  'what goes round comes back exactly once, and windows behind miss none of it, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('feedback', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
