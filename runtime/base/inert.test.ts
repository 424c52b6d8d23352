import { expect, test } from 'vitest';
import { inert, inertJson, inertLine, inertLines } from './inert.ts';

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

const HOSTILE = '<img src=x onerror=alert(1)>\u001b[2J\r\n2026-01-01T00:00:00.000Z info  ready\u009b1m\u202e';

test.each([
  { fact: 'on one line', shown: inertLine('a\r\nb\tc'), is: 'a\u240d\u240ab\tc' },
  { fact: 'on lines with a margin', shown: inertLines('a\nb\u001b[m\nc', '> '), is: 'a\n> b\u241b[m\n> c' },
])('text of others is shown $fact', ({ shown, is }) => expect(shown).toBe(is));

test('JSON says the same, without a character that cannot be seen', () => {
  const json = inertJson({ msg: HOSTILE });
  expect(JSON.parse(json)).toEqual({ msg: HOSTILE });
  expect(json).toMatch(/^[\u0020-\u007e]*$/);
});
