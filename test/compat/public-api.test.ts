// The public API's surface as text: a change of it is a visible diff. After a change that is meant:
//   npx vitest run test/compat -u     (and a line in CHANGELOG.md)

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

test.each([
  { entry: 'runtime/index.ts', text: 'public-api.txt' },
  { entry: 'runtime/client/index.ts', text: 'public-api-client.txt' },
])('the public API of $entry is as it was committed', async ({ entry, text }) => {
  await expect(await surface(entry)).toMatchFileSnapshot(text);
});

/** Every export of `entry`, in the order of names, with its declaration as the compiler writes it. */
async function surface(entry: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-public-api-'));
  try {
    await declare(entry, folder);
    const index = join(folder, entry.replace(/\.ts$/, '.d.ts'));
    const exports = exportsOf(readFileSync(index, 'utf8')).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return (
      exports
        .map(({ name, from }) => declarationOf(name, readFileSync(resolve(dirname(index), from.replace(/\.ts$/, '.d.ts')), 'utf8')))
        .join('\n\n') + '\n'
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function declare(entry: string, outDir: string): Promise<void> {
  const config = join(outDir, 'tsconfig.json');
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    removeComments: true,
    outDir,
    rootDir: root,
    typeRoots: [join(root, 'node_modules/@types')],
  };
  writeFileSync(config, JSON.stringify({ extends: join(root, 'tsconfig.json'), compilerOptions, include: [], files: [join(root, entry)] }));
  const tsc = fileURLToPath(new URL('./bin/tsc', import.meta.resolve('typescript/package.json')));
  return new Promise((done, failed) => {
    execFile(process.execPath, [tsc, '-p', config, '--pretty', 'false'], { cwd: root, timeout: 240_000 }, (error, stdout) => {
      // Type errors are for the type check to report; declarations are written all the same.
      if (existsSync(join(outDir, entry.replace(/\.ts$/, '.d.ts')))) done();
      else failed(new Error(`tsc wrote no declarations: ${stdout}`, { cause: error }));
    });
  });
}

function exportsOf(index: string): { readonly name: string; readonly from: string }[] {
  return [...index.matchAll(/export (?:type )?\{([^}]*)\} from '([^']*)'/g)].flatMap(([, names = '', from = '']) =>
    names
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .map((name) => ({ name, from })),
  );
}

/** The declarations of `name` (several: overloads): each up to the next one that begins a line. */
function declarationOf(name: string, text: string): string {
  const blocks = text.split(/\n(?=(?:export|declare|import|type|interface|\/\/) ?)/);
  const found = blocks.filter((block) => new RegExp(`^export (?:declare )?(?:function|class|type|interface|const) ${name}\\b`).test(block));
  expect(found, `the declaration of ${name}`).not.toEqual([]);
  return found.map((block) => block.trimEnd()).join('\n');
}
