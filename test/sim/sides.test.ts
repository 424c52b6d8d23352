import { test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_SIDES'] ?? 10);

test.each([0, 1] as const)(
  'each event meets the rows of its own time once, in every partition, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('sides', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);

test('and where next to nothing may wait for the rows', () => expectRight('waiting', SEEDS, 0), seedsTimeoutMs(SEEDS));
