// From a declared schema to the TypeScript type of its events.

import type { EventSchemaSpec } from '../../crds/stream-job/events.ts';

type FieldTypeName = 'string' | 'int' | 'double' | 'bool' | 'timestamp' | 'any';
/** A field as a user writes it: `'int'`, or `{ type: 'int', nullable: true }`. */
export type SchemaField = FieldTypeName | { readonly type: FieldTypeName; readonly nullable?: boolean; readonly description?: string };
export type EventSchema = { readonly [field: string]: SchemaField };

/** Numbers and times (ms since the epoch) are numbers; ints beyond 2^53 arrive as bigint at run time. */
type TypeNamed<N> = N extends 'string' ? string : N extends 'int' | 'double' | 'timestamp' ? number : N extends 'bool' ? boolean : unknown;

type FieldType<F> = F extends { readonly type: infer N; readonly nullable: true }
  ? TypeNamed<N> | null
  : F extends { readonly type: infer N }
    ? TypeNamed<N>
    : TypeNamed<F>;

/** The events that a schema describes. Fields that it does not name stay in the event but have no type. */
export type TypeOfSchema<S> = { -readonly [K in keyof S]: FieldType<S[K]> } & {};

/** The schema as the job's value holds it: no `undefined`, defaults are filled in by the spec's schema. */
export function schemaSpec(schema: EventSchema): EventSchemaSpec {
  return schema as EventSchemaSpec;
}
