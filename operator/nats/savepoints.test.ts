import { expect, test } from 'vitest';
import { PauseWatch } from './savepoints.ts';

test('S4 a pause lasts from when it was first seen, whatever time who began it has told; another one anew', () => {
  const watch = new PauseWatch();
  const lasts = (identity: string, id: string, toldMs: number, atMs: number): number =>
    watch.lastsMs(identity, { id, reason: '', sinceMs: toldMs }, atMs);
  expect([lasts('a', 'p', 9e12, 1_000), lasts('b', 'p', 0, 2_000), lasts('a', 'p', 9e12, 3_000)]).toEqual([0, 0, 2_000]);
  expect([lasts('a', 'q', 9e12, 4_000), lasts('a', 'q', 5, 5_000)]).toEqual([0, 0]); // taken again under the same name
  watch.ended('a');
  expect([lasts('a', 'q', 5, 6_000), lasts('b', 'p', 0, 62_001)]).toEqual([0, 60_001]);
});
