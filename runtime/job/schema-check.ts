// Holds a value against the schema of a job; what is damaged is reported and replaced, so that the rules of plan/validate
// can be checked in the same run and a person sees all mistakes at once.

import { streamJobSchema, type StreamJob } from '../../crds/stream-job/spec.ts';
import type { PathPart } from '../base/path.ts';
import { explainIssues, type SchemaMistake } from './schema-mistake.ts';
import { standIn } from './schema-shape.ts';

export type CheckedJob = {
  readonly mistakes: readonly SchemaMistake[];
  /** The job, whole when there are no mistakes; else with stand-ins at the damaged places; null when too little is left. */
  readonly job: StreamJob | null;
};

/** A repair may uncover the next mistake (a stand-in is refused by a rule of its surroundings). */
const ROUNDS_MAX = 4;
/** Without these lists every reference would seem wrong. */
const ESSENTIAL: readonly string[] = ['', 'spec', 'spec.sources', 'spec.stages', 'spec.tables'];

/** Never changes `value`. */
export function checkSchema(value: unknown): CheckedJob {
  const first = streamJobSchema.safeParse(value);
  if (first.success) return { mistakes: [], job: first.data };
  const mistakes = explainIssues(streamJobSchema, value, first.error.issues);
  if (mistakes.some(({ path }) => ESSENTIAL.includes(path.join('.')))) return { mistakes, job: null };
  return { mistakes, job: repaired(value, mistakes) };
}

function repaired(value: unknown, mistakes: readonly SchemaMistake[]): StreamJob | null {
  let current = value;
  let open = mistakes;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const draft: unknown = copy(current);
    open.forEach((mistake, index) => repair(draft, mistake, `damaged-${round}-${index}`));
    const result = streamJobSchema.safeParse(draft);
    if (result.success) return result.data;
    current = draft;
    open = explainIssues(streamJobSchema, draft, result.error.issues);
  }
  return null;
}

function repair(root: unknown, mistake: SchemaMistake, mark: string): void {
  const parent = descend(root, mistake.path.slice(0, -1));
  const last = mistake.path.at(-1);
  if (parent === null || last === undefined) return;
  if (mistake.repair === 'remove') delete parent[last];
  else parent[last] = standIn(streamJobSchema, mistake.path, mark);
}

function descend(root: unknown, path: readonly PathPart[]): Record<PathPart, unknown> | null {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return null;
    value = (value as Record<PathPart, unknown>)[part];
  }
  return typeof value === 'object' && value !== null ? (value as Record<PathPart, unknown>) : null;
}

/** A copy without shared parts (aliases of YAML share), so that a repair changes one place only. */
function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, copy(child)]));
}
