import { expect, test } from 'vitest';
import { CLOCKS_JOB, slowClocks } from './sim-clocks.ts';
import { simulate } from './simulate.ts';

// Seeds that found something:
//   1, 2, 3, 4: who took over a stage with a rate limit behind a silent split asked it what waits before it was restored, and the job failed.

const SEEDS = Number(process.env['MILLRACE_SIM_CLOCKS'] ?? 10);

test.each([0, 1] as const)(
  'what goes by the clock, waits for it, parts or falls silent gives each event once, under crashes, moves and lost answers; standbys: %i',
  async (standbyReplicas) => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { found, expected, problems, counts } = await simulate(seed, { job: { text: CLOCKS_JOB, slow: slowClocks }, standbyReplicas });
      const again = `npm run sim -- --of clocks --seed ${seed}`;
      expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
      kills += counts.kills;
    }
    expect(kills).toBeGreaterThan(SEEDS);
  },
  120_000 + SEEDS * 3_000,
);
