// The cluster variant of the flights job gives what the local one gives, byte for byte and for each key in order: events that a feeder put on a subject, files
// packed as `millrace build` packs them, results on subjects.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { feed, schema } from '../../examples/flights/cluster/feed.ts';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { runCommand } from '../support/command.ts';
import { FLIGHTS_JOB, JANUARY, runFlights, withFolder } from '../support/flights-run.ts';

import { startTestServer, type TestServer } from '../support/nats.ts';
import { readPayloads } from '../support/subject-payloads.ts';

const CLUSTER_JOB = fileURLToPath(new URL('../../examples/flights/cluster/stream-job.yaml', import.meta.url));
const SUBJECTS = ['hourly', 'sliding', 'knock-on', 'lost', 'sessions'].map((name) => `flights.${name}`);

const servers: TestServer[] = [];
beforeAll(async () => {
  servers.push(await startTestServer(), await startTestServer());
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

test('the results on subjects equal those of the local job', () =>
  withFolder(async (folder) => {
    const [local, cluster] = servers as [TestServer, TestServer];
    const options = { file: JANUARY, natsUrl: cluster.url };
    expect(await feed(options)).toEqual({ stored: 55, messages: 55 });
    expect(await feed(options)).toEqual({ stored: 0, messages: 55 });

    const file = await buildAndUnpack(folder);
    const there = await runFlights(join(folder, 'cluster'), { file, natsUrl: cluster.url });
    expect(there.outcome).toMatchObject({ ending: 'completed', report: { eventsIn: 27_004, late: 0, deadLetters: 0 } });
    const here = await runFlights(join(folder, 'local'), { natsUrl: local.url });
    expect(here.outcome.ending).toBe('completed');

    for (const subject of SUBJECTS) {
      const [found, expected] = [await readPayloads(cluster.url, subject), await readPayloads(local.url, subject)];
      expect(expected.length, subject).toBeGreaterThan(10);
      expect(differingKeys(byKey(found), byKey(expected)), subject).toEqual([]);
    }
  }));

test.each([FLIGHTS_JOB, CLUSTER_JOB])('the feeder reads files as %s does', async (path) => {
  const { spec } = parseStreamJob(await readFile(path, 'utf8'), { file: path, parameters: {} });
  expect(schema).toEqual(spec.sources[0]?.schema);
});

/** Payloads in order, by the key that they tell first: between keys of different partitions no order is promised (protocol J12). */
function byKey(payloads: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(payloads, (payload) => /^\{"(?:origin|tailnum)":"([^"]*)"/.exec(payload)?.[1] ?? payload);
}

function differingKeys(found: ReturnType<typeof byKey>, expected: ReturnType<typeof byKey>): readonly string[] {
  const keys = new Set([...found.keys(), ...expected.keys()]);
  return [...keys].filter((key) => found.get(key)?.join('\n') !== expected.get(key)?.join('\n'));
}

/** What workers on a cluster get: the StreamJob, and beside it the folder of its ConfigMaps' files. */
async function buildAndUnpack(folder: string): Promise<string> {
  const built = join(folder, 'built');
  const data = join(folder, 'data');
  const ended = await runCommand(['build', CLUSTER_JOB, '-o', built], { cwd: folder });
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  await mkdir(data);
  for (const document of parseAllDocuments(await readFile(join(built, 'files.configmap.yaml'), 'utf8'))) {
    const { binaryData } = document.toJS() as { readonly binaryData: Readonly<Record<string, string>> };
    for (const [name, content] of Object.entries(binaryData)) await writeFile(join(data, name), Buffer.from(content, 'base64'));
  }
  // An API server gives fields in the order of their names, and in no other.
  const job = join(data, 'stream-job.json');
  await writeFile(job, JSON.stringify(inOrderOfNames(parse(await readFile(join(built, 'stream-job.yaml'), 'utf8')))));
  return job;
}

function inOrderOfNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrderOfNames);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, child]) => [name, inOrderOfNames(child)]));
}
