// The guide's blocks are one job in two languages: each form must be valid, and both must have the same stages and sinks.

import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkJobText } from '../../runtime/plan/check.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const guide = readFileSync(join(root, 'docs/guide/declaring-a-job.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'millrace-guide-'));
afterAll(() => rmSync(folder, { recursive: true }));

const yamlJob = { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'shop' }, spec: mergedSpec(blocks('yaml')) };

test('the YAML blocks are a valid job without warnings', () => {
  const { mistakes, warnings } = checkJobText(JSON.stringify(yamlJob), { file: 'guide', parameters: {} });
  expect([mistakes, warnings]).toEqual([[], []]);
});

test('the TypeScript blocks compile', async () => {
  writeFileSync(join(folder, 'shop.ts'), blocks('ts').join('\n'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const paths = { millrace: [join(root, 'runtime/index.ts')] };
  const compilerOptions = { paths, typeRoots: [join(root, 'node_modules/@types')] };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files: ['shop.ts'] }),
  );
  const told = await run([
    fileURLToPath(new URL('./bin/tsc', import.meta.resolve('typescript/package.json'))),
    '-p',
    folder,
    '--pretty',
    'false',
    '--listFiles',
  ]);
  expect(told.split('\n').filter((line) => line.includes('shop.ts'))).toEqual([join(folder, 'shop.ts')]);
}, 300_000);

test('the TypeScript blocks are a valid job with the sinks and named stages of the YAML blocks', async () => {
  const loader = join(root, 'runtime/adapters/node/load-job.ts');
  const script = `import { loadJob } from ${JSON.stringify(loader)};
    const { job } = await loadJob('shop.ts', { parameters: {} });
    console.log(JSON.stringify({ stages: job.spec.stages.map(({ name }) => name), sinks: job.spec.sinks.map(({ name }) => name) }));`;
  const built = JSON.parse(await run(['--input-type=module', '--eval', script])) as Record<'stages' | 'sinks', string[]>;
  const names = (list: 'stages' | 'sinks'): string[] => yamlJob.spec[list]?.map(({ name }) => name) ?? [];
  expect(built.sinks).toEqual(names('sinks'));
  // The builder types each side of the merge before the machine; YAML merges first.
  expect(built.stages.map((name) => (name === 'ordered' ? 'steps' : name)).filter((name) => name !== 'settled')).toEqual(names('stages'));
});

function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);
}

function mergedSpec(texts: readonly string[]): Record<string, { name: string }[]> {
  const spec: Record<string, { name: string }[]> = {};
  for (const text of texts)
    for (const [key, list] of Object.entries(parse(text) as typeof spec)) spec[key] = [...(spec[key] ?? []), ...list];
  return spec;
}

/** What Node prints when it runs these arguments in the folder; also when it ends with a failure, which then says why. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: folder, timeout: 240_000 }, (_error, stdout, stderr) => done(stdout === '' ? stderr : stdout));
  });
}
