import { expect, test } from 'vitest';
import { simulatePools } from './pools.ts';

const SEEDS = 8;

test(`${SEEDS} runs whose stages move from pool to pool, with crashes and pauses: no event lost, none doubled, each task ends up in its pool`, async () => {
  let kills = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const run = await simulatePools(seed, { faults: true });
    expect({ seed, problems: run.problems }).toEqual({ seed, problems: [] });
    kills += run.kills;
  }
  expect(kills).toBeGreaterThan(SEEDS); // a run without faults proves nothing about faults
}, 900_000);

test('a stage that moves is handed over once, and the others go on untouched', async () => {
  const moves = [{ heavy: ['totals'] }, { heavy: ['totals', 'windows'] }, { heavy: ['windows'] }, { other: ['totals'] }];
  const { problems, epochs } = await simulatePools(1, { faults: false, moves });
  expect(problems).toEqual([]);
  // totals: heavy, heavy, default, other; windows: default, heavy, heavy, default
  expect(epochs).toMatchObject({ rows: '1', totals: '3', windows: '3', 'stamped-out': '1', 'totals-out': '1' });
});
