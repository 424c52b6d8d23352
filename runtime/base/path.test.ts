import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPath, isWithin, parsePath } from './path.ts';

test.each([
  { parts: [], text: '(root)' },
  { parts: ['spec', 'stages', 2, 'keyBy'], text: 'spec.stages[2].keyBy' },
  { parts: ['states', 'on-time', 'on', 'a.b'], text: 'states.on-time.on["a.b"]' },
  { parts: ['after', '48h'], text: 'after["48h"]' },
])('$text', ({ parts, text }) => {
  expect(formatPath(parts)).toBe(text);
  expect(parsePath(text)).toEqual(parts);
});

test('every path survives being written and read', () => {
  const part = fc.oneof(fc.nat(), fc.string({ unit: 'binary' }));
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      expect(parsePath(formatPath(parts))).toEqual(parts);
    }),
  );
});

test.each([
  { path: ['a', 0, 'b'], prefix: ['a', 0], within: true },
  { path: ['a', 0], prefix: ['a', 0], within: true },
  { path: ['a'], prefix: ['a', 0], within: false },
  { path: ['a', 1, 'b'], prefix: ['a', 0], within: false },
])('$path within $prefix: $within', ({ path, prefix, within }) => expect(isWithin(path, prefix)).toBe(within));
