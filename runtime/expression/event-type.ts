// What is known about the shape of an event before it runs: enough to find wrong field names and wrong types.
//
//   Y1. `dyn` accepts everything: knowledge grows, it is never guessed.
//   Y2. Times are numbers: a `timestamp` field holds ms since the epoch (a JS number) like `int` and `double`.

import type { EventSchemaSpec } from '../../crds/stream-job/events.ts';

export type ScalarName = 'string' | 'double' | 'bool' | 'int' | 'timestamp';

export type EventType =
  /** Not known. */
  | { readonly kind: 'dyn' }
  | { readonly kind: 'scalar'; readonly name: ScalarName; readonly nullable: boolean }
  /** `open`: fields that are not named may be there too (they are dyn). */
  | { readonly kind: 'object'; readonly fields: Readonly<Record<string, EventType>>; readonly open: boolean }
  | { readonly kind: 'list'; readonly of: EventType };

export const DYN: EventType = { kind: 'dyn' };
export const STRING: EventType = scalarType('string');
export const NUMBER: EventType = scalarType('double');
export const BOOL: EventType = scalarType('bool');
export const TIMESTAMP: EventType = scalarType('timestamp');

export function scalarType(name: ScalarName, nullable = false): EventType {
  return { kind: 'scalar', name, nullable };
}

/** An object whose fields are all known, unless `open`. */
export function objectType(fields: Readonly<Record<string, EventType>>, open = false): EventType {
  return { kind: 'object', fields, open };
}

export function listType(of: EventType): EventType {
  return { kind: 'list', of };
}

/** Events of a declared schema. Fields that are not declared stay in events, but an expression that names one is a
 *  mistake that is worth refusing: the object is closed unless `open` is asked for. */
export function typeOfSchema(schema: EventSchemaSpec, open = false): EventType {
  const fields: Record<string, EventType> = Object.create(null) as Record<string, EventType>;
  for (const [name, field] of Object.entries(schema)) {
    const { type, nullable } = typeof field === 'string' ? { type: field, nullable: false } : field;
    fields[name] = type === 'any' ? DYN : scalarType(type, nullable);
  }
  return objectType(fields, open);
}

/** For messages: `string`, `double or null`, `list of string`, `object with a, b`. */
export function describeType(type: EventType): string {
  switch (type.kind) {
    case 'dyn':
      return 'any value';
    case 'scalar':
      return type.nullable ? `${type.name} or null` : type.name;
    case 'list':
      return type.of.kind === 'dyn' ? 'list' : `list of ${describeType(type.of)}`;
    case 'object':
      return Object.keys(type.fields).length === 0 ? 'object' : `object with ${Object.keys(type.fields).slice(0, 8).join(', ')}`;
  }
}
