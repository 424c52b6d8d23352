import { expect, test } from 'vitest';
import { causeIn } from './cause.ts';

test.each([
  {
    fact: 'an error without its stack',
    text: 'TypeError: x is no function\n    at f (a.ts:1:2)\n    at b',
    cause: 'TypeError: x is no function',
  },
  {
    fact: 'an error of several lines',
    text: 'BadDeclaration: job.ts: 1 mistake\n  line 3: it cannot be loaded\n    at load (a.ts)',
    cause: 'BadDeclaration: job.ts: 1 mistake line 3: it cannot be loaded',
  },
  {
    fact: 'as Node prints it',
    text: 'file:///job.ts:3\n  throw new Error("no")\n  ^\n\nError: no\n    at job.ts:3\n\nNode.js v24.21.0',
    cause: 'Error: no',
  },
  { fact: 'the last of several', text: 'Error: first\nseen 1\nError: second', cause: 'Error: second' },
  {
    fact: 'no memory',
    text: 'FATAL ERROR: Reached heap limit Allocation failed\n----- Native stack trace -----',
    cause: 'FATAL ERROR: Reached heap limit Allocation failed ----- Native stack trace -----',
  },
  { fact: 'nothing', text: 'seen 1\n\nseen 2', cause: '' },
  { fact: 'a long one is cut', text: `Error: ${'x'.repeat(400)}`, cause: `Error: ${'x'.repeat(293)}…` },
])('$fact', ({ text, cause }) => expect(causeIn(text.split('\n'))).toBe(cause));
