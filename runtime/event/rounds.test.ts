import { expect, test } from 'vitest';
import { byRounds, withRounds } from './rounds.ts';
import type { Batch } from './batch.ts';

const batch = (values: readonly unknown[]): Batch => ({ values: [...values], times: values.map((_, i) => i), keys: null, ingestMs: 1 });

test('events are cut where their rounds change, and keep their order', () => {
  const values = [withRounds(batch(['a', 'b']), 1), withRounds(batch(['c']), 2), withRounds(batch(['d']), 1)].flatMap((one) => one.values);
  expect(byRounds(batch(values)).map(({ rounds, batch: part }) => [rounds, part.values, part.times])).toEqual([
    [1, ['a', 'b'], [0, 1]],
    [2, ['c'], [2]],
    [1, ['d'], [3]],
  ]);
});

test('nothing has no part', () => {
  expect(byRounds(batch([]))).toEqual([]);
});
