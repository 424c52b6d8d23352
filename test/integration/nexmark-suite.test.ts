// The Nexmark queries that Beam has no answers for, as a user runs them, give what their slow models give. On events that are not in this
// repository all of them do, with nothing declared but the file.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { NexmarkLine } from '../../bench/nexmark/models/model.ts';
import { QUERY_NAMES, SUITE, needsChannels, type QueryName } from '../../bench/nexmark/models/models.ts';
import { generatedPieces } from '../../bench/nexmark/pieces.ts';
import { NexmarkCheck } from '../../bench/run/nexmark-check.ts';
import { jobFile, removeStreams, runYaml, shuffle } from '../nexmark/runs.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

const FILES = ['events', 'events-with-channels'] as const;
const QUERIES = SUITE.map((name) => ({ name, query: Number(name.slice(1)), file: FILES[needsChannels(name) ? 1 : 0] as string }));
/** So few events a second that each 50 in a row, shuffled, are up to 24 s late. */
const OTHERS = { seed: 20_260_801, eventsPerS: 2 };
const ALL_ON_OTHERS = QUERY_NAMES.filter((name) => name !== 'count').map((name) => ({
  name,
  query: Number(name.slice(1)),
  file: needsChannels(name) ? 'others-with-channels' : 'others',
}));

let folder = '';
let server: TestServer;
const events = new Map<string, readonly NexmarkLine[]>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-nexmark-suite-'));
  server = await startTestServer();
  for (const file of FILES) {
    const path = fileURLToPath(new URL(`../../examples/nexmark/data/${file}.ndjson.gz`, import.meta.url));
    const text = gunzipSync(await readFile(path)).toString('utf8');
    events.set(
      file,
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as NexmarkLine),
    );
    await writeFile(join(folder, `shuffled-${file}.ndjson`), shuffle(text));
  }
  for (const channels of [false, true]) {
    const file = channels ? 'others-with-channels' : 'others';
    const lines = [...generatedPieces({ ...OTHERS, channels }, { from: 0, to: 3_000 })].flat();
    events.set(
      file,
      lines.map((line) => JSON.parse(line) as NexmarkLine),
    );
    await writeFile(join(folder, `shuffled-${file}.ndjson`), shuffle(lines.join('\n')));
  }
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

afterEach(async () => {
  await endCommands();
  await removeStreams(server.url);
});

type Case = { readonly name: QueryName; readonly query: number; readonly file: string };

/** What is wrong with the results, or null. */
async function problemOf({ name, file }: Case, outDir: string): Promise<string | null> {
  const check = new NexmarkCheck(name);
  events.get(file)?.forEach((event) => check.event(event));
  check.seal();
  const found = check.begin();
  const lines = (await readFile(join(outDir, 'result.ndjson'), 'utf8')).trim().split('\n');
  lines.forEach((line) => found.result(line));
  expect(found.results).toBeGreaterThan(0);
  return found.problem();
}

const whole = ({ file }: Case): object => ({ eventsIn: events.get(file)?.length, late: 0, deadLetters: 0, failure: null });

describe.each([
  { order: 'in order', workers: 1 },
  { order: 'shuffled', workers: 3 },
] as const)('in YAML, events $order, $workers workers', ({ order, workers }) => {
  test.each(QUERIES)('query $query gives what its model gives', async (each) => {
    const outDir = join(folder, `yaml-${each.query}-${workers}`);
    const shuffled = order === 'shuffled' ? join(folder, `shuffled-${each.file}.ndjson`) : null;
    const { outcome, logs } = await runYaml(each.query, { folder, outDir, natsUrl: server.url, workers, events: shuffled });
    expect(outcome, logs).toMatchObject({ ending: 'completed', report: whole(each) });
    expect(await problemOf(each, outDir)).toBeNull();
  });
});

describe('in YAML, other events, shuffled, 2 workers', () => {
  test.each(ALL_ON_OTHERS)('query $query gives what its model gives', async (each) => {
    const outDir = join(folder, `others-${each.query}`);
    const shuffled = join(folder, `shuffled-${each.file}.ndjson`);
    const { outcome, logs } = await runYaml(each.query, { folder, outDir, natsUrl: server.url, workers: 2, events: shuffled });
    expect(outcome, logs).toMatchObject({ ending: 'completed', report: whole(each) });
    expect(await problemOf(each, outDir)).toBeNull();
  });
});

// By the command: vitest changes the text of a module's functions, by which workers know a job again.
describe('in TypeScript, events shuffled, 2 workers', () => {
  test.each(QUERIES)('query $query gives what its model gives', async (each) => {
    const options = ['--set', `events=shuffled-${each.file}.ndjson`, '--workers', '2', '--nats', server.url, '--out', `ts-${each.query}`];
    const file = jobFile({ query: each.query, name: 'job.ts' });
    const { code, stdout, stderr } = await runCommand(['run', file, ...options, '--report', 'json'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(whole(each));
    expect(await problemOf(each, join(folder, `ts-${each.query}`))).toBeNull();
  });
});
