// What YAML and TypeScript can both say: each row is one job in both, and they are one value and one plan. All options of the schema are in
// a row, or say why not.

import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { streamJobSchema, type StreamJob } from '../../crds/stream-job/spec.ts';
import { job } from '../../runtime/job/job.ts';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { rows } from './equality-rows.ts';

const yamlOf = (name: string, text: string): string =>
  `apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: ${name} }\nspec:\n${text}`;

test.each(rows)('$fact: one value and one plan', ({ yaml, options, declare }) => {
  const declared = parseStreamJob(yamlOf('same', yaml), { file: 'same.yaml', parameters: {} });
  const built = job('same', options ?? {}, declare).build();
  expect(plain(built)).toEqual(plain(declared));
  const counts = { s: 1, t: 1, f: 1 };
  expect(plain(planJob(built, counts))).toEqual(plain(planJob(declared, counts)));
});

/** As it is stored: what is not there is not said. */
function plain(value: StreamJob | ReturnType<typeof planJob>): unknown {
  return JSON.parse(JSON.stringify(value));
}

// Why an option is in no row. A path stands for all that is below it.
const ELSEWHERE = 'it is about a cluster: with a job in TypeScript it stands in the StreamJob that millrace build writes';
const notSaid: Readonly<Record<string, string>> = {
  apiVersion: 'every job has it',
  kind: 'every job has it',
  metadata: 'every job has it',
  'spec.values': 'values of parameters: `build(values)`, --set',
  'spec.stages[].reduce': 'functions; YAML has a machine of one state (ADR 56)',
  'spec.stages[].xstate': 'functions; YAML has `machine`',
  'spec.stages[].lookup.code': 'a function',
  ...Object.fromEntries(['retries', 'backoff', 'backoffMax'].map((name) => [`spec.stages[].onError.${name}`, 'it is for functions'])),
  'spec.sinks[].file.format': 'there is one format, and it need not be said',
  'spec.pools[].scaling': "the builder's `pools` is of the schema's own type",
  'spec.pools[].workers': "the builder's `pools` is of the schema's own type",
  ...Object.fromEntries(
    ['tracing', 'replicas', 'scaling', 'suspend', 'upgrade', 'deletionPolicy', 'restoreFrom', 'code', 'workers'].map((name) => [
      `spec.${name}`,
      ELSEWHERE,
    ]),
  ),
};
// States lie in states, groups of a pattern in groups; transitions are one or a list, and actions are the same wherever they are: once is enough.
function canonical(path: string): string {
  return path
    .replace(/^(spec\.stages\[\]\.machine)(?:\.states\.\*)+/, '$1')
    .replace(/^(spec\.stages\[\]\.pattern\.steps\[\])(?:\.steps\[\])+/, '$1')
    .replace(/(\.machine\.(?:on\.\*|after\.\*|always|onDone))\[\]/, '$1')
    .replace(/(\.machine)\.(?:exit|(?:on\.\*|after\.\*|always|onDone)\.actions)\[\]/, '$1.entry[]');
}

test('each option of the schema is in a row, or says why it is not', () => {
  const said = new Set(rows.flatMap(({ yaml }) => pathsOf(parse(yamlOf('same', yaml)))).map(canonical));
  const missing = [...new Set(schemaPaths().map(canonical))].filter((path) => !said.has(path) && !isExcused(path));
  expect(missing).toEqual([]);
});

test('no option that is excused is in a row, and none that is gone', () => {
  const said = new Set(rows.flatMap(({ yaml }) => pathsOf(parse(yamlOf('same', yaml)))).map(canonical));
  const there = new Set(schemaPaths());
  const always = ['apiVersion', 'kind', 'metadata'];
  expect(Object.keys(notSaid).filter((path) => (said.has(path) && !always.includes(path)) || !there.has(path))).toEqual([]);
});

function isExcused(path: string): boolean {
  return Object.keys(notSaid).some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`));
}

type Shape = {
  readonly $ref?: string;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly allOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly additionalProperties?: Shape | boolean;
  readonly $defs?: Readonly<Record<string, Shape>>;
};

/** Every field that may be written: `spec.stages[].aggregate.*.sum`. */
function schemaPaths(): readonly string[] {
  const root = z.toJSONSchema(streamJobSchema, { io: 'input', unrepresentable: 'any' }) as Shape;
  const found = new Set<string>();
  const walk = (shape: Shape, path: string, within: readonly string[]): void => {
    if (shape.$ref !== undefined) {
      const name = shape.$ref.split('/').at(-1) ?? '';
      const target = root.$defs?.[name];
      if (target !== undefined && !within.includes(name)) walk(target, path, [...within, name]);
      return;
    }
    for (const one of [...(shape.anyOf ?? []), ...(shape.oneOf ?? []), ...(shape.allOf ?? [])]) walk(one, path, within);
    for (const [name, child] of Object.entries(shape.properties ?? {})) {
      const at = path === '' ? name : `${path}.${name}`;
      found.add(at);
      walk(child, at, within);
    }
    if (shape.items !== undefined) walk(shape.items, `${path}[]`, within);
    if (typeof shape.additionalProperties === 'object') walk(shape.additionalProperties, `${path}.*`, within);
  };
  walk(root, '', []);
  return [...found];
}

/** Every field that is written, and the same with `*` for each name on the way. */
function pathsOf(value: unknown): readonly string[] {
  const found = new Set<string>();
  const walk = (one: unknown, paths: ReadonlySet<string>): void => {
    if (Array.isArray(one)) for (const item of one) walk(item, new Set([...paths].map((path) => `${path}[]`)));
    else if (typeof one === 'object' && one !== null)
      for (const [name, child] of Object.entries(one)) {
        const below = new Set([...paths].flatMap((path) => (path === '' ? [name] : [`${path}.${name}`, `${path}.*`])));
        for (const path of below) found.add(path);
        walk(child, below);
      }
  };
  walk(value, new Set(['']));
  return [...found];
}
