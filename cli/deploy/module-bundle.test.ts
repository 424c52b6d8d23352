// Modules in folders of their own, bundled by the real esbuild.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { bundleModule } from './module-bundle.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-bundle-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bundles `files['job.ts']` in a folder of its own. */
async function bundle(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const place = join(folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(place, path, '..'), { recursive: true });
    await writeFile(join(place, path), text);
  }
  return bundleModule(join(place, 'job.ts'));
}

const parts = {
  'job.ts': `import { job } from 'millrace';\nimport { setup } from 'xstate';\nimport { twice } from './parts/twice.ts';\nimport rows from './rows.json' with { type: 'json' };\nimport { pad } from 'pad';\nexport const made = [job, setup, twice(rows.length), pad('ü')];`,
  'parts/twice.ts': 'export const twice = (value: number): number => value * 2;',
  'rows.json': '[1, 2, 3]',
  'node_modules/pad/package.json': '{ "name": "pad", "version": "1.0.0", "main": "pad.js" }',
  'node_modules/pad/pad.js': 'exports.pad = (text) => text.padStart(8);',
};

test('what the module imports is inside, and millrace and xstate stay imports', async () => {
  const text = await bundle('parts', parts);
  expect(text.match(/^import .*$/gm)).toEqual(['import { job } from "millrace";', 'import { setup } from "xstate";']);
  for (const inside of ['value * 2', 'padStart(8)', '"ü"']) expect(text).toContain(inside);
});

test('the same sources give the same bytes in another folder, whatever lies around it', async () => {
  const text = await bundle('one', parts);
  await mkdir(join(folder, 'deep/er'), { recursive: true });
  await writeFile(join(folder, 'deep/tsconfig.json'), '{ "compilerOptions": { "target": "es5", "jsx": "react", "alwaysStrict": true } }');
  await cp(join(folder, 'one'), join(folder, 'deep/er/two'), { recursive: true });
  expect(await bundleModule(join(folder, 'deep/er/two/job.ts'))).toBe(text);
  expect(text).not.toContain(folder);
  expect(text).not.toMatch(/\d{4}-\d\d-\d\d|\d{13}/);
});

test.each([
  {
    fact: 'an import that is not there',
    text: "import { x } from './nowhere.ts';\nexport { x };",
    says: [/Could not resolve "\.\/nowhere\.ts"/, /job\.ts/],
  },
  { fact: 'a package that is not there', text: "export * from 'no-such-package';", says: [/Could not resolve "no-such-package"/] },
  {
    fact: 'what a worker does not have',
    text: "export * from 'millrace/testing';",
    says: [/millrace\/testing is not there in a worker/, /import from 'millrace'/],
  },
  {
    fact: 'several mistakes, all at once',
    text: "export * from './a.ts';\nexport * from './b.ts';",
    says: [/2 mistakes/, /\.\/a\.ts/, /\.\/b\.ts/],
  },
])('refuses $fact', async ({ fact, text, says }) => {
  const error = await bundle(`bad-${fact.replaceAll(' ', '-')}`, { 'job.ts': text }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(BadDeclaration);
  for (const part of says) expect((error as Error).message).toMatch(part);
});
