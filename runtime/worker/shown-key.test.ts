import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import { shownKey } from './shown-key.ts';

test.each([
  { fact: 'a text', value: 'k7', shown: 'k7' },
  { fact: 'a number', value: 42, shown: '42' },
  { fact: 'several parts', value: { b: 2, a: 'x' }, shown: '{"a":"x","b":2}' },
  {
    fact: 'a text that would colour a terminal, or turn a line around',
    value: 'a\u001b[31m\nb\u202ec',
    shown: 'a\ufffd[31m\ufffdb\ufffdc',
  },
  { fact: 'a text that is long', value: 'x'.repeat(5_000), shown: `${'x'.repeat(63)}…` },
  { fact: 'a text that would be cut within a character', value: `${'x'.repeat(62)}😀 and more`, shown: `${'x'.repeat(62)}\ufffd…` },
])('$fact', ({ value, shown }) => expect(shownKey({ key: encodeKey(value), share: 0.876 })).toEqual({ key: shown, share: 0.88 }));

test('a key that does not stand out is not told, nor is none', () => {
  expect(shownKey({ key: 'a', share: 0.1 })).toBeUndefined();
  expect(shownKey(null)).toBeUndefined();
});
