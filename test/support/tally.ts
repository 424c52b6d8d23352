// How many passed, failed and were skipped, from the report that vitest writes.

export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: number };

/** What is read of vitest's JSON report. */
type Report = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[];
};

/**
 * The tally of a report (null: vitest wrote none; one that is cut short counts as none). `isOk` is whether vitest ended well: if not, at least one has failed,
 * though no test may carry the blame. A file that failed without a failed test (it could not be loaded) is one.
 */
export function tallyOfReport(text: string | null, isOk: boolean): Tally {
  const report = text === null ? null : parse(text);
  if (report === null) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: isOk ? failed : Math.max(1, failed),
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

export function addTallies(tallies: readonly Tally[]): Tally {
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  return { passed: sum((tally) => tally.passed), failed: sum((tally) => tally.failed), skipped: sum((tally) => tally.skipped) };
}

/** `12 passed, 0 failed`, and `, 1 skipped` when there are. */
export function formatTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}

function parse(text: string): Report | null {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return null;
  }
}
