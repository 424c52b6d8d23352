// The custom resource definition of a StreamJob, from the one schema (stream-job/spec.ts).
//
// Kubernetes wants a structural schema: a type at every place, no references, no unions of types, no closed objects.
//   G1. What it can't say (a text or a mapping, states inside states) is left open there and checked by the operator.
//   G2. What only the TypeScript builder can fill is left out.

import { z } from 'zod';
import { stringify } from 'yaml';
import { BUILDER_FIELDS, streamJobSpecSchema } from './stream-job/spec.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where the committed file lies, from the project's root. */
export const CRD_PATH = 'crds/millrace.dev_streamjobs.yaml';

/** The text of that file. */
export function generateCrd(): string {
  return `# Made by \`npm run generate\` from crds/stream-job/spec.ts. Do not edit.\n${stringify(definition(), { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

/** The definition as a value. */
export function definition(): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'streamjobs.millrace.dev' },
    spec: {
      group: 'millrace.dev',
      names: {
        kind: 'StreamJob',
        listKind: 'StreamJobList',
        plural: 'streamjobs',
        singular: 'streamjob',
        shortNames: ['sj'],
        categories: ['millrace'],
      },
      scope: 'Namespaced',
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: rootSchema() } }],
    },
  };
}

function rootSchema(): Json {
  return {
    type: 'object',
    required: ['spec'],
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { type: 'object' }, spec: specSchema() },
  };
}

function specSchema(): Json {
  const schema = z.toJSONSchema(streamJobSpecSchema, { io: 'input', unrepresentable: 'any', reused: 'inline', cycles: 'ref' }) as Json;
  return structural(schema, { definitions: (schema['$defs'] ?? {}) as Json, above: [] });
}

type Place = { readonly definitions: Json; readonly above: readonly string[] };

const OPEN: Json = { 'x-kubernetes-preserve-unknown-fields': true };
/** Words that mean the same in JSON Schema and in a structural schema. */
const KEPT: readonly string[] = [
  'type',
  'description',
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

function structural(schema: Json, place: Place): Json {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return followed(reference, place);
  if (schema['anyOf'] !== undefined || schema['type'] === undefined) return described(schema);
  const kept = Object.fromEntries(KEPT.filter((word) => schema[word] !== undefined).map((word) => [word, schema[word]]));
  return { ...kept, ...items(schema, place), ...properties(schema, place), ...additional(schema, place) };
}

/** Definitions are put in where they are used; one that holds itself is left open. */
function followed(reference: string, { definitions, above }: Place): Json {
  const name = reference.replace('#/$defs/', '');
  const target = definitions[name];
  // A code may be a function in TypeScript, so zod knows no type for it; as YAML it is a text.
  if (name === 'Code') return { type: 'string', description: 'CEL expression', minLength: 1, maxLength: 4096 };
  if (target === undefined || above.includes(name)) return { type: 'object', ...OPEN };
  return structural(target as Json, { definitions, above: [...above, name] });
}

function described({ description, anyOf }: Json): Json {
  const mayBeNull = Array.isArray(anyOf) && (anyOf as readonly Json[]).some(({ type }) => type === 'null');
  return { ...(description === undefined ? {} : { description }), ...(mayBeNull ? { nullable: true } : {}), ...OPEN };
}

function items(schema: Json, place: Place): Json {
  return schema['items'] === undefined ? {} : { items: structural(schema['items'] as Json, place) };
}

function properties(schema: Json, place: Place): Json {
  if (schema['properties'] === undefined) return {};
  const fields = Object.entries(schema['properties'] as Readonly<Record<string, Json>>).filter(([name]) => !BUILDER_FIELDS.includes(name));
  const required = schema['required'];
  return {
    ...(required === undefined ? {} : { required }),
    properties: Object.fromEntries(fields.map(([name, field]) => [name, structural(field, place)])),
  };
}

/** Mappings with free names. That others are not allowed (false) is what pruning does anyway. */
function additional(schema: Json, place: Place): Json {
  const value = schema['additionalProperties'];
  if (typeof value !== 'object' || value === null) return {};
  return { additionalProperties: structural(value as Json, place), maxProperties: 1024 };
}
