import { expect, test } from 'vitest';
import { isContradiction } from './contradiction.ts';

test.each([
  'event.n > 5 && event.n < 3',
  'event.n >= 5 && event.n<5',
  'n == 5 && n > 5',
  'n == 1 && n == 2',
  'event.ok && n > 2.5 && m > 1 && n <= -2.5',
])('%s is never true', (text) => expect(isContradiction(text)).toBe(true));

test.each([
  'n > 5',
  'n > 5 && n < 7',
  'n >= 5 && n <= 5',
  'n > 5 && n <= 7 && n >= 7',
  'n == 5 && n >= 5',
  'n > 5 && m < 3',
  'n > 5 && n < 3 || m',
  'n > 5 && (n < 3 ? true : m)',
  'a[0] > 5 && a[1] < 3',
  '"n > 5 && n < 3" == t',
  '-n > 5 && n < 3',
])('of %s nothing is said', (text) => expect(isContradiction(text)).toBe(false));
