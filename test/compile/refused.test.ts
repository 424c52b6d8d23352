// What a user may not write fails to compile, with a sentence that they can read.
//
// Each file of refused/ holds one misuse; its first line says what the compiler's first message must contain.
// To add one: write the misuse, run this test, and judge the message it shows as a user would.

import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const folder = fileURLToPath(new URL('./refused/', import.meta.url));
const fixtures = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const told = messagesByFile(await compile());

test.each(fixtures)('%s is refused with its sentence', (fixture) => {
  const [first = ''] = readFileSync(`${folder}${fixture}`, 'utf8').split('\n');
  const messages = told.get(fixture) ?? ['it compiles'];
  expect(messages[0]).toContain(first.replace(/^\/\/ /, ''));
  expect(messages, 'one misuse, one message').toHaveLength(1);
});

test('every message belongs to a fixture', () => {
  expect([...told.keys()].filter((file) => !fixtures.includes(file))).toEqual([]);
});

/** What tsc prints about the fixtures. */
function compile(): Promise<string> {
  const tsc = fileURLToPath(new URL('./bin/tsc', import.meta.resolve('typescript/package.json')));
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [tsc, '-p', folder, '--pretty', 'false'],
      { cwd: folder, timeout: 240_000, maxBuffer: 16_777_216 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(new Error(`tsc did not run: ${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
}

/** Messages (with their indented details) of files in the folder; those of the code that they import are not ours to judge. */
function messagesByFile(output: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const message of output.split(/\n(?=\S)/)) {
    const file = /^([\w-]+\.ts)\(\d+,\d+\): error /.exec(message)?.[1];
    if (file !== undefined) found.set(file, [...(found.get(file) ?? []), message.replaceAll('\\"', '"')]);
  }
  return found;
}
