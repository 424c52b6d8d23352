// `millrace dev` from outside: what a change of a file does to a run that has ended, to one that goes on, and to one that never began.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endCommands, startCommand, type Command } from '../support/command.ts';

const EVENTS = 400;
const MINUTE_MS = 60_000;

const IMPORTED = './least.ts';
const JOB = `
import { count, file, job, tumbling } from 'millrace';
import { LEAST } from '${IMPORTED}';

export const numbers = job('numbers', (j) => {
  const schema = { n: 'int', at: 'timestamp' } as const;
  const all = j.source('all', file({ path: 'numbers.ndjson', schema, eventTime: { at: 'at', maxOutOfOrder: '0s' } }));
  all
    .filter((event) => event.n >= LEAST)
    .keyBy((event) => String(event.n))
    .window(tumbling('1m'))
    .aggregate({ events: count() })
    .toFile('found.ndjson');
});
`;

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-dev-'));
  const lines = Array.from({ length: EVENTS }, (_event, n) => JSON.stringify({ n, at: new Date(1e12 + n * MINUTE_MS).toISOString() }));
  await writeFile(join(folder, 'numbers.ndjson'), `${lines.join('\n')}\n`);
  await writeFile(join(folder, 'job.ts'), JOB);
  await write('least.ts', 'export const LEAST = 10;\n');
});

afterEach(async () => {
  await endCommands();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('a module that the job imports is changed, with a mistake at first: the job runs again, and is served between', async () => {
  const dev = startDev();
  await untilSaid(dev, 'the run is completed; its console stays at', 1);
  expect(await found()).toBe(EVENTS - 10);
  const [, url = ''] = /its console stays at (\S+),/.exec(dev.stdout()) ?? [];
  expect((await fetch(url)).status).toBe(200);

  await write('least.ts', 'export const LEAST = ;\n');
  await untilSaid(dev, 'dev: waiting for a change of one of 2 files', 1);
  await write('least.ts', 'export const LEAST = 100;\n');
  await untilSaid(dev, 'the run is completed; its console stays at', 2);
  expect(await found()).toBe(EVENTS - 100);

  dev.child.kill('SIGINT');
  expect((await dev.ended).code).toBe(0);
});

test('a change beside a run that is under way: it goes on from where it was, or says why it starts over', async () => {
  const dev = startDev('--speed', '600x'); // ten minutes of events a second: 40 s
  await expect.poll(found).toBeGreaterThan(20);
  await write('least.ts', 'export const LEAST = 200;\n');
  await untilSaid(dev, 'going on with numbers', 1);
  expect(dev.stdout()).toContain('dev: least.ts has changed: running it again');

  await write('job.ts', JOB.replace("tumbling('1m')", "tumbling('2m')"));
  await untilSaid(dev, 'it starts over, since the run before does not fit: ', 1);
  dev.child.kill('SIGTERM');
  expect((await dev.ended).code).toBe(130);

  const killed = startDev('--speed', '600x', '--fresh');
  await untilSaid(killed, 'running numbers', 1);
  killed.child.kill('SIGKILL');
  await killed.ended;
  // Its run has ended with it: nobody else may run a job that somebody runs.
  const next = startDev('--fresh');
  await untilSaid(next, 'the run is completed', 1);
});

function startDev(...more: readonly string[]): Command {
  // What `dev` says itself and what its runs say, in the order in which it was said.
  const under = ['sh', '-c', 'exec "$0" "$@" 2>&1'];
  return startCommand(['dev', 'job.ts', '--console', '0', ...more], { cwd: folder, under });
}

async function untilSaid(dev: Command, text: string, times: number): Promise<void> {
  await expect.poll(() => dev.stdout()).toSatisfy((said: string) => said.split(text).length > times, `it says: ${text}`);
}

/** How many lines there are. */
async function found(): Promise<number> {
  return (await readFile(join(folder, 'out', 'numbers', 'found.ndjson'), 'utf8').catch(() => '')).split('\n').length - 1;
}

function write(name: string, text: string): Promise<void> {
  return writeFile(join(folder, name), text);
}
