import { expect, test } from 'vitest';
import { expectRight, seedsTimeoutMs } from './over-seeds.ts';
import { SENDING_FEEDBACK_JOB, slowFeedback } from './sim-feedback.ts';
import { simulate } from './simulate.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_FEEDBACK'] ?? 10);

test.each([0, 1] as const)(
  'what goes round comes back exactly once, and windows behind miss none of it, under crashes, moves and lost answers; standbys: %i',
  (standbyReplicas) => expectRight('feedback', SEEDS, standbyReplicas),
  seedsTimeoutMs(SEEDS),
);

test('beside what actors send each other, what goes round comes back exactly once too', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const { found, expected, problems } = await simulate(seed, { job: { text: SENDING_FEEDBACK_JOB, slow: slowFeedback } });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(found.totals, `seed ${seed}`).toEqual(expected.totals);
  }
}, 300_000);
