import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CRD_PATH, definition, generateCrd } from './generate.ts';

const OPEN = 'x-kubernetes-preserve-unknown-fields';

test('the committed definition is what the schema says: else run npm run generate', () => {
  expect(readFileSync(new URL(`../${CRD_PATH}`, import.meta.url), 'utf8')).toBe(generateCrd());
});

test('the schema is structural: every place has a type or is open, and nothing refers elsewhere', () => {
  const problems: string[] = [];
  eachSchema(rootOf(definition()), '', (schema, path) => {
    if (schema['type'] === undefined && schema[OPEN] !== true) problems.push(`${path} has neither a type nor is it open`);
    for (const word of ['$ref', '$defs', 'anyOf', 'oneOf', 'const', 'propertyNames'])
      if (word in schema) problems.push(`${path} has ${word}`);
    if ('additionalProperties' in schema && 'properties' in schema) problems.push(`${path} has both kinds of properties`);
  });
  expect(problems).toEqual([]);
});

test('every list and every mapping with free names has a bound', () => {
  const problems: string[] = [];
  eachSchema(rootOf(definition()), '', (schema, path) => {
    if (schema['type'] === 'array' && schema['maxItems'] === undefined) problems.push(path);
    if ('additionalProperties' in schema && schema['maxProperties'] === undefined) problems.push(path);
  });
  expect(problems).toEqual([]);
});

test('what only the builder can fill is left out; a machine has states inside states', () => {
  const stage = at(rootOf(definition()), 'spec', 'stages', '*');
  expect(Object.keys(stage['properties'] as object)).not.toContain('reduce');
  expect(Object.keys(stage['properties'] as object)).not.toContain('xstate');
  expect(at(stage, 'machine', 'states', '*', 'states', '*')).toMatchObject({ type: 'object', [OPEN]: true });
});

test('null is a value of a context', () => {
  expect(at(rootOf(definition()), 'spec', 'stages', '*', 'machine', 'context', '*')).toEqual({ nullable: true, [OPEN]: true });
});

type Schema = Readonly<Record<string, unknown>>;

function rootOf(crd: Schema): Schema {
  const [version] = (crd['spec'] as { versions: { schema: { openAPIV3Schema: Schema } }[] }).versions;
  return version!.schema.openAPIV3Schema;
}

/** `*`: the items of a list, or the values of a mapping. */
function at(schema: Schema, ...path: readonly string[]): Schema {
  return path.reduce((inside, part) => {
    const child =
      part === '*' ? (inside['items'] ?? inside['additionalProperties']) : (inside['properties'] as Record<string, unknown>)[part];
    expect(child, part).toBeDefined();
    return child as Schema;
  }, schema);
}

function eachSchema(schema: Schema, path: string, visit: (schema: Schema, path: string) => void): void {
  visit(schema, path);
  for (const [name, child] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>))
    eachSchema(child, `${path}.${name}`, visit);
  for (const word of ['items', 'additionalProperties'])
    if (schema[word] !== undefined) eachSchema(schema[word] as Schema, `${path}.*`, visit);
}
