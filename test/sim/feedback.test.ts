import { expect, test } from 'vitest';
import { simulateRevisionsOfFeedback, simulateSavepointOfFeedback } from './feedback-on.ts';
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
}, 120_000);

test.each([
  { fact: 'while the job is declared anew', play: simulateRevisionsOfFeedback },
  { fact: 'when the job goes on from a savepoint', play: simulateSavepointOfFeedback },
])(
  'nothing on its way back is lost or doubled $fact and workers die',
  async ({ play }) => {
    let amidst = 0;
    for (let seed = 1; seed <= 3; seed++) {
      const { problems, isAmidst } = await play(seed);
      expect(problems, `seed ${seed}`).toEqual([]);
      if (isAmidst) amidst++;
    }
    expect(amidst).toBeGreaterThan(0);
  },
  300_000,
);
