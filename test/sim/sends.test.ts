import { expect, test } from 'vitest';
import { NO_RESULTS } from './sim-job.ts';
import { simulate } from './simulate.ts';
import { CIRCLE_JOB, SENDING_JOB, slowSends } from './sim-sends.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_SENDS'] ?? 10);

test.each([0, 1] as const)(
  'what actors send each other arrives exactly once under crashes, moves and lost answers; standbys: %i',
  async (standbyReplicas) => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { found, expected, problems, counts } = await simulate(seed, { job: { text: SENDING_JOB, slow: slowSends }, standbyReplicas });
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(found, `seed ${seed}`).toEqual(expected);
      kills += counts.kills;
    }
    expect(kills).toBeGreaterThan(SEEDS);
  },
  120_000 + SEEDS * 2_000,
);

test('actors whose timers send each other events for ever end with the input', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const job = { text: CIRCLE_JOB, slow: () => NO_RESULTS };
    const { problems } = await simulate(seed, { job });
    expect(problems, `seed ${seed}`).toEqual([]);
  }
}, 120_000);

test('by the clock, what actors send each other arrives exactly once too', async () => {
  const text = SENDING_JOB.replace('keyBy: event.id\n', 'keyBy: event.id\n      processingTime: {}\n');
  expect(text).not.toBe(SENDING_JOB);
  for (let seed = 1; seed <= 3; seed++) {
    const { found, expected, problems } = await simulate(seed, { job: { text, slow: slowSends } });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(found, `seed ${seed}`).toEqual(expected);
  }
}, 120_000);
