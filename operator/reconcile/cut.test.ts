import { expect, test } from 'vitest';
import { cut, isCutOf } from './cut.ts';

test.each([
  { fact: 'what fits stays', text: 'abcd', max: 4, is: 'abcd' },
  { fact: 'what does not ends in an ellipsis', text: 'abcde', max: 4, is: 'abc…' },
  { fact: 'a character of two units is not halved', text: 'ab😀cde', max: 4, is: 'ab…' },
  { fact: 'nor left out where it fits', text: 'ab😀cde', max: 5, is: 'ab😀…' },
])('$fact', ({ text, max, is }) => {
  expect(cut(text, max)).toBe(is);
  expect(cut(text, max).isWellFormed()).toBe(true);
  expect(isCutOf(is, text)).toBe(true);
});
