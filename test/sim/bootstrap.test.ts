import { expect, test } from 'vitest';
import { BOOTSTRAP_JOB, slowBootstrap } from './sim-bootstrap.ts';
import { simulate } from './simulate.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_BOOTSTRAP'] ?? 10);

test.each([0, 1] as const)(
  'live events wait until state and tables are filled from what ends (C7), under crashes, moves and lost answers; standbys: %i',
  async (standbyReplicas) => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const job = { text: BOOTSTRAP_JOB, slow: slowBootstrap };
      const { found, expected, problems, counts } = await simulate(seed, { job, standbyReplicas });
      const again = `npm run sim -- --of bootstrap --seed ${seed}`;
      expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
      kills += counts.kills;
    }
    expect(kills).toBeGreaterThan(SEEDS);
  },
  120_000 + SEEDS * 3_000,
);
