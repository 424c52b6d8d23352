// V8 writes down all machine code that it makes, in one file for each thread.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SHARED_PIECE = 'wasm-to-js';

/** For each thread that has loaded a worker from its sources, the main one included: how many pieces of code it has made that threads share. */
function sharedPieces(begin: string): readonly number[] {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-thread-'));
  try {
    const program = join(dir, 'program.mjs');
    const worker = new URL('../../start-worker.ts', import.meta.url).href;
    writeFileSync(join(dir, 'load.mjs'), `await import('${worker}');`);
    writeFileSync(program, `${begin}\nfor (let n = 0; n < 2; n++) begin(new URL('./load.mjs', import.meta.url), {});`);
    execFileSync(process.execPath, ['--log-code', `--logfile=${join(dir, 'v8.log')}`, program], { cwd: dir, stdio: 'ignore' });
    const logs = readdirSync(dir).filter((name) => name.endsWith('v8.log'));
    return logs.map((name) => readFileSync(join(dir, name), 'utf8').split(SHARED_PIECE).length - 1).toSorted((left, right) => left - right);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test('threads that load TypeScript make none of the code that V8 may free twice, which they would make otherwise', () => {
  const thread = new URL('./begin-thread.ts', import.meta.url).href;
  const ours = sharedPieces(`import { beginThread as begin } from '${thread}';`);
  const others = sharedPieces(`import { Worker } from 'node:worker_threads';\nconst begin = (program) => new Worker(program);`);
  expect(ours).toEqual([0, 0, 0]);
  expect(others.filter((pieces) => pieces > 0).length).toBeGreaterThanOrEqual(1);
});
