import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_EXPIRING'] ?? 6);

test.each([0, 1] as const)(
  'state that expires goes once, of machines, aggregates and windows by count, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('expiring', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
