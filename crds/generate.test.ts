import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { generatedDefinitions, streamJobDefinition, streamSavepointDefinition } from './generate.ts';
import { CODE_MARK } from './stream-job/spec.ts';

const OPEN = 'x-kubernetes-preserve-unknown-fields';
const definitions = [
  { kind: 'StreamJob', root: rootOf(streamJobDefinition()) },
  { kind: 'StreamSavepoint', root: rootOf(streamSavepointDefinition()) },
];
const streamJob = rootOf(streamJobDefinition());
const bytesMax = 200_000;

test.each(Object.entries(generatedDefinitions()))('%s is what the schema says: else run npm run generate', (path, text) => {
  expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(text);
  expect(Buffer.byteLength(text)).toBeLessThan(bytesMax);
});

test.each(definitions)('$kind is structural: every place has a type or is open, and nothing refers elsewhere', ({ root }) => {
  const problems: string[] = [];
  eachSchema(root, '', (schema, path) => {
    if (schema['type'] === undefined && schema[OPEN] !== true) problems.push(`${path} has neither a type nor is it open`);
    for (const word of ['$ref', '$defs', 'anyOf', 'oneOf', 'const', 'propertyNames'])
      if (word in schema) problems.push(`${path} has ${word}`);
    if ('additionalProperties' in schema && 'properties' in schema) problems.push(`${path} has both kinds of properties`);
  });
  expect(problems).toEqual([]);
});

test.each(definitions)('$kind: every list and every mapping with free names has a bound', ({ root }) => {
  const problems: string[] = [];
  eachSchema(root, '', (schema, path) => {
    if (schema['type'] === 'array' && schema['maxItems'] === undefined) problems.push(path);
    if ('additionalProperties' in schema && schema['maxProperties'] === undefined) problems.push(path);
  });
  expect(problems).toEqual([]);
});

test('only what is a text or something else, or holds itself, is open', () => {
  const open: string[] = [];
  eachSchema(streamJob, '', (schema, path) => {
    if (schema[OPEN] === true) open.push(path.replace('.spec.', ''));
  });
  expect(open.filter((path) => !path.startsWith('stages.*.machine.'))).toEqual([
    'sources.*.schema.*',
    'tables.*.schema.*',
    'stages.*.from',
    'stages.*.map',
    'stages.*.flatMap',
    'stages.*.validate.schema.*',
    'stages.*.keyBy',
    'stages.*.join.select',
    'stages.*.pattern.steps.*.steps.*.steps.*',
    'stages.*.pattern.select',
    'sinks.*.from',
    'pools.*.workers.affinity.*',
    'workers.affinity.*',
  ]);
});

test('what only the builder can fill is a mark of code; a machine has states inside states', () => {
  const stage = at(streamJob, 'spec', 'stages', '*');
  for (const path of [
    ['reduce', 'init'],
    ['reduce', 'step'],
    ['xstate', 'machine'],
  ] as const)
    expect(at(stage, ...path)).toMatchObject({ type: 'string', pattern: CODE_MARK.source });
  expect(at(stage, 'machine', 'states', '*', 'states', '*')).toMatchObject({ type: 'object', [OPEN]: true });
});

test('null is a value of a context', () => {
  expect(at(streamJob, 'spec', 'stages', '*', 'machine', 'context', '*')).toEqual({ nullable: true, [OPEN]: true });
});

test('a duration of the graph may be a parameter, one of the upgrade may not', () => {
  const size = new RegExp(String(at(streamJob, 'spec', 'stages', '*', 'window', 'tumbling', 'size')['pattern']));
  expect(['1h30m', '${size}', '${size', 'x'].map((text) => size.test(text))).toEqual([true, true, false, false]);
  const deadline = new RegExp(String(at(streamJob, 'spec', 'upgrade', 'progressDeadline')['pattern']));
  expect(['2m', '${deadline}'].map((text) => deadline.test(text))).toEqual([true, false]);
});

test.each(definitions)('$kind: every rule says what to do', ({ root }) => {
  const rules: string[] = [];
  eachSchema(root, '', (schema) => {
    for (const { message } of (schema['x-kubernetes-validations'] ?? []) as { message: string }[]) rules.push(message);
  });
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.filter((message) => message.length < 30 || message.includes('\n'))).toEqual([]);
});

test('the template of the chart, with its actions taken out, is the plain file', () => {
  const files = generatedDefinitions();
  const plain = Object.entries(files).filter(([path]) => path.startsWith('crds/'));
  for (const [path, text] of plain) {
    const template = files[path.replace('crds/', 'charts/millrace/templates/crds/')] ?? '';
    const rendered = template
      .replace(/^ *\{\{-? (if|end).*\n/gm, '')
      .replace(/^ {2}annotations:\n {4}helm\.sh\/resource-policy: keep\n/gm, '')
      .replace(/\{\{ "([{}]{2})" \}\}/g, '$1');
    expect(rendered).not.toMatch(/\{\{[^}]*\}\}/);
    expect(valuesOf(rendered)).toEqual(valuesOf(text));
  }
});

type Schema = Readonly<Record<string, unknown>>;

function valuesOf(text: string): unknown {
  return parseAllDocuments(text).map((document) => document.toJS() as unknown);
}

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
