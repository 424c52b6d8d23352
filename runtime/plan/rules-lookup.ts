// Rules on lookups: one way to ask, and one policy of retries.

import { CODE_MARK } from '../../crds/stream-job/spec.ts';
import { parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import type { JobGraph, StageElement } from './job-graph.ts';

export function checkLookups(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(checkStage);
}

function checkStage({ spec, path }: StageElement): readonly Issue[] {
  const { lookup, onError, name } = spec;
  if (lookup === undefined) return [];
  const at = formatPath([...path, 'lookup']);
  const issues: Issue[] = [];
  const { http, code } = lookup;
  if ((http === undefined) === (code === undefined))
    issues.push({
      path: at,
      message: `the lookup of stage "${name}" ${http === undefined ? 'asks nobody' : 'asks in two ways'}`,
      fix: 'exactly one of http, code',
    });
  if (typeof code === 'string' && !CODE_MARK.test(code))
    issues.push({
      path: `${at}.code`,
      message: 'is an async function, which YAML cannot hold',
      fix: 'write the job in TypeScript, or use http',
    });
  if (http?.body !== undefined && http.method !== 'POST')
    issues.push({ path: `${at}.http.body`, message: `a ${http.method} request has no body`, fix: 'method: POST, or use query' });
  const plain = Object.keys(http?.headers ?? {}).map((header) => header.toLowerCase());
  for (const header of Object.keys(http?.secretHeaders ?? {}))
    if (plain.includes(header.toLowerCase()))
      issues.push({
        path: `${at}.http.secretHeaders.${header}`,
        message: `the header "${header}" is in headers, too`,
        fix: 'remove one of the two',
      });
  if (parseDuration(lookup.backoffMax) < parseDuration(lookup.backoff))
    issues.push({
      path: `${at}.backoffMax`,
      message: `the longest wait ${lookup.backoffMax} is shorter than the first one, ${lookup.backoff}`,
      fix: `at least ${lookup.backoff}`,
    });
  if (onError !== undefined && onError.retries > 0)
    issues.push({
      path: formatPath([...path, 'onError', 'retries']),
      message: `the lookup of stage "${name}" has retries of its own`,
      fix: 'lookup: { retries, backoff, backoffMax }; onError says what becomes of the event then',
    });
  return issues;
}
