// Which parameters of a job can stay parameters on the cluster, and the others put in place. Pure.
//
// The API server checks a StreamJob before anybody fills its parameters in: where it wants a number, a duration or a name, `${x}` is
// none.
//   P1. A parameter that stands in such a place is put in place everywhere, so that it never means two things.
//   P2. What stays is as it was: the operator fills it in from spec.values and the defaults.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { PathPart } from '../../runtime/base/path.ts';
import { checkSchema } from '../../runtime/job/schema-check.ts';

export type Resolved = {
  readonly spec: Readonly<Record<string, unknown>>;
  /** Parameters that were put in place (P1). */
  readonly resolved: readonly string[];
};

export type Request = {
  /** The StreamJob as its text gives it, uses of parameters still in it. */
  readonly declared: unknown;
  /** The same with all parameters filled in, as it was checked. */
  readonly job: StreamJob;
  readonly values: ReadonlyMap<string, string>;
};

const USE = /\$(\$?)\{([^{}]*)\}/g;

export function resolveParameters({ declared, job, values }: Request): Resolved {
  const resolved = new Set<string>();
  for (;;) {
    const spec = fill(specOf(declared), job.spec, { names: resolved, values }, []) as Resolved['spec'];
    const found = usesAt({ ...(declared as object), spec }).filter((name) => values.has(name) && !resolved.has(name));
    if (found.length === 0) return { spec, resolved: [...resolved].toSorted() };
    for (const name of found) resolved.add(name);
  }
}

/** A text as the operator will read it: what looks like a use of a parameter is the text itself. */
export function escapeUses(text: string): string {
  return text.replace(USE, (use) => `$${use}`);
}

/** Every text of `value`, and every name of a field, escaped: what was filled in once is not filled in again. */
export function escapeAll(value: unknown): unknown {
  if (typeof value === 'string') return escapeUses(value);
  if (Array.isArray(value)) return value.map(escapeAll);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [escapeUses(name), escapeAll(child)]));
}

/** `spec` without the parameters that nothing in it uses, and without their values. */
export function withoutUnused(spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { parameters, values, ...rest } = spec;
  const used = new Set(namesIn(JSON.stringify(rest)));
  const declared = ((parameters ?? []) as readonly { readonly name: string }[]).filter(({ name }) => used.has(name));
  const given = Object.entries((values ?? {}) as object).filter(([name]) => used.has(name));
  return {
    ...Object.fromEntries(Object.entries(spec).filter(([name]) => name !== 'parameters' && name !== 'values')),
    ...(declared.length === 0 ? {} : { parameters: declared }),
    ...(given.length === 0 ? {} : { values: Object.fromEntries(given) }),
  };
}

function specOf(declared: unknown): unknown {
  return (declared as { readonly spec?: unknown }).spec;
}

/** Parameters in places that the schema refuses as they stand. */
function usesAt(declared: unknown): readonly string[] {
  return checkSchema(declared).mistakes.flatMap(({ path }) => {
    const value = valueAt(declared, path);
    return [...namesIn(String(path.at(-1) ?? '')), ...(typeof value === 'string' ? namesIn(value) : [])];
  });
}

function namesIn(text: string): readonly string[] {
  return [...text.matchAll(USE)].filter(([, escape]) => escape === '').map(([, , name = '']) => name.trim());
}

type Fill = { readonly names: ReadonlySet<string>; readonly values: ReadonlyMap<string, string> };

/** `parsed`: the value at the same place of the checked job, which knows numbers and bools. */
function fill(value: unknown, parsed: unknown, how: Fill, path: readonly PathPart[]): unknown {
  if (path.length === 1 && path[0] === 'parameters') return value;
  if (typeof value === 'string') return fillText(value, parsed, how);
  if (Array.isArray(value)) return value.map((item, index) => fill(item, partOf(parsed, index), how, [...path, index]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => {
      const filled = replace(name, how);
      return [filled, fill(child, partOf(parsed, filled), how, [...path, name])];
    }),
  );
}

function fillText(text: string, parsed: unknown, how: Fill): unknown {
  const uses = namesIn(text);
  if (uses.length === 0 || !uses.every((name) => how.names.has(name))) return replace(text, how);
  return typeof parsed === 'number' || typeof parsed === 'boolean' ? parsed : replace(text, how);
}

function replace(text: string, { names, values }: Fill): string {
  return text.replace(USE, (use, escape: string, inside: string) => {
    const name = inside.trim();
    return escape === '' && names.has(name) ? escapeUses(values.get(name) ?? '') : use;
  });
}

function partOf(parsed: unknown, part: PathPart): unknown {
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<PathPart, unknown>)[part] : undefined;
}

function valueAt(root: unknown, path: readonly PathPart[]): unknown {
  return path.reduce(partOf, root);
}
