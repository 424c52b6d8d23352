// A job that a program gives as a value, instead of a text or the builder: the same checks, the same parameters.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { BadDeclaration, type Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { checkMarks, stubMarks } from './code-marks.ts';
import { fillParameters, type DeclaredParameter } from './parameter-values.ts';
import { checkSchema } from './schema-check.ts';

/** `value` as a StreamJob, with stand-ins where it has marks of code (code-marks.ts). `parameters` null: they are filled in already. Throws BadDeclaration with all mistakes. */
export function readJobValue(value: unknown, parameters: Readonly<Record<string, string>> | null, subject: string): StreamJob {
  const { filled, issues } = parameters === null ? { filled: value, issues: [] } : fill(value, parameters);
  const { job, mistakes } = checkSchema(filled);
  const all = [
    ...issues,
    ...mistakes.map(({ path, message, fix }): Issue => ({ path: formatPath(path), message, ...(fix === undefined ? {} : { fix }) })),
    ...(job === null ? [] : checkMarks(job)),
  ];
  if (job === null || all.length > 0) throw new BadDeclaration(subject, all);
  return stubMarks(job);
}

function fill(value: unknown, parameters: Readonly<Record<string, string>>): { filled: unknown; issues: readonly Issue[] } {
  const spec = typeof value === 'object' && value !== null && 'spec' in value ? value.spec : undefined;
  const declared = typeof spec === 'object' && spec !== null && 'parameters' in spec ? spec.parameters : [];
  const { filled, issues } = fillParameters(spec, (Array.isArray(declared) ? declared : []).filter(isParameter), parameters);
  return { filled: { ...(value as object), spec: filled }, issues };
}

function isParameter(value: unknown): value is DeclaredParameter {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}
