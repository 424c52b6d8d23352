// Types of events that may be one thing or another: of several inputs, several emits, one event type among many.

import { DYN, type EventType, listType, objectType, scalarType } from '../expression/event-type.ts';

/** What is true of a value that has one of `types`. Never claims more than is known: what differs is dyn. */
export function mergeTypes(types: readonly EventType[]): EventType {
  const [first, ...rest] = types;
  return first === undefined ? DYN : rest.reduce(mergeTwo, first);
}

/** A field that may be missing: null is what an expression sees. */
export function orNull(type: EventType): EventType {
  return type.kind === 'scalar' ? scalarType(type.name, true) : type;
}

function mergeTwo(left: EventType, right: EventType): EventType {
  if (left.kind === 'scalar' && right.kind === 'scalar') return mergeScalars(left, right);
  if (left.kind === 'list' && right.kind === 'list') return listType(mergeTwo(left.of, right.of));
  if (left.kind === 'object' && right.kind === 'object') return mergeObjects(left, right);
  return DYN;
}

type Scalar = Extract<EventType, { kind: 'scalar' }>;
const NUMERIC: readonly string[] = ['int', 'double', 'timestamp'];

function mergeScalars(left: Scalar, right: Scalar): EventType {
  const nullable = left.nullable || right.nullable;
  if (left.name === right.name) return scalarType(left.name, nullable);
  return NUMERIC.includes(left.name) && NUMERIC.includes(right.name) ? scalarType('double', nullable) : DYN;
}

type ObjectType = Extract<EventType, { kind: 'object' }>;

function mergeObjects(left: ObjectType, right: ObjectType): EventType {
  const names = [...new Set([...Object.keys(left.fields), ...Object.keys(right.fields)])];
  const merged = names.map((name) => [name, mergeField(fieldOf(left, name), fieldOf(right, name))] as const);
  return objectType(Object.fromEntries(merged), left.open || right.open);
}

/** Null: this side does not know the field. */
function fieldOf(type: ObjectType, name: string): EventType | null {
  return Object.hasOwn(type.fields, name) ? (type.fields[name] ?? null) : null;
}

function mergeField(left: EventType | null, right: EventType | null): EventType {
  if (left !== null && right !== null) return mergeTwo(left, right);
  return orNull(left ?? right ?? DYN);
}
