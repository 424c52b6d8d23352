// How many passed, failed and were skipped, and which failed, from the report that vitest writes.
import { relative } from 'node:path';

const whyLinesMax = 12;

export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** What is read of vitest's JSON report. */
type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly FileReport[];
};
type FileReport = {
  /** Its path. */
  readonly name: string;
  readonly status: string;
  /** Why it could not be loaded, or what its hooks failed with. */
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] }[];
};

/**
 * The tally of a report (null: vitest wrote none; one that is cut short counts as none). `isOk` is whether vitest ended well: if not, at least one has failed,
 * though no test may carry the blame. A file that failed without a failed test (it could not be loaded) is one.
 */
export function tallyOfReport(text: string | null, isOk: boolean): Tally {
  const report = text === null ? null : parse(text);
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const failed = report.numFailedTests + report.testResults.filter(isBroken).length;
  return {
    passed: report.numPassedTests,
    failed: isOk ? failed : Math.max(1, failed),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** What failed, a text each: its file and name, and below it the first lines of why. */
export function failuresOfReport(text: string | null): string[] {
  const report = text === null ? null : parse(text);
  if (report === null) return [];
  return report.testResults.flatMap((file) => [
    ...(isBroken(file) ? [describe(file.name, '', file.message)] : []),
    ...file.assertionResults
      .filter((test) => test.status === 'failed')
      .map((test) => describe(file.name, test.fullName, test.failureMessages.join('\n'))),
  ]);
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  return { passed: sum((tally) => tally.passed), failed: sum((tally) => tally.failed), skipped: sum((tally) => tally.skipped) };
}

/** `12 passed, 0 failed`, and `, 1 skipped` when there are. */
export function formatTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

/** It failed as a whole: it could not be loaded, or a hook of it failed. */
function isBroken(file: FileReport): boolean {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed');
}

function describe(path: string, name: string, why: string): string {
  const lines = why.split('\n').filter((line) => line.trim() !== '' && !line.includes('node_modules') && !line.includes('at new Promise'));
  return [
    `${relative(process.cwd(), path)}${name === '' ? '' : ` > ${name}`}`,
    ...lines.slice(0, whyLinesMax).map((line) => `    ${line}`),
  ].join('\n');
}

function parse(text: string): Report | null {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return null;
  }
}
