import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from './batch.ts';
import { Combined } from './combined.ts';
import { DEPTH_MAX, SegmentBroken, SegmentRefused, decodeEvents, encodeEvents } from './segment.ts';
import { compile, interpret, shapeOf } from './segment-shape.ts';

function batchOf(values: readonly unknown[], keys: readonly string[] | null = null): Batch {
  return { values, times: values.map((_value, i) => 1_700_000_000_000 + i), keys, ingestMs: 1_700_000_000_500.5, traces: undefined };
}

function check(values: readonly unknown[]): void {
  const batch = batchOf(values);
  const decoded = decodeEvents(encodeEvents([batch]));
  // node's comparison: the one of vitest stumbles over fields named `constructor`.
  deepStrictEqual(decoded, batch);
  deepStrictEqual(order(decoded.values), order(values));
}

/** Field names in their order, which deepStrictEqual does not compare. */
function order(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(order);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || value instanceof Date) return null;
  return Object.keys(value).map((name) => [name, order((value as Record<string, unknown>)[name])]);
}

const protoField: object = JSON.parse('{"__proto__": {"polluted": 1}, "a": 2}') as object;

describe('a segment carries', () => {
  test.each<{ fact: string; values: readonly unknown[] }>([
    { fact: 'no events', values: [] },
    { fact: 'one event', values: [{ a: 1 }] },
    { fact: 'whole numbers of every width', values: [0, 255, -1, 65_535, 4_294_967_295, -(2 ** 53) + 1, 2 ** 53 - 1] },
    { fact: 'NaN, infinities, -0 and fractions', values: [NaN, Infinity, -Infinity, -0, 0.1, 5e-324] },
    { fact: '-0 among whole numbers', values: [1, -0, 2] },
    { fact: 'bigints beyond 64 bits', values: [2n ** 53n + 1n, -(2n ** 63n), 2n ** 200n, 0n] },
    { fact: 'bytes', values: [new Uint8Array([1, 2, 255]), new Uint8Array(0)] },
    { fact: 'dates, the invalid one too', values: [new Date(0), new Date(1_700_000_000_001), new Date(NaN)] },
    { fact: 'null, undefined and booleans in one column', values: [null, undefined, true, false, null] },
    { fact: 'a field named __proto__ as a field', values: [protoField, protoField] },
    { fact: '__proto__ among many shapes', values: [...Array.from({ length: 70 }, (_v, i) => ({ [`f${i}`]: i })), protoField] },
    { fact: 'field names that look like code', values: [{ '"];throw 1;//': 1, '\u2028': 2, '\\': 3, '${x}': 4, '': 5 }] },
    { fact: 'field names with unpaired surrogates', values: [{ '\ud800': 1 }] },
    { fact: 'unpaired surrogates in text', values: ['\ud800', 'a\udc00b', '😀'] },
    { fact: 'a pair split over two neighbours', values: ['x\ud83d', '\ude00y'] },
    { fact: 'text of every width', values: ['', 'plain', 'Zürich', '東京', '😀'.repeat(700)] },
    { fact: 'repeating text', values: Array.from({ length: 500 }, (_v, i) => ['JFK', 'EWR', 'LGA'][i % 3]) },
    { fact: 'text that only seems to repeat', values: Array.from({ length: 900 }, (_v, i) => (i < 40 ? 'JFK' : `n${i}`)) },
    { fact: 'empty objects and arrays', values: [{}, [], [[]], { a: {} }] },
    {
      fact: 'one field in another order',
      values: [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    },
    { fact: 'a field that only some events have', values: [{ a: 1 }, { a: 1, b: undefined }, { a: null }] },
    {
      fact: 'field names that are numbers',
      values: [
        { 1: 'x', 0: 'y', a: 'z' },
        { 1: 'x', 0: 'y', a: 'z' },
      ],
    },
    { fact: 'more shapes than classes fit', values: Array.from({ length: 400 }, (_v, i) => ({ [`f${i}`]: i, common: `${i}` })) },
    { fact: 'more fields than are compiled', values: [Object.fromEntries(Array.from({ length: 300 }, (_v, i) => [`f${i}`, i]))] },
    { fact: 'nesting', values: [{ a: [{ b: [1, [2, { c: 'x' }]] }] }, { a: [] }, { a: [null] }] },
    {
      fact: 'sums among events, each with its parts',
      values: [{ a: 1 }, new Combined(3, [3, [0.1, 1e16], null, 'x']), new Combined(1, [1, 7, 2n ** 70n, null]), null],
    },
    {
      fact: 'sums of very many parts',
      values: [
        new Combined(
          2,
          Array.from({ length: 300 }, (_v, i) => i),
        ),
      ],
    },
    { fact: 'nesting of the greatest depth', values: [nested(DEPTH_MAX)] },
  ])('$fact', ({ values }) => check(values));

  test('any values, field order included', () => {
    const leaf = fc.oneof(
      fc.constantFrom<unknown>(null, undefined, true, NaN, -0, 2 ** 53, new Date(5)),
      fc.integer(),
      fc.double(),
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.bigInt(),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => Uint8Array.from(bytes)),
    );
    const name = fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', '1', ''), fc.string({ unit: 'binary', maxLength: 3 }));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, fc.array(tie('value'), { maxLength: 4 }), tie('object')),
      object: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((fields) => Object.fromEntries(fields)),
    }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), (values) => check(values)),
      { numRuns: 400 },
    );
  });
});

test('keys, times and the oldest ingestion of several batches come back behind one another', () => {
  const long = 'x'.repeat(300);
  const first = { ...batchOf([1, 2], ['a', long]), times: [5, -3], ingestMs: 70 };
  const second = { ...batchOf([3], ['\u00001']), times: [1e15], ingestMs: 60 };
  expect(decodeEvents(encodeEvents([first, second]))).toStrictEqual({
    values: [1, 2, 3],
    times: [5, -3, 1e15],
    keys: ['a', long, '\u00001'],
    ingestMs: 60,
    traces: undefined,
  });
});

test('a prototype is never touched by a field name', () => {
  const [decoded] = decodeEvents(encodeEvents([batchOf([protoField])])).values as [Record<string, unknown>];
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  expect(decoded['polluted']).toBeUndefined();
});

test.each([
  { fact: 'a function', value: { f: () => 1 }, problem: /function/ },
  { fact: 'a symbol', value: [Symbol('x')], problem: /symbol/ },
  { fact: 'a Map', value: { m: new Map([[1, 2]]) }, problem: /Map/ },
  { fact: 'nesting beyond the limit', value: nested(DEPTH_MAX + 1), problem: /deeper than 200/ },
])('$fact is refused', ({ value, problem }) => {
  expect(() => encodeEvents([batchOf([value])])).toThrow(SegmentRefused);
  expect(() => encodeEvents([batchOf([value])])).toThrow(problem);
  check([{ a: 1 }]); // the shared writer is sound after a refusal
});

test('cut or foreign bytes are refused, never guessed at', () => {
  const bytes = encodeEvents([batchOf([{ a: 1, b: 'x' }, { a: 2, b: 'y' }, null])]);
  for (let length = 0; length < bytes.length; length++) expect(() => decodeEvents(bytes.subarray(0, length))).toThrow(SegmentBroken);
  expect(() => decodeEvents(new Uint8Array([...bytes, 0]))).toThrow(SegmentBroken);
  expect(() => decodeEvents(new Uint8Array([9, 9, 9]))).toThrow(/version 9/);
});

test('compiled and interpreted shapes are equal', () => {
  // '1' comes first in every object, whatever the order of definition.
  const names = ['1', 'a', '__proto__', '"'];
  const columns = [
    [null, 3],
    [1, 2],
    ['x', 'y'],
    [true, false],
  ];
  const values = interpret(names).join(2, columns);
  expect(values).toStrictEqual(JSON.parse('[{"1":null,"a":1,"__proto__":"x","\\"":true},{"1":3,"a":2,"__proto__":"y","\\"":false}]'));
  for (const shape of [compile(names), interpret(names)]) {
    expect(shape?.join(2, columns)).toStrictEqual(values);
    const parts: unknown[][] = [[], [], [], []];
    expect(shape?.split(values, parts)).toBe(true);
    expect(parts).toStrictEqual(columns);
    expect(shape?.split([{ a: 1 }], parts)).toBe(false);
    expect(shape?.split([{ ...values[0], more: 1 }], parts)).toBe(false);
  }
});

test('a frequent shape is compiled, and gives the same', () => {
  const many = Array.from({ length: 500 }, (_value, i) => ({ rare: i, __proto: `${i}` }));
  for (let i = 0; i < 3; i++) check(many);
  expect(shapeOf(['rare', '__proto'], 0).join.toString()).toContain('"rare"');
  expect(shapeOf(['never seen'], 1).join.toString()).not.toContain('never seen');
});

function nested(depth: number): unknown {
  let value: unknown = 'leaf';
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}
