// A step that gives far more than one record, and more than a reader keeps waiting, goes through whole (docs/adr/0008).

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFlights, withFolder } from '../support/flights-run.ts';

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
