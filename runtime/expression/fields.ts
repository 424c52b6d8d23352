// Reading a field of a record or an item of a list.
//
//   F1. Only data that is there is read: `__proto__`, `constructor`, `length` … are fields only if the event has them itself.
//   F2. null and missing are the same to `== null`, `!= null` and `has()`; a missing field that is used as a value is an
//       error that names the field and those that are there.

import { ExpressionError } from './expression-error.ts';
import { type ASTNode, textOf } from './library.ts';
import { nearest } from '../base/nearest.ts';
import { describe, isRecord } from './values.ts';

/** Names that some built-in object has: reading them needs the careful way. */
const inherited = new Set(
  [Object, Array, Map, Set, Date, Uint8Array, String].flatMap((type) => {
    const names: string[] = ['seconds', 'nanos', 'value', 'name'];
    for (let p: unknown = type.prototype; p !== null; p = Object.getPrototypeOf(p)) names.push(...Object.getOwnPropertyNames(p));
    return names;
  }),
);

/** True when `record[name]` can't find anything but the record's own data. */
export function isSafeName(name: string): boolean {
  return !inherited.has(name);
}

/** The field's value, or undefined when there is none: missing, or `value` has no fields. */
export function ownField(value: unknown, name: string): unknown {
  if (isRecord(value)) return Object.hasOwn(value, name) ? value[name] : undefined;
  return value instanceof Map ? value.get(name) : undefined;
}

/** The error for a field that is not there. */
export function missingField(value: unknown, name: string, node: ASTNode): ExpressionError {
  const owner = textOf(ownerOf(node));
  if (!isRecord(value)) {
    const hint = value === null ? '; test for null first' : '';
    return new ExpressionError(`${textOf(node)}: ${owner} is ${describe(value)}, it has no field ${name}${hint}`);
  }
  const names = Object.keys(value);
  const near = name.length < 2 ? null : nearest(name, names);
  const listed = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}`;
  return new ExpressionError(`${owner} has no field ${name}${near === null ? '' : ` (did you mean ${near}?)`}; ${listed}`);
}

/** `value[index]`: an item of a list by its number, or a field by its name. */
export function itemAt(value: unknown, index: unknown, node: ASTNode): unknown {
  if (Array.isArray(value)) return listItem(value, index, node);
  const name =
    typeof index === 'string'
      ? index
      : typeof index === 'number' || typeof index === 'bigint' || typeof index === 'boolean'
        ? String(index)
        : null;
  if (name === null) throw new ExpressionError(`${textOf(node)}: cannot index ${describe(value)} with ${describe(index)}`);
  const found = value instanceof Map ? (value.get(index) ?? value.get(name)) : ownField(value, name);
  if (found === undefined) throw missingField(value, name, node);
  return found;
}

function listItem(list: readonly unknown[], index: unknown, node: ASTNode): unknown {
  const at = typeof index === 'bigint' ? Number(index) : index;
  if (typeof at !== 'number' || !Number.isInteger(at))
    throw new ExpressionError(`${textOf(node)}: a list index must be a whole number, found ${describe(index)}`);
  if (at < 0 || at >= list.length)
    throw new ExpressionError(`${textOf(node)}: index ${at} is outside the list, which has ${list.length} items`);
  return list[at] ?? null;
}

function ownerOf(node: ASTNode): ASTNode {
  return node.op === '.' || node.op === '[]' ? node.args[0] : node;
}
