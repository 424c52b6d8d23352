// A job in a folder of a user's own, as the README says: `npm install` of a folder makes a link, and its tsconfig.json is enough.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'millrace-own-'));
const [, compilerOptions = ''] = /^```json\n(.*?)^```$/ms.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
const run = promisify(execFile);
const tsc = fileURLToPath(new URL('./bin/tsc', import.meta.resolve('typescript/package.json')));

beforeAll(() => {
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/millrace'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
  symlinkSync(join(root, 'node_modules/xstate'), join(folder, 'node_modules/xstate'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), compilerOptions);
  cpSync(join(root, 'examples/hello/job.ts'), join(folder, 'job.ts'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('its types are known: of a right job and a wrong one the wrong one is told', async () => {
  const wrong = readFileSync(join(folder, 'job.ts'), 'utf8').replace("keyBy('page')", "keyBy('pag')");
  writeFileSync(join(folder, 'wrong.ts'), wrong);
  const { stdout } = (await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false']).catch((error: unknown) => error)) as {
    stdout: string;
  };
  expect(stdout.split('\n').filter((line) => line.includes('error TS'))).toEqual([
    expect.stringMatching(/wrong\.ts\(\d+,\d+\): .*no field .*pag/),
  ]);
}, 300_000);

test('the command that npm links finds Millrace in its folder', async () => {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { millrace: string } };
  const command = join(folder, 'node_modules/millrace', bin.millrace);
  expect((await run(process.execPath, [command, 'validate', 'job.ts'], { cwd: folder })).stdout).toBe('job.ts: ok, job hello\n');
}, 300_000);
