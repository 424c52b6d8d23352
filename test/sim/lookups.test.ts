import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_LOOKUPS'] ?? 6);

test.each([0, 1] as const)(
  'each event gets one answer from a service that is slow, silent, failing and away, and keeps its order, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('lookups', SEEDS, standbyReplicas, { unanswered: 20 }),
  seedsTimeoutMs(SEEDS),
);
