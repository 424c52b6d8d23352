// Jobs of every kind packaged, modules by a real Node (they must not go through the test runner's loader), and read back as the
// operator and a worker read them.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { packageJob, type JobPackage } from './job-package.ts';
import { PACKAGE_FILES, packageFiles } from './package-files.ts';
import { writePackage } from './write-package.ts';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const CHECK = fileURLToPath(new URL('../../test/support/bundle-check.ts', import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-package-'));
  await mkdir(join(folder, 'data'));
  await writeFile(join(folder, 'data', 'rows.csv'), 'a,b\n1,2\n');
  await writeFile(join(folder, 'data', 'large.csv'), `a\n${'1\n'.repeat(450_001)}`);
  for (const [name, text] of Object.entries(jobs)) await writeFile(join(folder, name), text);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const yaml = (spec: string, more = ''): string =>
  `apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: words, namespace: demo, labels: { team: a } }\nspec:\n  parameters: [{ name: file, default: data/rows.csv }, { name: n, default: '3' }, { name: where, default: here }]\n${spec}${more}`;
const module = (body: string): string =>
  `import { count, file, job, nats, tumbling } from 'millrace';\nimport { limit } from './limit.ts';\n${body}`;

const jobs: Readonly<Record<string, string>> = {
  'words.yaml': yaml(
    "  partitions: ${n}\n  sources: [{ name: rows, file: { path: '${file}', format: csv } }]\n  tables: [{ name: t, file: { path: data/rows.csv, format: csv }, key: row.a }]\n  sinks: [{ name: out, from: rows, nats: { subject: 'out.${where}' } }]\n  values: { where: there }\n  replicas: 2\n",
  ),
  'bad.yaml': yaml(
    '  sources: [{ name: a, file: { path: data/large.csv } }, { name: b, file: { path: data/nowhere.csv } }, { name: d, file: { path: data } }]\n  sinks: [{ name: c, from: a, file: { path: c.ndjson } }]\n',
  ),
  'elsewhere.yaml': yaml(
    '  sources: [{ name: a, file: { path: there.csv, format: csv } }]\n  workers: { files: [{ configMap: mine }], env: [{ name: A, value: b }] }\n',
  ),
  'values.yaml': yaml("  description: 'reads ${file}'\n  sources: [{ name: a, file: { path: '${file}', format: csv } }]\n"),
  'limit.ts': 'export const limit = (): number => 2;\n',
  'words.ts': module(
    "type Row = { a: string; b: string };\nexport const words = job('words', (j) => {\n  const wish = j.parameter('wish', { default: 'x' });\n  const rows = j.source('rows', file<Row>({ path: j.parameter('file', { default: 'data/rows.csv' }), format: 'csv' }));\n  rows.filter((row: Row) => Number(row.a) > limit()).map((row) => ({ a: row.a, text: '${wish}' })).keyBy((row) => row.a).aggregate({ n: count({ where: (row) => row.text !== '' }) }).toNats(`out.${wish}`);\n});\n",
  ),
  'beside.ts': module(
    "import { readFileSync } from 'node:fs';\nconst text = readFileSync(new URL('./limit.ts', import.meta.url), 'utf8');\nexport const beside = job('beside', (j) => void j.source('a', nats({ subjects: ['a'] })).filter(() => text !== '' && limit() > 0).toNats('b'));\n",
  ),
};

test('a YAML job goes along as it was written, with its file beside it', async () => {
  const { streamJob, configMaps, namespace, notes } = await packaged('words.yaml', { set: { n: '5' } });
  const [map] = configMaps;
  expect(streamJob).toEqual({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'words', labels: { team: 'a' } },
    spec: {
      parameters: [{ name: 'where', default: 'here' }],
      values: { where: 'there' },
      partitions: 5,
      replicas: 2,
      sources: [{ name: 'rows', file: { path: 'rows.csv', format: 'csv' } }],
      tables: [{ name: 't', file: { path: 'rows.csv', format: 'csv' }, key: 'row.a' }],
      sinks: [{ name: 'out', from: 'rows', nats: { subject: 'out.${where}' } }],
      workers: { files: [{ configMap: map?.metadata.name }] },
    },
  });
  expect(namespace).toBe('demo');
  expect(map).toMatchObject({ binaryData: { 'rows.csv': Buffer.from('a,b\n1,2\n').toString('base64') } });
  expect(notes).toEqual([expect.stringContaining('the parameter "n" is put in place')]);
  const { spec } = parseStreamJob(JSON.stringify(streamJob), { file: 'job', parameters: { where: 'there' } });
  expect(spec).toMatchObject({ partitions: 5, sinks: [{ nats: { subject: 'out.there' } }] });
});

test('a name and a namespace that are given take the place of those in the job', async () => {
  const files = packageFiles(await packaged('words.yaml', { name: 'other', namespace: 'prod' }));
  const metadata = (name: string): unknown => (parse(files[name] ?? '') as Written).metadata;
  expect(metadata('stream-job.yaml')).toEqual({ name: 'other', namespace: 'prod', labels: { team: 'a' } });
  expect(metadata('files.configmap.yaml')).toMatchObject({ name: expect.stringMatching(/^other-files-/) as string, namespace: 'prod' });
  expect(parse(files['kustomization.yaml'] ?? '')).toMatchObject({
    namespace: 'prod',
    resources: ['files.configmap.yaml', 'stream-job.yaml'],
  });
});

test('a file that is not here is one of the ConfigMap that the job names', async () => {
  const { streamJob, configMaps, notes } = await packaged('elsewhere.yaml');
  expect(streamJob['spec']).toMatchObject({ workers: { files: [{ configMap: 'mine' }], env: [{ name: 'A', value: 'b' }] } });
  expect(configMaps).toEqual([]);
  expect(notes).toEqual(['source "a" reads there.csv, which is not here: it must be in the ConfigMap mine']);
});

test('a value that named a file here names it as workers see it', async () => {
  const { streamJob } = await packaged('values.yaml', { set: { file: join(folder, 'data', 'rows.csv') } });
  expect(streamJob['spec']).toMatchObject({
    description: 'reads ${file}',
    values: { file: 'rows.csv' },
    sources: [{ file: { path: 'rows.csv' } }],
  });
});

test('a TypeScript job has marks for its functions, and a worker finds them in its bundle', async () => {
  expect(await build('words.ts', 'out-words', '--set', 'wish=$${x}-y')).toMatchObject({ code: 0, stderr: '' });
  const job = await read('out-words', 'stream-job.yaml');
  const spec = job.spec as { code: { configMap: string }; values: unknown; stages: object[] };
  expect(JSON.stringify(spec.stages).match(/"@code:[0-9a-f]{32}"/g)).toHaveLength(4);
  expect(spec.values).toEqual({ wish: '$${x}-y' });
  expect(spec).not.toHaveProperty('replicas');
  expect((await read('out-words', 'code.configmap.yaml')).metadata.name).toBe(spec.code.configMap);
  // The real loader of workers, in a process of its own; and the operator, which reads the texts once more.
  const checked = await run([CHECK, 'out-words/stream-job.yaml', 'out-words/code.configmap.yaml']);
  expect(checked.stderr).toBe('');
  expect(JSON.parse(checked.stdout)).toEqual({ subject: 'out.$${x}-y', passes: [false, true], text: '${wish}' });
});

test('the same sources in another folder give the same files', async () => {
  const twin = join(folder, 'twin');
  await mkdir(twin);
  for (const name of ['words.ts', 'limit.ts', 'data']) await cp(join(folder, name), join(twin, name), { recursive: true });
  for (const [file, out] of [
    ['words.ts', 'out-1'],
    ['twin/words.ts', 'out-2'],
  ] as const)
    expect((await build(file, out)).code).toBe(0);
  for (const name of Object.values(PACKAGE_FILES))
    expect(await readFile(join(folder, 'out-2', name), 'utf8')).toBe(await readFile(join(folder, 'out-1', name), 'utf8'));
});

test('all that a cluster cannot have is told at once', async () => {
  const message = await refusal('bad.yaml');
  for (const part of [
    'bad.yaml: 4 mistakes',
    'spec.sources[0].file.path: source "a" reads data/large.csv of 900004 bytes, and a ConfigMap holds 900000',
    'spec.sources[1].file.path: source "b" reads data/nowhere.csv, which is not here',
    'spec.sources[2].file.path: source "d" reads data, which is no regular file',
    'spec.sinks[0].file: sink "c" writes a file, and pods have no lasting file system',
  ])
    expect(message).toContain(part);
});

test.each([
  { fact: 'a name that is none', wish: { name: 'Words' }, says: '--name: "Words" must be lower-case' },
  { fact: 'a namespace that is none', wish: { namespace: 'a_b' }, says: '--namespace: "a_b" must be the name of a Kubernetes object' },
])('$fact is refused', async ({ wish, says }) => expect(await refusal('words.yaml', wish)).toContain(says));

test('a module that reads a file beside it is refused, and nothing is written: a worker has only the bundle', async () => {
  const { code, stderr } = await build('beside.ts', 'out-bad');
  expect(code).toBe(2);
  expect(stderr).toMatch(/once bundled into one file it cannot be loaded: .*ENOENT[\s\S]*read no files/);
  expect(existsSync(join(folder, 'out-bad'))).toBe(false);
});

test('files of somebody else are left alone, those of an earlier build go', async () => {
  const out = join(folder, 'again');
  await writePackage(out, packageFiles({ ...(await packaged('words.yaml')), namespace: null }));
  await writeFile(join(out, 'notes.md'), 'mine');
  await writePackage(out, packageFiles(await packaged('elsewhere.yaml')));
  expect((await readdir(out)).toSorted()).toEqual(['kustomization.yaml', 'notes.md', 'stream-job.yaml']);
  await writeFile(join(out, 'stream-job.yaml'), 'kind: StreamJob\n');
  const refused = writePackage(out, packageFiles(await packaged('words.yaml')));
  await expect(refused).rejects.toThrow('stream-job.yaml: was not made by `millrace build`');
  expect(await readFile(join(out, 'stream-job.yaml'), 'utf8')).toBe('kind: StreamJob\n');
});

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };
type Written = { readonly metadata: { readonly name: string }; readonly spec?: unknown; readonly [field: string]: unknown };
type Wish = { readonly set?: Readonly<Record<string, string>>; readonly name?: string; readonly namespace?: string };

function packaged(file: string, { set = {}, name, namespace }: Wish = {}): Promise<JobPackage> {
  return packageJob(join(folder, file), { parameters: set, name: name ?? null, namespace: namespace ?? null });
}

function refusal(file: string, wish?: Wish): Promise<unknown> {
  return packaged(file, wish).then(
    () => 'it was packaged',
    (error: unknown) => (error instanceof Error ? error.message : error),
  );
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [...args], { cwd: folder, timeout: 100_000 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

function build(file: string, out: string, ...args: readonly string[]): Promise<Ended> {
  return run([MAIN, 'build', file, '-o', out, ...args]);
}

async function read(out: string, name: string): Promise<Written> {
  return parse(await readFile(join(folder, out, name), 'utf8')) as Written;
}
