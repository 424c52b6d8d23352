import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRegex } from './linear-regex.ts';

function matches(pattern: string, text: string): boolean {
  const compiled = compileRegex(pattern);
  if (compiled.kind === 'broken') throw new Error(compiled.message);
  return compiled.regex.test(text);
}

test.each([
  { pattern: '', text: 'anything', is: true },
  { pattern: 'b', text: 'abc', is: true },
  { pattern: '^b', text: 'abc', is: false },
  { pattern: '^abc$', text: 'abc', is: true },
  { pattern: 'a|^b$', text: 'b', is: true },
  { pattern: '^(a|bc)+$', text: 'abcbca', is: true },
  { pattern: '^a{2,3}$', text: 'aaaa', is: false },
  { pattern: '^a{2,}$', text: 'aaaa', is: true },
  { pattern: '^[^0-9a-f]+$', text: 'xyz', is: true },
  { pattern: '^[]a]+$', text: ']a]', is: true },
  { pattern: '^[a-]+$', text: 'a-', is: true },
  { pattern: '(?i)^jfk$', text: 'JfK', is: true },
  { pattern: '^(?i:a)b$', text: 'Ab', is: true },
  { pattern: '^(?i:a)b$', text: 'AB', is: false },
  { pattern: '^.$', text: '😀', is: true },
  { pattern: 'a.b', text: 'a\nb', is: false },
  { pattern: '(?s)a.b', text: 'a\nb', is: true },
  { pattern: '(?m)^b$', text: 'a\nb\nc', is: true },
  { pattern: '\\bword\\b', text: 'a word here', is: true },
  { pattern: '\\bord', text: 'a word here', is: false },
  { pattern: '^\\d+\\.\\d+$', text: '12.5', is: true },
  { pattern: '^[[:alpha:]]+$', text: 'abcXYZ', is: true },
  { pattern: '^\\p{Lu}\\p{Ll}+$', text: 'Ärger', is: true },
  { pattern: '^\\p{Greek}+$', text: 'αβγ', is: true },
  { pattern: '\\Qa.b\\E', text: 'xa.bx', is: true },
  { pattern: '\\Qa.b\\E', text: 'xaxbx', is: false },
  { pattern: '^\\x41\\x{42}$', text: 'AB', is: true },
  { pattern: '^(?P<year>\\d{4})$', text: '2013', is: true },
  { pattern: 'a{,3}', text: 'a{,3}', is: true },
])('$pattern on $text is $is', ({ pattern, text, is }) => {
  expect(matches(pattern, text)).toBe(is);
});

test.each([
  { pattern: '(', says: /a \( without its \)/ },
  { pattern: 'a)', says: /a \) without its \(/ },
  { pattern: '*a', says: /nothing to repeat/ },
  { pattern: 'a**', says: /two repeats in a row/ },
  { pattern: '[a', says: /a \[ without its \]/ },
  { pattern: '(?=a)', says: /no look-around/ },
  { pattern: '(?<=a)b', says: /no look-behind/ },
  { pattern: '(a)\\1', says: /back-references/ },
  { pattern: 'a{1001}', says: /bad repeat/ },
  { pattern: '((a{100}){100}){100}', says: /too large/ },
  { pattern: '((){1000}){1000}', says: null },
  { pattern: '\\', says: /backslash at the end/ },
  { pattern: 'x'.repeat(1_001), says: /more than 1000 characters/ },
  { pattern: '('.repeat(200), says: /nested/ },
])('$pattern is judged', ({ pattern, says }) => {
  const compiled = compileRegex(pattern);
  if (says === null) expect(compiled.kind).toBe('compiled');
  else expect(compiled).toMatchObject({ kind: 'broken', message: expect.stringMatching(says) as string });
});

test.each(['(a+)+$', '^(a|a)*$', '(a|aa)+$', 'a*a*a*a*a*a*b', '(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$'])(
  '%s takes linear time on a text made to hurt',
  (pattern) => {
    expect(matches(pattern, `${'a'.repeat(20_000)}!`)).toBe(false);
  },
);

test('patterns that both know match the same as JavaScript', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\b', '^', '$', '(?:a|b)', 'ab|c', '(?:)');
  const part = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{1,2}', '*?'));
  const pattern = fc
    .array(part, { maxLength: 6 })
    .map((parts) => parts.map(([one, repeat]) => (/^(\^|\$|\\b|ab\|c)$/.test(one) ? one : one + repeat)).join(''));
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' '), maxLength: 8 }), (source, text) => {
      expect(matches(source, text)).toBe(new RegExp(source, 'u').test(text));
    }),
    { numRuns: 2_000 },
  );
});
