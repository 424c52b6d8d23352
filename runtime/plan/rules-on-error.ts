// Rules on what a stage says of failures: retries only where a further try can end otherwise.

import { CODE_MARK } from '../../crds/stream-job/spec.ts';
import { parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { sendsToKeys } from '../job/send-to-key.ts';
import { sendsIn, type JobGraph, type StageElement } from './job-graph.ts';

export function checkOnError(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(checkStage);
}

function checkStage({ spec, path }: StageElement): readonly Issue[] {
  const { onError } = spec;
  if (onError === undefined) return [];
  const at = formatPath([...path, 'onError']);
  const issues: Issue[] = [];
  if (onError.retries > 0 && spec.lookup === undefined && !hasFunction(spec))
    issues.push({
      path: `${at}.retries`,
      message: `stage "${spec.name}" has no function that could be called again: an expression says the same of the same event for ever`,
      fix: 'remove retries; backoff and retries are for functions of jobs in TypeScript',
    });
  if (onError.retries > 0 && ((spec.machine !== undefined && sendsIn(spec.machine)) || sendsToKeys(spec.xstate?.machine)))
    issues.push({
      path: `${at}.retries`,
      message: `actors of stage "${spec.name}" send each other events: the end of its input would not wait for what is to be tried again`,
      fix: 'remove retries, or do what fails in a stage before it',
    });
  if (parseDuration(onError.backoffMax) < parseDuration(onError.backoff))
    issues.push({
      path: `${at}.backoffMax`,
      message: `the longest wait ${onError.backoffMax} is shorter than the first one, ${onError.backoff}`,
      fix: `at least ${onError.backoff}`,
    });
  return issues;
}

/** A function, or the mark of one, anywhere in it. */
function hasFunction(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value === 'string') return CODE_MARK.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasFunction);
}
