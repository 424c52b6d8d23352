// A job's text (YAML or JSON) as a StreamJob, with every mistake and its place.
//
//   A1. Order: syntax, parameters, schema. What follows a mistake is still checked, but for what only it explains.

import type { Scalar } from 'yaml';
import { isScalar } from 'yaml';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { assert } from '../base/assert.ts';
import { BadDeclaration, type Issue } from '../base/issues.ts';
import { formatPath, isWithin, parsePath, type PathPart } from '../base/path.ts';
import { substituteParameters } from './parameters.ts';
import { checkSchema, type CheckedJob } from './schema-check.ts';
import type { SchemaMistake } from './schema-mistake.ts';
import { readYaml, type YamlText } from './yaml-text.ts';

export type ParseOptions = {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Values given with `--set name=value`. */
  readonly parameters: Readonly<Record<string, string>>;
};

/** A text as far as it could be understood: what `plan/check.ts` goes on from. */
export type JobDraft = {
  /** Mistakes of syntax, parameters and schema, in the order of the text. */
  readonly issues: readonly Issue[];
  /** The job; with stand-ins where it is damaged; null when too little is left to check more. */
  readonly job: StreamJob | null;
  /** Paths below which values are stand-ins, or texts without their parameters. */
  readonly damaged: readonly (readonly PathPart[])[];
  /** The issue with its place in the text. */
  readonly located: (issue: Issue) => Issue;
};

/** The job that `text` declares. Throws BadDeclaration with all mistakes of syntax, parameters and schema. */
export function parseStreamJob(text: string, options: ParseOptions): StreamJob {
  const draft = draftStreamJob(text, options);
  if (draft.issues.length > 0) throw new BadDeclaration(options.file, draft.issues);
  assert(draft.job !== null, 'a draft without issues has a job');
  return draft.job;
}

/** As parseStreamJob, but without throwing: the rules of the planner can be checked too, to report all at once. */
export function draftStreamJob(text: string, options: ParseOptions): JobDraft {
  const { yaml, issues } = readYaml(text);
  if (yaml === null) return { issues: issues.toSorted(byPlace), job: null, damaged: [], located: (issue) => issue };
  const substitution = substituteParameters(yaml, options.parameters);
  const checked = checkWithCoercion(yaml, substitution.changed);
  const known = checked.mistakes.filter(({ path }) => !substitution.unresolved.has(yaml.nodeAt(path)));
  const all = [...issues, ...substitution.issues, ...known.map((mistake) => toIssue(mistake, yaml))];
  const damaged = [...checked.mistakes.map(({ path }) => path), ...substitution.issues.map(({ path }) => parsePath(path))];
  return {
    issues: all.toSorted(byPlace),
    job: checked.job,
    damaged,
    located: (issue) => ({ ...issue, ...yaml.place(parsePath(issue.path)) }),
  };
}

/** Issues of `found` that no damage explains: nothing below or around a stand-in is judged. */
export function withoutDamaged(found: readonly Issue[], damaged: JobDraft['damaged']): readonly Issue[] {
  return found.filter((issue) => {
    const path = parsePath(issue.path);
    return !damaged.some((place) => isWithin(path, place) || isWithin(place, path));
  });
}

/** By line and column; issues without a place last. */
export function byPlace(left: Issue, right: Issue): number {
  return (left.line ?? Infinity) - (right.line ?? Infinity) || (left.column ?? 0) - (right.column ?? 0) || 0;
}

/** Text that came from a parameter becomes a number or bool where the schema wants one. */
function checkWithCoercion(yaml: YamlText, changed: ReadonlySet<unknown>): CheckedJob {
  const first = checkSchema(yaml.value());
  const coerced = first.mistakes.filter((mistake) => coerce(mistake, yaml.nodeAt(mistake.path), changed));
  return coerced.length === 0 ? first : checkSchema(yaml.value());
}

function coerce(mistake: SchemaMistake, node: unknown, changed: ReadonlySet<unknown>): boolean {
  if (mistake.expected === undefined || !isScalar(node) || !changed.has(node)) return false;
  const value = mistake.expected === 'number' ? toNumber(String(node.value)) : toBoolean(String(node.value));
  if (value === null) return false;
  (node as Scalar).value = value;
  return true;
}

function toNumber(text: string): number | null {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
}

function toBoolean(text: string): boolean | null {
  return text === 'true' ? true : text === 'false' ? false : null;
}

function toIssue({ path, message, fix, repair }: SchemaMistake, yaml: YamlText): Issue {
  return {
    path: formatPath(path),
    message,
    ...(fix === undefined ? {} : { fix }),
    ...yaml.place(path, repair === 'remove' ? 'key' : 'value'),
  };
}
