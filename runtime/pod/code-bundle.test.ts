import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unpacked } from './code-bundle.ts';

const code = Buffer.from('export const a = 1;\n');

test('plain code is taken as it is, packed code unpacked', () => {
  expect(unpacked(code)).toBe(code);
  expect(Buffer.from(unpacked(gzipSync(code)))).toEqual(code);
});

test.each([
  { fact: 'packed code that breaks off', bytes: gzipSync(code).subarray(0, 15), says: 'unexpected end of file' },
  {
    fact: 'packed code that is far too large once unpacked',
    bytes: gzipSync(Buffer.alloc(65 * 1024 * 1024)),
    says: 'Cannot create a Buffer',
  },
])('$fact is refused', ({ bytes, says }) => {
  expect(() => unpacked(bytes)).toThrow(`the bundle cannot be unpacked: ${says}`);
});
