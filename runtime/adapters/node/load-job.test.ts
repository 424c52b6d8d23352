// Job files of every kind, good and bad, loaded by a real Node (modules must not go through the test runner's loader).

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'millrace-load-job-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const yaml =
  'apiVersion: millrace.dev/v1alpha1\nkind: StreamJob\nmetadata: { name: texts }\nspec:\n  parameters: [{ name: dir, default: data }]\n  sources: [{ name: a, file: { path: "${dir}/a.ndjson" } }]\n  sinks: [{ name: b, from: a, file: { path: b.ndjson } }]\n';
const module = (body: string): string => `import { file, job } from 'millrace';\n${body}`;
const declare = (name: string): string =>
  `job('${name}', (j) => void j.source('a', file({ path: j.parameter('dir', { default: 'data' }) + '/a.ndjson' })).toFile('b.ndjson'))`;

const files: Record<string, string> = {
  'good.yaml': yaml,
  'bad.yaml': yaml.replace('from: a', 'from: aa').replace('ndjson" } }', 'ndjson", form: csv } }'),
  'job.ts': module(`type Unused = string;\nexport const job_: Unused = 'x';\nexport { made as job };\nconst made = ${declare('typed')};`),
  'default.mjs': module(`export default ${declare('untyped')};`),
  'only.ts': module(`export const other: number = 1;\nexport const anyName = ${declare('only')};`),
  'value.ts': `export const job = { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'value' }, spec: { parameters: [{ name: 'dir', default: 'data' }], sources: [{ name: 'a', file: { path: '\${dir}/a.ndjson' } }], sinks: [{ name: 'b', from: 'a', file: { path: 'b' } }] } };`,
  'none.ts': 'export const x = 1; export const y = 2;',
  'several.ts': module(`export const one = ${declare('one')}; export const two = ${declare('two')};`),
  'wrong.ts': 'export const job = 7;',
  'throws.ts': "const a = 1;\nthrow new RangeError('the moon is full');\nexport const job = a;",
  'throws-text.ts': "throw 'just a text';\n",
  'imports.ts': "import { nothing } from './nowhere.ts';\nexport const job = nothing;",
  'syntax.ts': 'export const job = (;',
  'mistakes.ts': module(
    "export const hello = job('mistakes', (j) => { const s = j.source('a', file({ path: 'x' })); s.filter(() => true); s.map((e) => e).as('a'); });",
  ),
  'invalid.ts': module("export const hello = job('invalid', (j) => void j.source('a', file({ path: 'x' })).toFile('../outside'));"),
  'job.txt': '',
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

type Case = { fact: string; file: string; set?: Readonly<Record<string, string>>; says: string[] };

const good: Case[] = [
  { fact: 'YAML', file: 'good.yaml', says: ['job texts', 'yaml', 'data/a.ndjson'] },
  { fact: 'a TypeScript module with the export job', file: 'job.ts', says: ['job typed', 'typescript', 'data/a.ndjson'] },
  { fact: 'a JavaScript module with a default export', file: 'default.mjs', says: ['job untyped', 'typescript'] },
  { fact: 'a module whose only job has another name', file: 'only.ts', says: ['job only', 'typescript'] },
  { fact: 'a module that exports the plain value', file: 'value.ts', says: ['job value', 'typescript', 'data/a.ndjson'] },
  { fact: 'a parameter given for a module', file: 'job.ts', set: { dir: 'elsewhere' }, says: ['elsewhere/a.ndjson'] },
  { fact: 'a parameter given for a value', file: 'value.ts', set: { dir: 'elsewhere' }, says: ['elsewhere/a.ndjson'] },
];
const bad: Case[] = [
  { fact: 'mistakes of form and of meaning at once', file: 'bad.yaml', says: ['bad.yaml: 2 mistakes', 'form', 'did you mean "a"?'] },
  { fact: 'a file that is not there', file: 'missing.yaml', says: ['MR1001', 'ENOENT'] },
  { fact: 'a file of another kind', file: 'job.txt', says: ['YAML, JSON or a TypeScript module, not *.txt'] },
  { fact: 'a module without a job', file: 'none.ts', says: ['exports no job, only x, y'] },
  { fact: 'a module with several jobs', file: 'several.ts', says: ['several jobs: one, two'] },
  { fact: 'an export that is no job', file: 'wrong.ts', says: ['export job: it is the number 7, not a job'] },
  { fact: 'a module that throws', file: 'throws.ts', says: ['line 2:', 'RangeError: the moon is full'] },
  { fact: 'a module that throws no error', file: 'throws-text.ts', says: ['it threw just a text'] },
  { fact: 'a module whose import is missing', file: 'imports.ts', says: ['nowhere.ts'] },
  { fact: 'a module that does not parse', file: 'syntax.ts', says: ['the module cannot be loaded'] },
  {
    fact: 'mistakes of the builder, all at once',
    file: 'mistakes.ts',
    says: ['2 mistakes', 'nothing follows this filter', 'the name "a" was given twice'],
  },
  { fact: 'what only the rules of the planner see', file: 'invalid.ts', says: ['invalid.ts: 1 mistake', '../outside'] },
  { fact: 'a parameter that the job does not have', file: 'job.ts', set: { dirr: 'x' }, says: ['--set gives a value to "dirr"', 'dir'] },
];
const shown = await loadAll([...good, ...bad]);

test.each(good)('loads $fact', (one) => {
  for (const part of [...one.says, folder]) expect(shown.get(one)).toContain(part);
});

test.each(bad)('refuses $fact', (one) => {
  for (const part of one.says) expect(shown.get(one)).toContain(part);
});

/** What loading shows, a line a case: the job, or the message of the error with its name. */
function loadAll(cases: readonly Case[]): Promise<ReadonlyMap<Case, string>> {
  const loader = fileURLToPath(new URL('./load-job.ts', import.meta.url));
  const script = `
    const { loadJob } = await import(${JSON.stringify(loader)});
    const show = ({ job, baseDir, kind }) => ['job', job.metadata.name, kind, baseDir, JSON.stringify(job)].join(' ');
    for (const { file, set = {} } of ${JSON.stringify(cases)}) {
      const shown = await loadJob(file, { parameters: set }).then(show, (error) => error.name + ' ' + error.message);
      console.log(JSON.stringify(shown));
    }`;
  return new Promise((done, failed) => {
    execFile(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder, timeout: 100_000 }, (error, stdout) => {
      const lines = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as string);
      if (error === null) done(new Map(cases.map((one, index) => [one, lines[index] ?? 'nothing'])));
      else failed(error);
    });
  });
}
