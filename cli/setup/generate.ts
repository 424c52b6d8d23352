// Rewrites everything that is generated: `npm run generate`. A tidy test fails when it was forgotten.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { generatedFiles } from './generated-files.ts';

const repository = resolve(import.meta.dirname, '../..');

for (const [path, text] of Object.entries(await generatedFiles())) {
  await mkdir(dirname(join(repository, path)), { recursive: true });
  await writeFile(join(repository, path), text);
  console.log(path);
}
