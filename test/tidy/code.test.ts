import { expect, test } from 'vitest';
import { codeProblems } from './code-rules.ts';
import { sourceFile, sourceFiles } from './source-files.ts';

test('no file breaks a rule of code', () => expect(sourceFiles().flatMap(codeProblems)).toEqual([]));

test.each([
  { fact: 'a pure room has no clock', path: 'runtime/time/a.ts', text: 'const now = Date.now();', problem: 'says Date.now in a pure room' },
  { fact: 'a date of a number is pure', path: 'runtime/time/a.ts', text: 'const at = new Date(timeMs);', problem: null },
  {
    fact: 'a pure room has no chance',
    path: 'runtime/task/a.ts',
    text: 'return Math.random();',
    problem: 'says Math.random in a pure room',
  },
  { fact: 'a pure room has no timers', path: 'runtime/plan/a.ts', text: 'setTimeout(go, 1)', problem: 'says setTimeout in a pure room' },
  { fact: 'a pure room has no environment', path: 'runtime/job/a.ts', text: 'process.env', problem: 'says process.e in a pure room' },
  {
    fact: 'comments and texts may say anything',
    path: 'runtime/plan/a.ts',
    text: "// Date.now\nconst a = 'Math.random'; /* setTimeout */",
    problem: null,
  },
  { fact: 'an adapter may ask the time', path: 'runtime/adapters/node/a.ts', text: 'Date.now()', problem: null },
  { fact: 'the type check stays on', path: 'cli/a.ts', text: `// @ts-${'ignore'}\nf()`, problem: 'turns the type check off' },
  { fact: 'a file has at most 500 lines', path: 'cli/a.ts', text: 'f();\n'.repeat(501), problem: 'has 501 lines' },
  { fact: 'a file may have 500 lines', path: 'cli/a.ts', text: 'f();\n'.repeat(500), problem: null },
])('$fact', ({ path, text, problem }) => {
  const problems = codeProblems(sourceFile(path, text));
  expect(problems).toHaveLength(problem === null ? 0 : 1);
  if (problem !== null) expect(problems[0]).toContain(problem);
});
