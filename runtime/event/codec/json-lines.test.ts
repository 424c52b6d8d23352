import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeJsonLine } from './json-lines.ts';

const lineOf = (value: unknown): string => (encodeJsonLine(value) as { line: string }).line;

test.each([
  { fact: 'plain values as JSON.stringify writes them', value: { a: 1, b: [true, null, 'x\n'] }, line: '{"a":1,"b":[true,null,"x\\n"]}' },
  { fact: 'bigint as its digits', value: { a: 9007199254740993n }, line: '{"a":9007199254740993}' },
  { fact: 'NaN and infinities as null', value: [NaN, Infinity, { b: -Infinity, c: 1n }], line: '[null,null,{"b":null,"c":1}]' },
  { fact: 'minus zero as zero', value: { a: -0, b: 1n }, line: '{"a":0,"b":1}' },
  { fact: 'undefined fields left out, items as null', value: { a: undefined, b: [undefined, 2n] }, line: '{"b":[null,2]}' },
  { fact: 'undefined itself as null', value: undefined, line: 'null' },
  { fact: 'bytes as base64', value: { a: new Uint8Array([1, 2, 255]) }, line: '{"a":"AQL/"}' },
  { fact: 'a part of a larger buffer', value: new Uint8Array([9, 1, 2, 255]).subarray(1), line: '"AQL/"' },
  { fact: 'unpaired surrogates escaped', value: '\ud800x', line: '"\\ud800x"' },
  { fact: 'separators of Unicode escaped', value: 'a\u2028b\u2029', line: '"a\\u2028b\\u2029"' },
  { fact: 'a field named __proto__', value: JSON.parse('{"__proto__":1}') as unknown, line: '{"__proto__":1}' },
])('$fact', ({ value, line }) => {
  expect(lineOf(value)).toBe(line);
});

test('any JSON value comes back, on one line', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const line = lineOf(value);
      expect(line).not.toMatch(/[\n\r\u2028\u2029]/);
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns: 300 },
  );
});

test('a value nested too deep for the stack is a problem, not a crash', () => {
  let value: unknown = 1n;
  for (let i = 0; i < 100_000; i++) value = [value];
  expect(encodeJsonLine(value)).toHaveProperty('problem');
});
