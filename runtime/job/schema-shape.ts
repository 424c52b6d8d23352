// What a zod schema allows at a path: field names for suggestions, and a stand-in for a damaged value.
//
//   Z1. Read-only knowledge of zod's definitions lies in this file only.

import type { z } from 'zod';
import { BUILDER_FIELDS } from '../../crds/stream-job/spec.ts';
import type { PathPart } from '../base/path.ts';

type Schema = z.core.$ZodType;
type Definition = z.core.$ZodTypes['_zod']['def'];

/** Schemas that may hold at `path`: several behind a union, none when the path leads nowhere. */
export function schemasAt(root: Schema, path: readonly PathPart[]): readonly Schema[] {
  let current = alternatives(root);
  for (const part of path) current = current.flatMap((schema) => children(schema, part)).flatMap(alternatives);
  return current;
}

/** Names of the fields that a mapping at `path` may have, in the schema's order. */
export function fieldNamesAt(root: Schema, path: readonly PathPart[]): readonly string[] {
  const names = schemasAt(root, path).flatMap((schema) => {
    const definition = definitionOf(schema);
    return definition.type === 'object' ? Object.keys(definition.shape) : [];
  });
  return [...new Set(names)].filter((name) => !BUILDER_FIELDS.includes(name));
}

/** What a text at `path` must look like, where `value`, which is none, would not if it was written as one. */
export function formIssueAt(root: Schema, path: readonly PathPart[], value: unknown): z.core.$ZodIssue | undefined {
  const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
  const texts = schemasAt(root, path).filter((schema) => definitionOf(schema).type === 'string');
  return texts.flatMap((schema) => (schema as z.ZodType).safeParse(text).error?.issues ?? []).find(({ code }) => code === 'invalid_format');
}

/** A value that the schema at `path` takes, in place of a damaged one, so that the rules can be checked all the same. */
export function standIn(root: Schema, path: readonly PathPart[], mark: string): unknown {
  const [schema] = schemasAt(root, path);
  return schema === undefined ? null : makeStandIn(schema, mark);
}

function makeStandIn(schema: Schema, mark: string): unknown {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'literal':
      return definition.values[0];
    case 'enum':
      return Object.values(definition.entries)[0];
    case 'boolean':
      return false;
    case 'object':
      return requiredFields(definition.shape, mark);
    case 'array':
      return (
        [0, 1].map((length) => Array.from({ length }, () => makeAny(definition.element, mark))).find((list) => accepts(schema, list)) ?? []
      );
    case 'record':
      return {};
    default:
      // A name, a duration, a number or code: whichever of these the schema takes.
      return [mark, '1h', 1, 0, () => null, null].find((value) => accepts(schema, value)) ?? null;
  }
}

function makeAny(schema: Schema, mark: string): unknown {
  const [first] = alternatives(schema);
  return first === undefined ? null : makeStandIn(first, mark);
}

function requiredFields(shape: z.core.$ZodShape, mark: string): Record<string, unknown> {
  const required = Object.entries(shape).filter(([, schema]) => schema._zod.optin === undefined);
  return Object.fromEntries(required.map(([name, schema]) => [name, makeAny(schema, mark)]));
}

/** The schema without its wrappers; for a union all of its branches. */
function alternatives(schema: Schema): readonly Schema[] {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
      return alternatives(definition.innerType);
    case 'lazy':
      return alternatives(definition.getter());
    case 'union':
      return definition.options.flatMap(alternatives);
    default:
      return [schema];
  }
}

function children(schema: Schema, part: PathPart): readonly Schema[] {
  const definition = definitionOf(schema);
  switch (definition.type) {
    case 'object': {
      const child = Object.hasOwn(definition.shape, part) ? definition.shape[part] : undefined;
      return child === undefined ? [] : [child];
    }
    case 'array':
      return typeof part === 'number' ? [definition.element] : [];
    case 'record':
      return [definition.valueType];
    default:
      return [];
  }
}

function accepts(schema: Schema, value: unknown): boolean {
  return (schema as z.ZodType).safeParse(value).success;
}

function definitionOf(schema: Schema): Definition {
  return (schema as z.core.$ZodTypes)._zod.def;
}
