// The Nexmark queries of examples/nexmark, as a user runs them, give what Apache Beam gives.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runJob } from '../../cli/run/run-job.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { EVENTS, QUERIES, differenceFromBeam } from '../nexmark/answers.ts';
import type { Query } from '../nexmark/answers.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

/** What the report of a run says when nothing was left out. */
const WHOLE = { eventsIn: 10_000, late: 0, deadLetters: 0, failure: null };
const SHUFFLED = 'shuffled.ndjson';
/** As Beam does it: each 50 in a row in another order, up to 490 ms late. */
const SHUFFLED_TOGETHER = 50;

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
  await removeStreams();
});

describe.each([
  { order: 'in order', workers: 1 },
  { order: 'shuffled', workers: 3 },
] as const)('in YAML, events $order, $workers workers', ({ order, workers }) => {
  test.each(QUERIES.map((query) => ({ query })))('query $query gives what Beam gives', async ({ query }) => {
    const outDir = join(folder, `yaml-${query}-${workers}`);
    const logs: string[] = [];
    const outcome = await runJob(
      {
        file: jobFile(query, 'stream-job.yaml'),
        workers,
        natsUrl: server.url,
        dataDir: join(folder, 'data'),
        outDir,
        speed: null,
        parameters: order === 'shuffled' ? { events: join(folder, SHUFFLED) } : {},
        name: null,
        fresh: false,
        durability: 'process',
        isolation: 'thread',
      },
      { onOpen: () => undefined, onProgress: () => undefined, onLog: (line) => logs.push(line) },
      { interrupt: new AbortController().signal },
    );
    expect(outcome, logs.join('\n')).toMatchObject({ ending: 'completed', report: WHOLE });
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
    const { code, stdout, stderr } = await runCommand(['run', jobFile(query, 'job.ts'), ...options, '--report', 'json'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(WHOLE);
    expect(differenceFromBeam(query, await readFile(join(folder, `ts-${query}`, 'result.ndjson'), 'utf8'))).toBeNull();
  });
});

function jobFile(query: Query, name: 'stream-job.yaml' | 'job.ts'): string {
  return fileURLToPath(new URL(`../../examples/nexmark/q${query}/${name}`, import.meta.url));
}

/** Streams reserve their largest size: those of all runs together are more than a server has. */
async function removeStreams(): Promise<void> {
  const connection = await connect({ servers: server.url });
  try {
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  } finally {
    await connection.close();
  }
}

function shuffle(ndjson: string): string {
  const random = seededRandom(7);
  const lines = ndjson.split('\n').filter((line) => line !== '');
  for (let from = 0; from < lines.length; from += SHUFFLED_TOGETHER) {
    const count = Math.min(SHUFFLED_TOGETHER, lines.length - from);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random.next() * (i + 1));
      [lines[from + i], lines[from + j]] = [lines[from + j] as string, lines[from + i] as string];
    }
  }
  return `${lines.join('\n')}\n`;
}
