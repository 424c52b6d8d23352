// The Nexmark queries of examples/nexmark, as a user runs them, give what Apache Beam gives.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EVENTS, QUERIES, differenceFromBeam } from '../nexmark/answers.ts';
import { jobFile, removeStreams, runYaml, shuffle } from '../nexmark/runs.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

/** What the report of a run says when nothing was left out. */
const WHOLE = { eventsIn: 10_000, late: 0, deadLetters: 0, failure: null };
const SHUFFLED = 'shuffled.ndjson';

let folder = '';
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-nexmark-'));
  server = await startTestServer();
  await writeFile(join(folder, SHUFFLED), shuffle(gunzipSync(await readFile(EVENTS)).toString('utf8')));
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

afterEach(async () => {
  await endCommands();
  await removeStreams(server.url);
});

describe.each([
  { order: 'in order', workers: 1 },
  { order: 'shuffled', workers: 3 },
] as const)('in YAML, events $order, $workers workers', ({ order, workers }) => {
  test.each(QUERIES.map((query) => ({ query })))('query $query gives what Beam gives', async ({ query }) => {
    const outDir = join(folder, `yaml-${query}-${workers}`);
    const events = order === 'shuffled' ? join(folder, SHUFFLED) : null;
    const { outcome, logs } = await runYaml(query, { folder, outDir, natsUrl: server.url, workers, events });
    expect(outcome, logs).toMatchObject({ ending: 'completed', report: WHOLE });
    expect(differenceFromBeam(query, await readFile(join(outDir, 'result.ndjson'), 'utf8'))).toBeNull();
  });
});

/** Those with state. */
describe('with a kilobyte of memory for values of state, the others on disk, events shuffled, 2 workers', () => {
  test.each(QUERIES.filter((query) => query > 3).map((query) => ({ query })))('query $query gives what Beam gives', async ({ query }) => {
    const outDir = join(folder, `disk-${query}`);
    const options = { folder, outDir, natsUrl: server.url, workers: 2, events: join(folder, SHUFFLED), memory: '1k' };
    const { outcome, logs } = await runYaml(query, options);
    expect(outcome, logs).toMatchObject({ ending: 'completed', report: WHOLE });
    expect(differenceFromBeam(query, await readFile(join(outDir, 'result.ndjson'), 'utf8'))).toBeNull();
  });
});

// By the command: vitest changes the text of a module's functions, by which workers know a job again.
describe('in TypeScript, under another name, events shuffled, 3 workers', () => {
  test.each(QUERIES.map((query) => ({ query })))('query $query gives what Beam gives', async ({ query }) => {
    const options = [
      '--name',
      `other-q${query}`,
      '--set',
      `events=${SHUFFLED}`,
      '--workers',
      '3',
      '--nats',
      server.url,
      '--out',
      `ts-${query}`,
    ];
    const { code, stdout, stderr } = await runCommand(['run', jobFile({ query, name: 'job.ts' }), ...options, '--report', 'json'], {
      cwd: folder,
    });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(WHOLE);
    expect(differenceFromBeam(query, await readFile(join(folder, `ts-${query}`, 'result.ndjson'), 'utf8'))).toBeNull();
  });
});
