import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeavyKeys } from './heavy-keys.ts';

/** `count` keys, of which each `nth` is the heavy one and the others differ from each other. */
const keys = (count: number, nth: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => ((from + i) % nth === 0 ? 'heavy' : `k${from + i}`));
const noted = (batches: readonly (readonly string[])[]): HeavyKeys => {
  const heavy = new HeavyKeys();
  for (const batch of batches) heavy.note(batch);
  return heavy;
};

test.each([
  { fact: 'among keys that all differ', batches: Array.from({ length: 400 }, (_, i) => keys(50, 2, i * 50)), share: 0.5 },
  {
    fact: 'in batches of which only some events are looked at',
    batches: Array.from({ length: 30 }, (_, i) => keys(8_000, 2, i * 8_000)),
    share: 0.5,
  },
  { fact: 'one event at a time', batches: Array.from({ length: 4_000 }, (_, i) => keys(1, 3, i)), share: 1 / 3 },
  { fact: 'that all events have', batches: [['heavy'], ['heavy', 'heavy']], share: 1 },
])('the heaviest key is found $fact', ({ batches, share }) => {
  const top = noted(batches).top();
  expect(top?.key).toBe('heavy');
  expect(top?.share).toBeGreaterThan(share * 0.85);
  expect(top?.share).toBeLessThanOrEqual(Math.min(1, share * 1.15));
});

test('keys that come in turns have equal shares, however long the batches are', () => {
  const turns = Array.from({ length: 4_096 }, (_, i) => `k${i % 8}`);
  expect(noted(Array.from({ length: 20 }, () => turns)).top()?.share).toBeLessThan(0.25);
});

test('what was heavy is forgotten', () => {
  const heavy = noted(Array.from({ length: 20 }, () => keys(1_000, 1)));
  for (let i = 0; i < 100; i++) heavy.note(Array.from({ length: 1_000 }, () => 'other'));
  expect(heavy.top()).toMatchObject({ key: 'other', share: expect.closeTo(1, 1) as number });
});

test('nothing came: nothing is heavy', () => expect(new HeavyKeys().top()).toBeNull());

test('no share is told too high, where all events are looked at', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 16 }), { maxLength: 120 }), (drawn) => {
      const batches = drawn.map((batch) => batch.map((key) => `k${key}`));
      const top = noted(batches).top();
      const all = batches.flat();
      if (top === null) expect(all).toEqual([]);
      else expect(top.share).toBeLessThanOrEqual(all.filter((key) => key === top.key).length / all.length + 1e-9);
    }),
  );
});
