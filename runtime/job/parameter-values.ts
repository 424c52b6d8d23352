// `${name}` in the texts of a job that is a value already (TypeScript): the same rules as in parameters.ts for YAML.

import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { replaceUses } from './parameters.ts';

export type DeclaredParameter = { readonly name: string; readonly default?: string | undefined };

/** `spec` with the uses in its texts replaced; `given` comes from `--set`. Functions and machines of XState stay as they are. */
export function fillParameters<T>(
  spec: T,
  declared: readonly DeclaredParameter[],
  given: Readonly<Record<string, string>>,
): { readonly filled: T; readonly issues: readonly Issue[] } {
  const names = declared.map(({ name }) => name);
  const values = new Map(
    declared.map(({ name, default: byDefault }) => [name, Object.hasOwn(given, name) ? (given[name] ?? null) : (byDefault ?? null)]),
  );
  const issues: Issue[] = Object.keys(given)
    .filter((name) => !names.includes(name))
    .map((name) => ({
      path: 'spec.parameters',
      message: `--set gives a value to "${name}", which is no parameter of this job`,
      fix: suggest(name, names),
    }));
  const fill = (value: unknown, path: readonly PathPart[]): unknown => {
    if (typeof value === 'string') {
      const { replaced, problems } = replaceUses(value, values);
      issues.push(...problems.map((problem) => ({ path: formatPath(path), ...problem })));
      return replaced;
    }
    if (formatPath(path) === 'spec.parameters') return value;
    if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index]));
    if (!isPlain(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, fill(child, [...path, name])]));
  };
  return { filled: fill(spec, ['spec']) as T, issues };
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
