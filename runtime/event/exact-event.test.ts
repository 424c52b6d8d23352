import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import type { DeadLetter } from './batch.ts';
import { exactEvent, withExact } from './exact-event.ts';

const letterOf = (event: unknown): DeadLetter => ({
  code: 'MR3002',
  at: 'm',
  message: 'm',
  issues: [],
  event,
  place: null,
  timeMs: null,
  key: null,
});

test.each<{ fact: string; event: unknown }>([
  { fact: 'a bigint', event: { id: 2n ** 63n - 1n } },
  { fact: 'a number that JSON has not', event: [NaN, -0, Infinity] },
  { fact: 'a date', event: { at: new Date(1) } },
  { fact: 'bytes', event: { raw: new Uint8Array([1, 2]) } },
  { fact: 'undefined', event: { a: undefined } },
  { fact: 'half a surrogate pair', event: { text: '\ud800' } },
  { fact: 'a key __proto__', event: JSON.parse('{"__proto__": {"a": 1}}') as unknown },
])('$fact comes back from a letter that was written as JSON', ({ event }) => {
  const letter = withExact(letterOf(event));
  const { exact } = letter;
  expect(exact).toBeDefined();
  expect(exactEvent({ event: null, exact: exact! })).toEqual(event);
});

test('what JSON gives back is not carried twice', () => {
  const letter = letterOf({ a: [1, 'two', null, { b: true }] });
  expect(withExact(letter)).toBe(letter);
  expect(exactEvent(letter)).toBe(letter.event);
});

test('of an event that is too large to be carried exactly, the letter says that it is not whole', () => {
  expect(withExact(letterOf({ raw: Buffer.alloc(100_000) }))).toMatchObject({ cut: true });
});
