import { expect, test } from 'vitest';
import { encodeValue } from '../state/value-codec.ts';
import { RoughSum, roughBytes } from './rough-bytes.ts';

const VALUES: readonly (readonly [what: string, value: unknown])[] = [
  ['a long text', 'x'.repeat(5_000)],
  ['an object with one', { key: 'k1', n: 7, text: 'x'.repeat(2_000) }],
  ['many like items', Array.from({ length: 10_000 }, (_, n) => ({ n, text: 'some text' }))],
  ['bytes', new Uint8Array(3_000)],
  ['objects in objects', { a: { b: [{ c: 'x'.repeat(1_000) }, { c: 'x'.repeat(1_000) }] } }],
];

test.each(VALUES)('%s: within half and twice of what it takes encoded', (_what, value) => {
  const bytes = encodeValue(value as never).length;
  expect(roughBytes(value)).toBeGreaterThan(bytes / 2);
  expect(roughBytes(value)).toBeLessThan(bytes * 2);
});

test('what has no bytes of its own, or no end, has a size too', () => {
  const round: Record<string, unknown> = {};
  round['self'] = round;
  for (const value of [null, undefined, 1, 10n, true, [], {}, new Map(), round]) expect(roughBytes(value)).toBeGreaterThan(0);
});

test('many values together are told from a few of them', () => {
  const sum = new RoughSum();
  for (let n = 0; n < 1_000; n++) sum.add({ n, text: 'x'.repeat(100) });
  expect(sum.bytes).toBeGreaterThan(100_000);
  expect(sum.bytes).toBeLessThan(150_000);
});
