import { expect, test } from 'vitest';
import { SIDES_JOB, slowSides } from './sim-sides.ts';
import { simulate } from './simulate.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_SIDES'] ?? 10);

test.each([0, 1] as const)(
  'each event meets the rows of its own time once, in every partition, under crashes, moves and lost answers; standbys: %i',
  async (standbyReplicas) => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { found, expected, problems, counts } = await simulate(seed, { job: { text: SIDES_JOB, slow: slowSides }, standbyReplicas });
      const again = `npm run sim -- --of sides --seed ${seed}`;
      expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
      kills += counts.kills;
    }
    expect(kills).toBeGreaterThan(SEEDS);
  },
  120_000 + SEEDS * 3_000,
);
