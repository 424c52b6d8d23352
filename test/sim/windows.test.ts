import { expect, test } from 'vitest';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { phasesOf } from '../../runtime/plan/two-phase.ts';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';
import { WINDOWS_JOB } from './sim-windows.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_WINDOWS'] ?? 10);

test('windows of the simulated job are in two phases but where each key has its own watermark', () => {
  const plan = planJob(readStreamJob(WINDOWS_JOB, { file: 'sim.yaml', parameters: {} }), {});
  const phases = plan.edges.flatMap((edge) => phasesOf(plan, edge)?.kind ?? []);
  expect(phases).toEqual(['two', 'two', 'two', 'one']);
});

test.each([0, 1] as const)(
  'each event counts once, in two phases and by the watermark of its key, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('windows', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);
