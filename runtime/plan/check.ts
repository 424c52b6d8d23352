// Everything that can be said about a job's text before it runs: mistakes of syntax, schema and meaning, and warnings.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { BadDeclaration, type Issue } from '../base/issues.ts';
import { checkMarks, stubMarks } from '../job/code-marks.ts';
import { byPlace, draftStreamJob, withoutDamaged, type ParseOptions } from '../job/parse.ts';
import { findWarnings, validateJob } from './validate.ts';

/** A reducer where there can be none: that is told, and nothing of what is in it. */
const REDUCER = /^spec\.stages\[\d+\]\.reduce$/;

export type JobReport = {
  /** The job when there are no mistakes; stand-ins where it has marks of code (job/code-marks.ts). */
  readonly job: StreamJob | null;
  readonly mistakes: readonly Issue[];
  readonly warnings: readonly Issue[];
};

/** Checks `text` (YAML or JSON) as a whole; mistakes and warnings have their places and the order of the text. */
export function checkJobText(text: string, options: ParseOptions): JobReport {
  const { job, issues, damaged, located } = draftStreamJob(text, options);
  if (job === null) return { job: null, mistakes: issues, warnings: [] };
  const readable = stubMarks(job);
  const judged = [...checkMarks(job), ...validateJob(readable)];
  const reducers = judged.filter(({ path }) => REDUCER.test(path));
  const inReducer = ({ path }: Issue): boolean => reducers.some((one) => path === one.path || path.startsWith(`${one.path}.`));
  const found = withoutDamaged(judged, damaged).filter((issue) => !inReducer(issue));
  const mistakes = [...issues.filter((issue) => !inReducer(issue)), ...[...found, ...reducers].map(located)].toSorted(byPlace);
  // Warnings about a job that is to be mended anyway would only hide what must be mended.
  if (mistakes.length > 0) return { job: null, mistakes, warnings: [] };
  return { job: readable, mistakes, warnings: findWarnings(readable).map(located).toSorted(byPlace) };
}

/** The checked job of `text`. Throws BadDeclaration with all mistakes. */
export function readStreamJob(text: string, options: ParseOptions): StreamJob {
  const { job, mistakes } = checkJobText(text, options);
  if (job === null) throw new BadDeclaration(options.file, mistakes);
  return job;
}

/** A job that was not read from a text (the TypeScript builder's). Throws BadDeclaration with all mistakes. */
export function assertValidJob(job: StreamJob, subject: string): void {
  const mistakes = validateJob(job);
  if (mistakes.length > 0) throw new BadDeclaration(subject, mistakes);
}
