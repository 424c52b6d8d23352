// zod's findings in words for the person who wrote the declaration.
//
//   W1. Every message says what was found; a fix says what is allowed, the nearest name first.
//   W2. Of a union only the branch that fits the value's shape speaks; when none fits, the union itself does.
//   W3. What is no text where a text of some form is wanted is told that form: in quotes alone it would be the next mistake.

import type { z } from 'zod';
import { isOfLiveSystem, liveRefusal } from '../base/live-system.ts';
import { suggest } from '../base/nearest.ts';
import type { PathPart } from '../base/path.ts';
import { fieldNamesAt, formIssueAt } from './schema-shape.ts';

type ZodIssue = z.core.$ZodIssue;

export type SchemaMistake = {
  readonly path: readonly PathPart[];
  readonly message: string;
  readonly fix?: string;
  /** What to do with the value to go on checking: drop it, or put a stand-in in its place. */
  readonly repair: 'remove' | 'replace';
  /** Set when a number or bool was expected: a text that came from a parameter may be one. */
  readonly expected?: 'number' | 'boolean';
};

/** All mistakes that `issues` (of `schema` about `root`) stand for. */
export function explainIssues(schema: z.ZodType, root: unknown, issues: readonly ZodIssue[]): readonly SchemaMistake[] {
  const mistakes = issues.flatMap((issue) => flatten(issue, root)).flatMap((issue) => explain(schema, root, issue));
  // A value of two mistakes (too long, and of the wrong form) is mended once: the first says enough.
  const keyOf = ({ path }: SchemaMistake): string => JSON.stringify(path);
  return mistakes.filter((mistake, i) => mistakes.findIndex((other) => keyOf(other) === keyOf(mistake)) === i);
}

/** A value for a message: texts in quotes and cut, lists and mappings by their kind. */
export function showValue(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (typeof value === 'string')
    return value.length > 60 ? `${JSON.stringify(value.slice(0, 57))}… (${value.length} characters)` : JSON.stringify(value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'function' ? 'a function' : String(value as number | boolean | bigint);
}

function explain(schema: z.ZodType, root: unknown, issue: ZodIssue): readonly SchemaMistake[] {
  const path = issue.path.map(toPart);
  if (issue.code === 'unrecognized_keys') {
    const allowed = fieldNamesAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown field "${key}"`,
      fix: path.includes('machine') && isOfLiveSystem(key) ? liveRefusal(key, 'yaml') : suggest(key, allowed),
      repair: 'remove',
    }));
  }
  if (issue.code === 'invalid_key') {
    const why = issue.issues[0]?.message ?? 'is not allowed';
    return [{ path, message: `the name ${showValue(path.at(-1))} ${why}`, repair: 'remove' }];
  }
  const value = valueAt(root, path);
  const isNoText = issue.code === 'invalid_type' && issue.expected === 'string';
  const form = isNoText ? formIssueAt(schema, path, value) : undefined; // W3
  const { message, fix, expected } = describe(form ?? issue, value);
  const missing = value === undefined;
  return [
    {
      path,
      message: missing ? 'is missing' : message,
      ...(missing ? { fix: fix ?? message.replace(/[;,] found .*$/s, '') } : fix === undefined ? {} : { fix }),
      repair: 'replace',
      ...(expected === undefined ? {} : { expected }),
    },
  ];
}

type Description = { readonly message: string; readonly fix?: string; readonly expected?: 'number' | 'boolean' };

function describe(issue: ZodIssue, value: unknown): Description {
  const found = showValue(value);
  switch (issue.code) {
    case 'invalid_type':
      return describeType(issue.expected, value);
    case 'invalid_value':
      return describeChoice(issue.values.map(String), value);
    case 'too_small':
      return { message: `must ${bound(issue.origin, 'at least', Number(issue.minimum))}, found ${size(issue.origin, value)}` };
    case 'too_big':
      return { message: `must ${bound(issue.origin, 'at most', Number(issue.maximum))}, found ${size(issue.origin, value)}` };
    case 'not_multiple_of':
      return { message: `must be a multiple of ${issue.divisor}, found ${found}` };
    default:
      // invalid_format, custom, a union of which no branch fits: the schema carries the sentence.
      return { message: `${issue.message}; found ${found}` };
  }
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

function describeType(expected: string, value: unknown): Description {
  const message = `must be ${TYPES[expected] ?? expected}, found ${showValue(value)}`;
  if (expected === 'string' && (typeof value === 'number' || typeof value === 'boolean'))
    return { message, fix: `put it in quotes: "${value}"` };
  if (expected === 'number' || expected === 'int') return { message, expected: 'number' };
  return expected === 'boolean' ? { message, expected } : { message };
}

function describeChoice(allowed: readonly string[], value: unknown): Description {
  if (allowed.length === 1) return { message: `must be "${allowed[0]}", found ${showValue(value)}` };
  const all = `allowed: ${allowed.join(', ')}`;
  if (typeof value !== 'string') return { message: `must be one of ${allowed.join(', ')}; found ${showValue(value)}` };
  const near = suggest(value, allowed);
  return { message: `${JSON.stringify(value)} is not allowed here`, fix: near === all ? all : `${near} ${all}` };
}

function bound(origin: string, side: string, limit: number): string {
  if (origin === 'string') return `have ${side} ${limit} ${limit === 1 ? 'character' : 'characters'}`;
  if (origin === 'array') return `have ${side} ${limit} ${limit === 1 ? 'item' : 'items'}`;
  return `be ${side} ${limit}`;
}

function size(origin: string, value: unknown): string {
  if (origin === 'string' && typeof value === 'string' && value.length > 0) return `${value.length} characters`;
  if (Array.isArray(value)) return value.length === 0 ? 'none' : String(value.length);
  return showValue(value);
}

/** The issue itself, or what the fitting branch of its union says (W2). */
function flatten(issue: ZodIssue, root: unknown): readonly ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const isText = typeof valueAt(root, issue.path.map(toPart)) === 'string';
  const fitting = issue.errors
    .filter((branch) => branch.length > 0 && !branch.some((inner) => isWrongShape(inner, isText)))
    .toSorted((a, b) => a.length - b.length);
  const best = fitting[0];
  if (best === undefined) return [issue];
  return best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as ZodIssue).flatMap((inner) => flatten(inner, root));
}

/** A branch that refuses the value as a whole, for its type: it was not meant. */
function isWrongShape(issue: ZodIssue, isText: boolean): boolean {
  if (issue.path.length > 0) return false;
  return (
    issue.code === 'invalid_type' ||
    issue.code === 'custom' ||
    issue.code === 'invalid_union' ||
    (issue.code === 'invalid_value' && !isText)
  );
}

function valueAt(root: unknown, path: readonly PathPart[]): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PathPart, unknown>)[part];
  }
  return value;
}

function toPart(part: PropertyKey): PathPart {
  return typeof part === 'number' ? part : String(part);
}
