// The types of the checker: those of events, and those that only exist inside an expression.

import { BOOL, DYN, describeType, type EventType, listType, NUMBER, objectType, scalarType, STRING, TIMESTAMP } from './event-type.ts';

export type CheckType =
  | Exclude<EventType, { kind: 'list' }>
  | { readonly kind: 'list'; readonly of: CheckType }
  | { readonly kind: 'null' }
  /** A value of CEL that events do not hold: the results of timestamp() and duration(), bytes, types. */
  | { readonly kind: 'opaque'; readonly name: 'timestamp' | 'duration' | 'bytes' | 'type' };

export const NULL: CheckType = { kind: 'null' };
export const INT: CheckType = scalarType('int');
export const OBJECT: CheckType = objectType({}, true);

/** The kind that operators see; nullable or not does not matter to them. */
export type Family = 'dyn' | 'null' | 'number' | 'string' | 'bool' | 'list' | 'object' | 'time' | 'duration' | 'bytes' | 'type';

export function familyOf(type: CheckType): Family {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'string' || type.name === 'bool' ? type.name : 'number';
    case 'opaque':
      return type.name === 'timestamp' ? 'time' : type.name;
    default:
      return type.kind;
  }
}

/** A type of the library's signatures: `string`, `list<string>`, `google.protobuf.Timestamp`, `dyn`, `A` … */
export function fromCel(name: string): CheckType {
  const list = /^list<(.*)>$/.exec(name);
  if (list !== null) return { kind: 'list', of: fromCel(list[1] as string) };
  if (name.startsWith('map')) return OBJECT;
  switch (name) {
    case 'string':
    case 'bool':
    case 'int':
    case 'double':
      return scalarType(name);
    case 'uint':
      return INT;
    case 'null':
      return NULL;
    case 'bytes':
    case 'type':
      return { kind: 'opaque', name };
    case 'google.protobuf.Timestamp':
      return { kind: 'opaque', name: 'timestamp' };
    case 'google.protobuf.Duration':
      return { kind: 'opaque', name: 'duration' };
    default:
      return DYN;
  }
}

/** The type of a result as events hold it. A null that is always null may be anything next time: dyn. */
export function toEventType(type: CheckType): EventType {
  switch (type.kind) {
    case 'null':
      return DYN;
    case 'opaque':
      return type.name === 'timestamp' ? TIMESTAMP : type.name === 'duration' ? NUMBER : type.name === 'type' ? STRING : DYN;
    case 'list':
      return listType(toEventType(type.of));
    case 'object': {
      const fields: Record<string, EventType> = Object.create(null) as Record<string, EventType>;
      for (const [name, field] of Object.entries(type.fields)) fields[name] = toEventType(field);
      return objectType(fields, type.open);
    }
    default:
      return type;
  }
}

/** What both branches of a ternary, or all items of a list, have in common. */
export function unify(left: CheckType, right: CheckType): CheckType {
  if (left.kind === 'null') return orNull(right);
  if (right.kind === 'null') return orNull(left);
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    const nullable = left.nullable || right.nullable;
    if (left.name === right.name) return scalarType(left.name, nullable);
    return familyOf(left) === 'number' && familyOf(right) === 'number' ? scalarType('double', nullable) : DYN;
  }
  if (left.kind === 'list' && right.kind === 'list') return { kind: 'list', of: unify(left.of, right.of) };
  if (left.kind === 'object' && right.kind === 'object') return unifyObjects(left, right);
  if (left.kind === 'opaque' && right.kind === 'opaque' && left.name === right.name) return left;
  return DYN;
}

function orNull(type: CheckType): CheckType {
  return type.kind === 'scalar' ? scalarType(type.name, true) : type.kind === 'null' ? NULL : type.kind === 'object' ? type : DYN;
}

type ObjectType = Extract<EventType, { kind: 'object' }>;

function unifyObjects(left: ObjectType, right: ObjectType): CheckType {
  const fields: Record<string, EventType> = Object.create(null) as Record<string, EventType>;
  for (const name of new Set([...Object.keys(left.fields), ...Object.keys(right.fields)])) {
    const [one, other] = [left.fields[name], right.fields[name]];
    fields[name] = one === undefined || other === undefined ? DYN : toEventType(unify(one, other));
  }
  return objectType(fields, left.open || right.open);
}

/** For messages. */
export function describeCheckType(type: CheckType): string {
  if (type.kind === 'null') return 'null';
  if (type.kind === 'opaque') return type.name;
  if (type.kind === 'list') return type.of.kind === 'dyn' ? 'list' : `list of ${describeCheckType(type.of)}`;
  return describeType(type);
}

export { BOOL, DYN, STRING };
