// A step that gives far more than one record, and more than a reader keeps waiting, goes through whole (docs/adr/0008).

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { runFlights, withFolder } from '../support/flights-run.ts';
import { startTestServer } from '../support/nats.ts';

const KEYS = 60_000;
/** 400 characters that no other has, so that no dictionary makes them small. */
const noteOf = (id: number): string => String(id).padStart(8, '0').repeat(50);

const JOB = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: large-step }
spec:
  partitions: 1
  sources:
    - { name: events, file: { path: events.ndjson }, eventTime: { at: event.at } }
  stages:
    - name: sessions
      from: events
      keyBy: event.id
      window: { session: { gap: 1h } }
      aggregate: { note: { first: event.note } }
  sinks:
    - { name: out, from: sessions, file: { path: sessions.ndjson } }
`;

test.each([
  { fact: 'reach the sink, each once', failpoints: undefined },
  {
    fact: 'reach the sink, each once, when the worker dies again and again in the middle',
    failpoints: ['commit-send:5:kill', 'commit-acknowledged:4:kill', 'sink-apply:1:kill', 'sink-applied:1:kill', 'restored:2:kill'],
  },
])('24 MB of results of one step $fact', ({ failpoints }) =>
  withFolder(async (folder) => {
    const lines = Array.from({ length: KEYS }, (_, id) => JSON.stringify({ id, at: id % 1_000, note: noteOf(id) }));
    await writeFile(join(folder, 'events.ndjson'), lines.join('\n'));
    await writeFile(join(folder, 'job.yaml'), JOB);
    const deaths = failpoints === undefined ? {} : { isolation: 'process' as const, failpoints };
    const { outcome, outDir, logs } = await runFlights(folder, { file: join(folder, 'job.yaml'), ...deaths });
    expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: KEYS, eventsOut: KEYS, deadLetters: 0, late: 0 } });
    expect(logs.filter((line) => line.includes('SIGKILL'))).toHaveLength(failpoints?.length ?? 0);
    const results = (await readFile(join(outDir, 'sessions.ndjson'), 'utf8')).trimEnd().split('\n');
    expect(new Set(results.map((line) => (JSON.parse(line) as { id: number }).id)).size).toBe(KEYS);
    expect(results).toHaveLength(KEYS);
  }),
);

test('results of one large step, purged behind, are not asked for in pieces by who goes on', () =>
  withFolder(async (folder) => {
    const HOUR_MS = 3_600_000;
    const line = (id: number, at: number): string => JSON.stringify({ id, at, note: noteOf(id) });
    // The step that ends all sessions comes with the event of the third hour; the next one is far away.
    const later = [line(KEYS, 3 * HOUR_MS), line(KEYS + 1, 300 * HOUR_MS)];
    await writeFile(join(folder, 'events.ndjson'), [...Array.from({ length: KEYS }, (_, id) => line(id, id % 1_000)), ...later].join('\n'));
    await writeFile(join(folder, 'job.yaml'), JOB);
    const server = await startTestServer();
    try {
      const request = { file: join(folder, 'job.yaml'), natsUrl: server.url, speed: 3_600 };
      const interrupt = new AbortController();
      const watching = untilPurged(server.url).finally(() => interrupt.abort());
      const first = await runFlights(folder, request, { interrupt: interrupt.signal });
      expect(await watching).toBe(true);
      expect(first.outcome).toMatchObject({ ending: 'interrupted', report: { eventsOut: KEYS } });
      const second = await runFlights(folder, { ...request, speed: 10_000_000 });
      expect(second.outcome).toMatchObject({ ending: 'completed', failure: null, report: { eventsOut: KEYS + 2 } });
      const results = (await readFile(join(second.outDir, 'sessions.ndjson'), 'utf8')).trimEnd().split('\n');
      expect(new Set(results.map((text) => (JSON.parse(text) as { id: number }).id)).size).toBe(KEYS + 2);
      expect(results).toHaveLength(KEYS + 2);
    } finally {
      await server.stop();
    }
  }));

/** The sink has stored its large step in several records, and had two purges since. False: not in a minute. */
async function untilPurged(url: string): Promise<boolean> {
  const connection = await connectNats({ url, name: 'test' });
  try {
    const journal = new NatsJournal(Link.of(connection));
    const written = async (): Promise<boolean> => {
      const figures = await journal.figures('MR_large-step_sinks').catch(() => null);
      return figures !== null && figures.lastSequence > 5;
    };
    for (const endMs = performance.now() + 60_000; performance.now() < endMs; await sleep(100)) {
      if (!(await written())) continue;
      await sleep(6_000);
      return true;
    }
    return false;
  } finally {
    await connection.close();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
