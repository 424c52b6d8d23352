import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const SEEDS = 100;
// Seeds that found something:
//   1, 19, 30, 48: a worker that woke up behind what was purged took its late reader for a broken journal, and stopped the job.
//   67, 99, 133: a checkpoint was deleted while the last record still named it, and a crash came before the next.
//   307, 554, 694: the same late reader, asked to end before it had heard that another had its place.

test(`${SEEDS} runs with crashes, lost answers and pauses past the lease give what a slow computation gives`, async () => {
  const total = { kills: 0, pauses: 0, faults: 0, blockedMs: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { found, expected, problems, counts } = await simulate(seed);
    const again = `npm run sim -- --seed ${seed}`;
    expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
    total.kills += counts.kills;
    total.pauses += counts.pauses;
    total.faults += counts.faults;
    total.blockedMs += counts.blockedMs;
  }
  expect(total.kills).toBeGreaterThan(SEEDS); // a run without faults proves nothing about faults
  expect(total.pauses).toBeGreaterThan(SEEDS);
  expect(total.faults).toBeGreaterThan(10 * SEEDS);
  expect(total.blockedMs).toBeGreaterThan(0); // an answer that is late keeps a task waiting with its input there
}, 180_000);

test('a seed gives the same run each time', async () => {
  expect(await simulate(7)).toEqual(await simulate(7));
});
