import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExtract, compileRegex } from './linear-regex.ts';

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

function groupsOf(pattern: string, text: string): readonly (string | null)[] | null {
  const compiled = compileExtract(pattern);
  if (compiled.kind === 'broken') throw new Error(compiled.message);
  return compiled.extract.find(text);
}

test.each([
  { fact: 'the whole match and its groups', pattern: '(\\d+)-(\\d+)', text: 'from 12-345 on', gives: ['12-345', '12', '345'] },
  { fact: 'the match that begins first', pattern: 'a+|b+', text: 'xbba', gives: ['bb'] },
  { fact: 'of alternatives the first', pattern: '(a|ab)(c|bcd)?', text: 'abcd', gives: ['abcd', 'a', 'bcd'] },
  { fact: 'as much as can be', pattern: '(a+)(a*)', text: 'aaa', gives: ['aaa', 'aaa', ''] },
  { fact: 'as little as will do', pattern: '(a+?)(a*)', text: 'aaa', gives: ['aaa', 'a', 'aa'] },
  { fact: 'as little as will do, by a flag', pattern: '(?U)(a+)(a*?)', text: 'aaa', gives: ['aaa', 'a', 'aa'] },
  { fact: 'the last one of a repeated group', pattern: '(?:(a)|b)+', text: 'ab', gives: ['ab', 'a'] },
  { fact: 'null for a group that took no part', pattern: '(a)|(b)', text: 'b', gives: ['b', null, 'b'] },
  { fact: 'a named group by its number', pattern: '(?P<year>\\d{4})', text: 'in 2013', gives: ['2013', '2013'] },
  { fact: 'characters beyond 16 bits whole', pattern: 'x(.)', text: 'x😀y', gives: ['x😀', '😀'] },
  { fact: 'no match is null', pattern: '(a)', text: 'b', gives: null },
  { fact: 'a parameter of a url', pattern: '(&|^)channel_id=([^&]*)', text: 'q=1&channel_id=7&x', gives: ['&channel_id=7', '&', '7'] },
])('groups: $fact', ({ pattern, text, gives }) => {
  expect(groupsOf(pattern, text)).toEqual(gives);
});

test('groups of patterns that both know are those of JavaScript', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '(a)', '(ab|c)', '(a|ab)', '(b*)', '(.*?)', '(?:a|b)', '((a)b?)', '(^|c)', '(?:)');
  const part = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '??', '{1,2}', '*?', '+?'));
  // In a repeat JavaScript forgets a group anew each time, RE2 does not.
  const pattern = fc
    .array(part, { maxLength: 6 })
    .map((parts) => parts.map(([one, more]) => (/\((?!\?)/.test(one) ? one : one + more)).join(''));
  fc.assert(
    fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 }), (source, text) => {
      const expected = new RegExp(source, 'u').exec(text);
      expect(groupsOf(source, text)).toEqual(expected === null ? null : Array.from(expected, (group) => group ?? null));
    }),
    { numRuns: 3_000 },
  );
});

test.each(['(a+)+$', '^(a|a)*$', '(.*)*x', '((([a-z])+.)+)[A-Z]'])('groups of %s take linear time on a text made to hurt', (pattern) => {
  expect(groupsOf(pattern, `${'a'.repeat(20_000)}!`)).toBeNull();
});

test('a pattern of too many groups is refused', () => {
  expect(compileExtract('(a)'.repeat(33))).toMatchObject({ kind: 'broken', message: 'it has 33 groups, at most 32 are allowed' });
});
