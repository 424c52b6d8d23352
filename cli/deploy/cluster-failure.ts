// What a failed call of the API server is to the person who ran the command. Pure.

import { MillraceError } from '../../runtime/base/errors.ts';
import { BadDeclaration, type Issue } from '../../runtime/base/issues.ts';
import type { KubeFailure } from '../../operator/kube/kube-result.ts';

const NOT_ALLOWED: readonly number[] = [401, 403];

/** `what` was asked for: `apply StreamJob demo/flights`. What the API server says of an object is its author's mistake. */
export function clusterFailure(failure: KubeFailure, what: string): Error {
  switch (failure.kind) {
    case 'absent':
      return new MillraceError('MR1021', { what, problem: failure.reason });
    case 'not-found':
      return new MillraceError('MR1023', { what, problem: failure.message });
    case 'conflict':
      return new MillraceError('MR1024', { what, problem: failure.message });
    case 'refused':
      if (NOT_ALLOWED.includes(failure.code)) return new MillraceError('MR1022', { what, problem: failure.message });
      return new BadDeclaration(`the API server refuses to ${what}`, issuesOf(failure.message));
  }
}

/** `StreamJob.millrace.dev "a" is invalid: [spec.b: Invalid value: …, spec.c: Required value]`: one issue a field. */
function issuesOf(message: string): readonly Issue[] {
  const [, rest = message] = /^\S+ "[^"]*" is invalid: ([\s\S]*)$/.exec(message) ?? [];
  const list = rest.startsWith('[') && rest.endsWith(']') ? rest.slice(1, -1) : rest;
  return list.split(/, (?=(?:spec|metadata|data|binaryData)[^ ]*: )/).map((text) => {
    const [, path, told] = /^((?:<nil>|[a-z][^ :]*)): ([\s\S]*)$/.exec(text) ?? [];
    return path === undefined || told === undefined ? { path: 'object', message: text } : { path, message: withoutEcho(told) };
  });
}

/** The value that was seen may be a whole object; what is wrong with it is said behind. */
function withoutEcho(told: string): string {
  const [, behind] = /^Invalid value: (?:"(?:object|array)"|\{[\s\S]*\}|\[[\s\S]*\]): ([\s\S]+)$/.exec(told) ?? [];
  return behind ?? told;
}
