// A zod schema as a structural schema, the only kind that a custom resource definition may have: a type at every place, no
// references, no unions of types, no closed objects.
//
//   G1. What it can't say (a text or a mapping, states inside states) is left open there. The admission policy looks into
//       these places (stream-job/admission.ts), and the operator checks them whole.
//   G2. What only the TypeScript builder can fill is a text here: the mark of its code.
//   G3. A duration of the graph may hold a parameter instead. Names and references may not: rules look them up.

import { z } from 'zod';
import { durationSchema, ON_IN_YAML_1_1 } from './stream-job/names.ts';
import { BUILDER_FIELDS, CODE_MARK } from './stream-job/spec.ts';

export type Json = Readonly<Record<string, unknown>>;

const OPEN: Json = { 'x-kubernetes-preserve-unknown-fields': true };
const GRAPH_FIELDS: readonly string[] = ['sources', 'tables', 'stages', 'sinks'];
/** Longest mapping with free names; a longer one is no declaration any more. */
const MAPPING_SIZE_MAX = 1_024;
/** `${` and `}` around the longest name of a parameter. */
const PARAMETER_LENGTH_MAX = 66;
const CODE: Json = { type: 'string', minLength: 1, maxLength: 4096 };
/** Words that mean the same in JSON Schema and in a structural schema. */
const KEPT: readonly string[] = [
  'type',
  'default',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
];

type Place = {
  readonly definitions: Json;
  /** Definitions that this place lies in. */
  readonly above: readonly string[];
  readonly isInGraph: boolean;
  /** Below a field that only the builder fills. */
  readonly isBuilders: boolean;
};

export function structuralSchema(schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline', cycles: 'ref' }) as Json;
  return structural(json, { definitions: (json['$defs'] ?? {}) as Json, above: [], isInGraph: false, isBuilders: false });
}

function structural(schema: Json, place: Place): Json {
  const reference = schema['$ref'];
  const text = schema['description'];
  const description = text === undefined ? {} : { description: text };
  if (typeof reference === 'string') return { ...followed(reference, place), ...description };
  if (schema['anyOf'] !== undefined || schema['type'] === undefined)
    return { ...description, ...(place.isBuilders ? mark() : { ...nullable(schema), ...OPEN }) };
  const kept = Object.fromEntries(KEPT.filter((word) => isKept(schema, word)).map((word) => [word, schema[word]]));
  return { ...kept, ...parameterised(schema, place), ...description, ...inside(schema, place) };
}

/** Bounds that say no more than that a number is whole are left out. */
function isKept(schema: Json, word: string): boolean {
  return schema[word] !== undefined && Math.abs(Number(schema[word])) !== Number.MAX_SAFE_INTEGER;
}

/** Definitions are put in where they are used; one that holds itself is left open. */
function followed(reference: string, place: Place): Json {
  const name = reference.replace('#/$defs/', '');
  const target = place.definitions[name];
  // A code may be a function in TypeScript, so zod knows no type for it; as YAML it is a text.
  if (name === 'Code') return place.isBuilders ? mark() : CODE;
  if (target === undefined || place.above.includes(name)) return { type: 'object', ...OPEN };
  return structural(target as Json, { ...place, above: [...place.above, name] });
}

function mark(): Json {
  return { type: 'string', pattern: CODE_MARK.source, maxLength: 64 };
}

function nullable({ anyOf }: Json): Json {
  return Array.isArray(anyOf) && (anyOf as readonly Json[]).some(({ type }) => type === 'null') ? { nullable: true } : {};
}

function parameterised({ pattern }: Json, { isInGraph }: Place): Json {
  if (!isInGraph || pattern !== durationPattern) return {};
  return { pattern: DURATION_OR_PARAMETER, maxLength: PARAMETER_LENGTH_MAX };
}
const durationPattern = z.toJSONSchema(durationSchema).pattern ?? '';
export const DURATION_OR_PARAMETER = `${durationPattern}|^\\$\\{[a-z][a-z0-9-]*\\}$`;

function inside(schema: Json, place: Place): Json {
  return { ...items(schema, place), ...properties(schema, place), ...additional(schema, place) };
}

function items(schema: Json, place: Place): Json {
  return schema['items'] === undefined ? {} : { items: structural(schema['items'] as Json, place) };
}

/** Who writes `on:` in YAML 1.1, which kubectl reads, has written `true`: it is taken for what was meant (ON_IN_YAML_1_1). */
function withOn(fields: readonly (readonly [string, Json])[]): readonly (readonly [string, Json])[] {
  const on = fields.find(([name]) => name === 'on');
  return on === undefined ? fields : [...fields, [ON_IN_YAML_1_1, on[1]]];
}

function properties(schema: Json, place: Place): Json {
  if (schema['properties'] === undefined) return {};
  const fields = withOn(Object.entries(schema['properties'] as Readonly<Record<string, Json>>));
  const required = schema['required'];
  return {
    ...(required === undefined ? {} : { required }),
    properties: Object.fromEntries(fields.map(([name, field]) => [name, structural(field, enter(place, name))])),
  };
}

function enter(place: Place, field: string): Place {
  return {
    ...place,
    isInGraph: place.isInGraph || GRAPH_FIELDS.includes(field),
    isBuilders: place.isBuilders || BUILDER_FIELDS.includes(field),
  };
}

/** Mappings with free names. That others are not allowed (false) is what the API server does anyway. */
function additional(schema: Json, place: Place): Json {
  const value = schema['additionalProperties'];
  if (typeof value !== 'object' || value === null) return {};
  return { additionalProperties: structural(value as Json, place), maxProperties: MAPPING_SIZE_MAX };
}
