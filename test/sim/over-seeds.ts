// Runs of another job from seed 1 on, each held against its slow computation.

import { expect } from 'vitest';
import { OTHER_JOBS } from './other-jobs.ts';
import { simulate } from './simulate.ts';

/** `unanswered`: so many tries of lookups a run are to get nothing. */
export async function expectRight(
  name: keyof typeof OTHER_JOBS,
  seeds: number,
  standbyReplicas: 0 | 1,
  { unanswered = 0 }: { readonly unanswered?: number } = {},
): Promise<void> {
  const total = { kills: 0, unanswered: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const { found, expected, problems, counts } = await simulate(seed, { job: OTHER_JOBS[name], standbyReplicas });
    const again = `npm run sim -- --of ${name} --seed ${seed}${standbyReplicas === 1 ? ' --standbys' : ''}`;
    expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
    total.kills += counts.kills;
    total.unanswered += counts.unanswered;
  }
  expect(total.kills).toBeGreaterThan(seeds); // a run without faults proves nothing about faults
  expect(total.unanswered).toBeGreaterThanOrEqual(unanswered * seeds);
}

/** A test may take so long. */
export function seedsTimeoutMs(seeds: number): number {
  return 300_000 + seeds * 12_000;
}
