// Actors that send each other events on a real server: several workers, which die, and a job that ends.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFlights, withFolder } from '../support/flights-run.ts';

const EVENTS = 3_000;
const KEYS = 50;
const HUBS = 5;
const HOPS = 3;

const JOB = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: sends }
spec:
  partitions: 4
  sources:
    - { name: events, file: { path: events.ndjson }, eventTime: { at: event.at } }
  stages:
    - name: hubs
      from: events
      keyBy: event.id
      machine:
        eventType: "'add'"
        context: { got: 0 }
        initial: open
        states:
          open:
            on:
              add: { actions: [{ sendTo: { key: "'hub' + string(event.n % ${HUBS})", type: pass, data: { n: event.n, left: "${HOPS}" } } }] }
              pass:
                actions:
                  - assign: { got: context.got + 1 }
                  - emit: { output: got, value: { hub: key, n: event.n, left: event.left, place: context.got } }
                  - raise: { type: more, data: { n: event.n, left: event.left } }
              more:
                - guard: event.left > 0
                  actions: [{ sendTo: { key: "'hub' + string((event.n + event.left) % ${HUBS})", type: pass, data: { n: event.n, left: event.left - 1 } } }]
                - actions: [{ assign: { got: context.got } }]
  sinks:
    - { name: out, from: hubs.got, file: { path: got.ndjson } }
`;

type Got = { readonly hub: string; readonly n: number; readonly left: number; readonly place: number };

test.each([
  { fact: 'arrives exactly once', failpoints: undefined },
  {
    fact: 'arrives exactly once when workers die again and again',
    failpoints: ['commit-send:4:kill', 'commit-acknowledged:3:kill', 'stepped:9:kill', 'restored:2:kill'],
  },
])('what actors send each other over partitions and workers $fact, and the job ends', ({ failpoints }) =>
  withFolder(async (folder) => {
    const lines = Array.from({ length: EVENTS }, (_, n) => JSON.stringify({ id: `k${n % KEYS}`, at: n, n }));
    await writeFile(join(folder, 'events.ndjson'), lines.join('\n'));
    await writeFile(join(folder, 'job.yaml'), JOB);
    const deaths = failpoints === undefined ? {} : { isolation: 'process' as const, failpoints };
    const { outcome, outDir, logs } = await runFlights(folder, { file: join(folder, 'job.yaml'), workers: 2, ...deaths });
    expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: EVENTS, deadLetters: 0, late: 0 } });
    expect(logs.filter((line) => line.includes('SIGKILL'))).toHaveLength(failpoints?.length ?? 0);
    const got = (await readFile(join(outDir, 'got.ndjson'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Got);
    expect(got).toHaveLength(EVENTS * (HOPS + 1));
    expect(new Set(got.map(({ n, left }) => `${n} ${left}`)).size).toBe(EVENTS * (HOPS + 1));
    // Each hub has counted its own without a gap, and what one sends to another comes in the order in which it was sent.
    for (const hub of new Set(got.map((one) => one.hub))) {
      const own = got.filter((one) => one.hub === hub);
      expect(own.map(({ place }) => place)).toEqual(own.map((_, i) => i + 1));
      for (let key = 0; key < KEYS; key++) {
        const first = own.filter(({ n, left }) => left === HOPS && n % KEYS === key).map(({ n }) => n);
        expect(first).toEqual(first.toSorted((a, b) => a - b));
      }
    }
  }),
);
