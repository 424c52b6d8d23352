import { join } from 'node:path';
import { expect, test } from 'vitest';
import { addTallies, failuresOfReport, formatTally, tallyOfReport } from './tally.ts';

const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((one) => ({ status: one })) });
const report = (counts: object, ...testResults: object[]): string =>
  JSON.stringify({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, ...counts, testResults });

test.each([
  {
    fact: 'what vitest counted is what is told',
    text: report({ numPassedTests: 5, numPendingTests: 1, numTodoTests: 1 }, file('passed', 'passed')),
    isOk: true,
    says: '5 passed, 0 failed, 2 skipped',
  },
  {
    fact: 'a file that could not be loaded is one failure',
    text: report({ numPassedTests: 5 }, file('failed')),
    isOk: false,
    says: '5 passed, 1 failed',
  },
  {
    fact: 'a file with a failed test is no further failure',
    text: report({ numPassedTests: 5, numFailedTests: 2 }, file('failed', 'failed', 'failed')),
    isOk: false,
    says: '5 passed, 2 failed',
  },
  {
    fact: 'an error outside of tests is one failure',
    text: report({ numPassedTests: 5 }, file('passed', 'passed')),
    isOk: false,
    says: '5 passed, 1 failed',
  },
  { fact: 'without a report something failed', text: null, isOk: false, says: '0 passed, 1 failed' },
  { fact: 'a report that is cut short is none', text: '{"numPassed', isOk: false, says: '0 passed, 1 failed' },
  { fact: 'a report that is missing is no success, even if vitest says so', text: null, isOk: true, says: '0 passed, 1 failed' },
])('$fact', ({ text, isOk, says }) => expect(formatTally(tallyOfReport(text, isOk))).toBe(says));

test('what failed is named, with the beginning of why; a file without a failed test names itself', () => {
  const passed = { status: 'passed', fullName: 'is well', failureMessages: [] };
  const failed = { status: 'failed', fullName: 'a job > ends', failureMessages: [`expected 1 to be 2\n\n${'    at line\n'.repeat(40)}`] };
  const files = [
    { name: join(process.cwd(), 'a.test.ts'), status: 'failed', message: '', assertionResults: [passed, failed] },
    { name: join(process.cwd(), 'b.test.ts'), status: 'failed', message: 'Hook timed out', assertionResults: [passed] },
    { name: join(process.cwd(), 'c.test.ts'), status: 'passed', message: '', assertionResults: [passed] },
  ];
  const [first = '', second, ...more] = failuresOfReport(report({}, ...files));
  expect(first.split('\n').slice(0, 2)).toEqual(['a.test.ts > a job > ends', '    expected 1 to be 2']);
  expect(first.split('\n').length).toBeLessThan(20);
  expect([second, more]).toEqual(['b.test.ts\n    Hook timed out', []]);
  expect(failuresOfReport(null)).toEqual([]);
});

test('tallies add up', () => {
  const sum = addTallies([
    { passed: 1, failed: 0, skipped: 2 },
    { passed: 3, failed: 4, skipped: 0 },
  ]);
  expect(sum).toEqual({ passed: 4, failed: 4, skipped: 2 });
});
