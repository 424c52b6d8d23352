// Code that travels beside its job: functions and machines of a TypeScript job are marks in the spec and in the plan, and lie in
// a bundle that workers load.
//
//   M1. A mark is `@code:` and 32 hex digits of the sha256 of the code's text. Code that names anything outside itself is hashed
//       together with the whole module (`salt`): it may do something else whenever that changes.
//   M2. Two codes of one text (a function made twice, over different values) have different marks: the second is hashed with its
//       place in the walk over the job, which is the same in every process.
//   M3. Who has no code plans with stand-ins: one for each mark, told apart as the functions were. Nothing calls them.
//   M4. Beside the mark of a machine stand the names of its states: an upgrade is judged by them.
//   M5. Code with a mark counts in fingerprints by its mark (markOf), so a plan of stand-ins equals the plan of the real job.

import { createHash } from 'node:crypto';
import type { StageSpec, StreamJob, StreamJobSpec } from '../../crds/stream-job/spec.ts';
import { CODE_MARK } from '../../crds/stream-job/spec.ts';
import { MillraceError } from '../base/errors.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { codeText, machineStates } from './code-text.ts';
import { sendsToKeys } from './send-to-key.ts';
import { mapCode } from './code-slots.ts';

/** A function of the job, or a machine made with XState. */
export type MarkedCode = ((...args: never[]) => unknown) | object;
export type MarkedJob = {
  /** Plain JSON: a StreamJob with marks where code was. */
  readonly job: StreamJob;
  readonly code: ReadonlyMap<string, MarkedCode>;
};

const marks = new WeakMap<object, string>();

/** The mark of code that was marked, put back, or stood in for in this process; null for any other. */
export function markOf(code: unknown): string | null {
  return isCodeValue(code) ? (marks.get(code) ?? null) : null;
}

export function isMark(value: unknown): value is string {
  return typeof value === 'string' && CODE_MARK.test(value);
}

/** `salt`: the hash of the module that declares the job; a new one gives code that depends on more than itself a new mark. */
export function markJob(job: StreamJob, salt = ''): MarkedJob {
  const code = new Map<string, MarkedCode>();
  const known = new Map<MarkedCode, string>();
  const mark = (value: unknown): unknown => {
    if (!isCodeValue(value)) return value;
    const found = known.get(value) ?? freshMark(value, salt, code);
    known.set(value, found);
    code.set(found, value);
    marks.set(value, found);
    return found;
  };
  const spec = mapCode(job.spec, mark) as StreamJobSpec;
  const stages = spec.stages.map((stage, place) => withStates(stage, job.spec.stages[place]?.xstate?.machine));
  return { job: JSON.parse(JSON.stringify({ ...job, spec: { ...spec, stages } })) as StreamJob, code };
}

/** The job with a stand-in for each mark: what validateJob and planJob take. Calling one throws. */
export function stubMarks(job: StreamJob): StreamJob {
  if (marksIn(job).length === 0) return job;
  const stubs = new Map<string, MarkedCode>();
  const stub = (value: unknown, path: readonly PathPart[]): unknown => {
    if (!isMark(value)) return value;
    const found = stubs.get(value) ?? (path.at(-1) === 'machine' ? stubMachine(value) : stubFunction(value));
    stubs.set(value, found);
    marks.set(found, value);
    return found;
  };
  return { ...job, spec: mapCode(job.spec, stub) as StreamJobSpec };
}

/** The marks of a job, and where they stand. */
export function marksIn(job: StreamJob): readonly { readonly mark: string; readonly path: readonly PathPart[] }[] {
  const found: { readonly mark: string; readonly path: readonly PathPart[] }[] = [];
  mapCode(job.spec, (value, path) => {
    if (isMark(value)) found.push({ mark: value, path: ['spec', ...path] });
    return value;
  });
  return found;
}

/** What is wrong with marks in a job: they are for who brings a bundle. */
export function checkMarks(job: StreamJob): readonly Issue[] {
  if (job.spec.code !== undefined) return [];
  return marksIn(job).map(({ mark, path }) => ({
    path: formatPath(path),
    message: `"${mark}" stands for code of a bundle, but the job names none`,
    fix: 'let `millrace deploy` or `millrace build` write the job (it adds spec.code), or write an expression',
  }));
}

/** `plan` as plain JSON, marks where code was. Code without a mark is a bug of who made the plan: mark the job before. */
export function planToJson(plan: unknown): unknown {
  return walk(plan, (value) => {
    if (!isCodeValue(value)) return undefined;
    const mark = marks.get(value);
    if (mark !== undefined) return mark;
    if (typeof value === 'function') throw new TypeError('code of a plan has a mark: plan what stubMarks gives, or call markJob before');
    return undefined;
  });
}

/** The value that planToJson wrote, with its code. Throws MR1010 with the marks that `code` lacks. */
export function fillMarks<T>(json: unknown, code: ReadonlyMap<string, MarkedCode>): T {
  const missing = new Set<string>();
  const filled = walk(json, (value) => {
    if (!isMark(value)) return undefined;
    const found = code.get(value);
    if (found === undefined) missing.add(value);
    else marks.set(found, value);
    return found ?? value;
  });
  if (missing.size > 0) throw new MillraceError('MR1010', { marks: [...missing] });
  return filled as T;
}

/** What must be known of a machine without its code: which states its actors may be in. */
function withStates(stage: StageSpec, machine: unknown): StageSpec {
  if (stage.xstate === undefined || isMark(machine)) return stage;
  const sends = sendsToKeys(machine) ? { sends: true } : {};
  return { ...stage, xstate: { ...stage.xstate, states: [...machineStates(machine)], ...sends } };
}

function freshMark(value: MarkedCode, salt: string, code: ReadonlyMap<string, MarkedCode>): string {
  const { text, isWhole } = codeText(value);
  const base = isWhole ? text : `${text}\n${salt}`;
  for (let twin = 0; ; twin++) {
    const mark = `@code:${hash(twin === 0 ? base : `${base}\n#${twin}`)}`;
    if (!code.has(mark)) return mark; // M2
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function stubFunction(mark: string): () => never {
  const stub = (): never => notHere(mark);
  return Object.defineProperty(stub, 'toString', { value: () => mark });
}

/** What the rules look at to know a machine. */
function stubMachine(mark: string): object {
  return { config: {}, transition: (): never => notHere(mark), toString: () => mark };
}

function notHere(mark: string): never {
  throw new TypeError(`the code of ${mark} is not here: only workers load the bundle`);
}

function isCodeValue(value: unknown): value is MarkedCode {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && typeof (value as { transition?: unknown }).transition === 'function';
}

/** A copy of plain data; what `change` gives something for is taken as that. */
function walk(value: unknown, change: (value: unknown) => unknown): unknown {
  const changed = change(value);
  if (changed !== undefined) return changed;
  if (Array.isArray(value)) return value.map((item) => walk(item, change));
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, walk(field, change)]));
}
