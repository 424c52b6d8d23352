import { expect, test } from 'vitest';
import type { DeadLetter, Value } from '../event/batch.ts';
import { decodeEvents } from '../event/segment.ts';
import { encodeStorable, storableLetters } from './storable.ts';

const cycle: { self?: unknown } = {};
cycle.self = cycle;

test('a batch of plain data is stored whole', () => {
  expect(refusals([1, { a: [2n, 'x'] }, new Uint8Array([1])])).toEqual([]);
});

test.each<{ fact: string; value: Value; says: string; shown: unknown }>([
  {
    fact: 'a function',
    value: { n: 1, f: function twice() {} },
    says: 'an event holds a function',
    shown: { n: 1, f: '[function twice]' },
  },
  { fact: 'a symbol', value: [Symbol('mark')], says: 'an event holds a symbol', shown: ['[symbol mark]'] },
  { fact: 'a Map', value: { seen: new Map([[1, 2]]) }, says: 'an event holds a Map', shown: { seen: '[Map]' } },
  { fact: 'an event without an end', value: cycle, says: 'map: an event holds itself', shown: nested(8, 'self', '[…]') },
])('$fact is refused by itself, its neighbours are stored in order', ({ value, says, shown }) => {
  const batch = { values: ['a', value, 'b', value, 'c'], times: [1, 2, 3, 4, 5], keys: ['k1', 'k2', 'k3', 'k4', 'k5'], ingestMs: 7 };
  const { bytes, count, letters } = encodeStorable(batch, 'map');
  expect(count).toBe(3);
  expect(decodeEvents(bytes)).toEqual({ values: ['a', 'b', 'c'], times: [1, 3, 5], keys: ['k1', 'k3', 'k5'], ingestMs: 7 });
  expect(letters.map(({ code, at, timeMs, key }) => [code, at, timeMs, key])).toEqual([
    ['MR3002', 'map', 2, 'k2'],
    ['MR3002', 'map', 4, 'k4'],
  ]);
  expect(letters[0]?.message).toContain(says);
  expect(storableLetters(letters).map(({ event }) => event)).toEqual([shown, shown]);
});

test('letters whose events can be stored stay as they are', () => {
  const letters = [letter({ n: 1 }), letter({ f: () => 1 })];
  const [first, second] = storableLetters(letters);
  expect(first).toBe(letters[0]);
  expect(second?.event).toEqual({ f: '[function f]' });
});

test.each<{ fact: string; wide: unknown }>([
  { fact: 'lists', wide: circle(3, (parts) => parts) },
  { fact: 'objects', wide: circle(3, (parts) => ({ parent: parts[0], children: parts })) },
])('a circle of $fact with many ways around is refused at once, and shown in bounded parts', ({ wide }) => {
  expect(encodeStorable({ values: [wide], times: [0], keys: null, ingestMs: 0 }, 'map').letters).toHaveLength(1);
  expect(JSON.stringify(storableLetters([letter(wide)])).length).toBeLessThan(1_000_000);
});

test('a list that multiplies itself is refused before it fills the memory', () => {
  const { letters } = encodeStorable({ values: [circle(5_000, (parts) => parts)], times: [0], keys: null, ingestMs: 0 }, 'map');
  expect(letters[0]?.message).toContain('an event holds more than 16777216 elements');
});

function circle(width: number, make: (parts: unknown[]) => unknown): unknown {
  const parts: unknown[] = [];
  const whole = make(parts);
  for (let i = 0; i < width; i++) parts.push(whole);
  return whole;
}

function refusals(values: readonly Value[]): readonly DeadLetter[] {
  return encodeStorable({ values, times: values.map(() => 0), keys: null, ingestMs: 0 }, 'map').letters;
}

function letter(event: Value): DeadLetter {
  return { code: 'MR3002', at: 'map', message: '', issues: [], event, place: null, timeMs: null, key: null };
}

function nested(depth: number, name: string, end: string): unknown {
  return depth === 0 ? end : { [name]: nested(depth - 1, name, end) };
}
