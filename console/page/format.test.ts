import { expect, test } from 'vitest';
import { bytes, duration, inert, pretty, rate, time } from './format.ts';

test.each([
  { fact: 'colours of terminals', text: '\u001b[31mred', shown: '\u241b[31mred' },
  { fact: 'lines that are forged', text: 'a\r\nb', shown: 'a\u240d\nb' },
  { fact: 'text that is turned', text: 'a\u202Eb', shown: 'a\u27e8U+202E\u27e9b' },
  { fact: 'what has no width', text: 'a\u200bb\ufeff', shown: 'a\u27e8U+200B\u27e9b\u27e8U+FEFF\u27e9' },
  { fact: 'deletion and C1', text: '\u007f\u009b1m', shown: '\u2421\u27e8U+009B\u27e91m' },
  { fact: 'markup, which is text to begin with', text: '<b>&amp;', shown: '<b>&amp;' },
  { fact: 'tabs and line ends, which stay', text: 'a\tb\nc', shown: 'a\tb\nc' },
])('what cannot be seen is made visible: $fact', ({ text, shown }) => expect(inert(text)).toBe(shown));

test('a text has an end', () => expect(inert('x'.repeat(100_000)).length).toBe(20_001));

test.each([
  [rate(0), '0/s'],
  [rate(0.25), '0.3/s'],
  [rate(1_234), '1.23K/s'],
  [time(null), '–'],
  [time(1_357_016_340_000), '2013-01-01 04:59:00'],
  [time(1e300), '1e+300'],
  [bytes(1_536), '2 KiB'],
  [bytes(5 * 1024 ** 3), '5.0 GiB'],
  [duration(999), '999 ms'],
  [duration(7_260_000), '2 h 1 min'],
  [pretty('{"a":1}'), '{\n  "a": 1\n}'],
  [pretty('{"a":'), '{"a":'],
])('%s', (written, expected) => expect(written).toBe(expected));
