import { expect, test } from 'vitest';
import { KeyWatch } from './key-watch.ts';

const batch = (keys: readonly string[], firstMs: number) => ({
  values: keys.map((key, at) => `${key}${at}`),
  times: keys.map((_key, at) => firstMs + at),
  keys,
  ingestMs: 0,
});

test('events and timers of a key are kept from the first look on, the last 32, and of no other key', () => {
  const watch = new KeyWatch(0);
  watch.note(batch(['a'], 0), 0);
  expect(watch.of('a', 0)).toEqual([]);
  watch.note({ ...batch(['a', 'b', 'a'], 10), traces: [{ at: 2, context: { traceId: 't1', spanId: 's1' } }] }, 1);
  watch.noteTimer({ key: 'a', id: 't', atMs: 20, data: 'due' }, 't2');
  expect(watch.of('a', 2).map(({ kind, timeMs, value, traceId }) => [kind, timeMs, value, traceId])).toEqual([
    ['event', 10, 'a0', null],
    ['event', 12, 'a2', 't1'],
    ['timer', 20, 'due', 't2'],
  ]);
  watch.note(
    batch(
      Array.from({ length: 100 }, () => 'a'),
      0,
    ),
    3,
  );
  expect(watch.of('a', 3)).toHaveLength(32);
});

test('a watch that nobody asks any more ends; the keys asked last are kept', () => {
  const watch = new KeyWatch(0);
  for (let key = 0; key < 9; key++) watch.of(`k${key}`, 0);
  watch.note(batch(['k0', 'k8'], 0), 1_000);
  expect(watch.of('k8', 1_000)).toHaveLength(1);
  expect(watch.of('k0', 1_000)).toHaveLength(0); // forgotten for k8, and begun anew
  expect(watch.note(batch(['k8'], 0), 16_000)).toBe(true);
  expect(watch.note(batch(['k8'], 0), 16_001)).toBe(false);
});
