import { expect, test } from 'vitest';
import { simulateSavepoint } from './savepoints.ts';

const SEEDS = 8;
// Seeds that found something (more of them: `npm run sim -- --of savepoints --seed 1 --seeds 100`):
//   15: a timer that came a fraction of a ms early left positions unstored until the next event.

test.each([
  { when: 'nothing happens', kills: false, standbyReplicas: 0 as const },
  { when: 'workers die while it is taken and while the other job begins', kills: true, standbyReplicas: 0 as const },
  { when: 'workers die, and each partition has a standby', kills: true, standbyReplicas: 1 as const },
])(
  `a job that goes on from a savepoint under another name gives what an uninterrupted run gives: $when (${SEEDS} seeds)`,
  async ({ kills, standbyReplicas }) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { problems, atSavepoint, atEnd } = await simulateSavepoint(seed, { kills, standbyReplicas });
      expect({ seed, problems }).toEqual({ seed, problems: [] });
      expect(atSavepoint).toBeGreaterThan(20); // it was in the middle
      expect(atEnd).toBeGreaterThan(atSavepoint + 20);
    }
  },
  900_000,
);
