import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claim, startedOf } from './lock.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('who comes second is told who came first', () => {
  expect(claim(folder, 'run', 'the first')).toMatchObject({ kind: 'mine', before: null });
  expect(claim(folder, 'run')).toMatchObject({ kind: 'held', by: { pid: process.pid, note: 'the first' } });
});

test('a released lock is free, and its old file is gone', () => {
  const first = claim(folder, 'run');
  if (first.kind === 'mine') first.release();
  expect(claim(folder, 'run')).toMatchObject({ kind: 'mine', before: null });
  expect(readdirSync(folder)).toEqual(['run.2.lock']);
});

test('the note can be changed while it is held', () => {
  const first = claim(folder, 'run');
  if (first.kind === 'mine') first.note('port 4222');
  expect(claim(folder, 'run')).toMatchObject({ kind: 'held', by: { note: 'port 4222' } });
});

test('locks of other names in the same folder are others', () => {
  claim(folder, 'run');
  expect(claim(folder, 'run.2')).toMatchObject({ kind: 'mine' });
  expect(claim(folder, 'setup')).toMatchObject({ kind: 'mine' });
});

test('a dead owner is followed, and its note is known', () => {
  const ended = spawnSync(process.execPath, ['-e', '']).pid;
  leave({ pid: ended, started: null, note: 'port 4222' });
  expect(claim(folder, 'run')).toMatchObject({ kind: 'mine', before: { pid: ended, note: 'port 4222' } });
});

test.runIf(startedOf(process.pid) !== null)('an owner whose process id was given to another process is dead', () => {
  leave({ pid: process.pid, started: 'another boot:1', note: '' });
  expect(claim(folder, 'run')).toMatchObject({ kind: 'mine', before: { pid: process.pid } });
});

test('of many processes that follow the same dead owner one has the lock', async () => {
  leave({ pid: spawnSync(process.execPath, ['-e', '']).pid, started: null, note: '' });
  const program = `import { claim } from ${JSON.stringify(new URL('./lock.mjs', import.meta.url).href)};
    const claimed = []; for (let i = 0; i < 20; i++) claimed.push(claim(process.argv[1], 'run').kind);
    console.log(claimed.includes('mine')); process.stdin.resume();`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program, folder], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  const said = await Promise.all(children.map(async (child) => String(((await once(child.stdout, 'data')) as [Buffer])[0]).trim()));
  for (const child of children) child.kill('SIGKILL');
  expect(said.filter((one) => one === 'true')).toHaveLength(1);
});

function leave(owner: { readonly pid: number; readonly started: string | null; readonly note: string }): void {
  writeFileSync(join(folder, 'run.1.lock'), JSON.stringify({ ...owner, sinceMs: 0, released: false }));
}
