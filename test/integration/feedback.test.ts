// Events that come back by a declared feedback, on a real server: several workers, which die, and a job that ends.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFlights, withFolder } from '../support/flights-run.ts';

const EVENTS = 3_000;
const KEYS = 50;
const HUBS = 5;
const ROUNDS = 3;
const WINDOW_MS = 100;

const JOB = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: rounds }
spec:
  partitions: 4
  sources:
    - { name: events, file: { path: events.ndjson }, eventTime: { at: event.at } }
  stages:
    - name: hubs
      from: events
      keyBy: event.id
      feedback: { from: again, maxRounds: ${ROUNDS} }
      machine:
        eventType: "'step'"
        context: { got: 0 }
        initial: open
        states:
          open:
            on:
              step:
                actions:
                  - assign: { got: context.got + 1 }
                  - emit: { output: got, value: { hub: key, at: event.at, n: event.n, left: event.left, place: context.got } }
    - name: again
      from: hubs.got
      filter: event.left > 0
      map: { id: "'hub' + string((event.n + event.left) % ${HUBS})", at: event.at, n: event.n, left: event.left - 1 }
    - name: counts
      from: hubs.got
      keyBy: event.hub
      window: { tumbling: { size: ${WINDOW_MS}ms } }
      aggregate: { count: { count: {} }, sum: { sum: event.n } }
  sinks:
    - { name: out, from: hubs.got, file: { path: got.ndjson } }
    - { name: windows, from: counts, file: { path: windows.ndjson } }
`;

type Got = { readonly hub: string; readonly at: number; readonly n: number; readonly left: number; readonly place: number };

const input = Array.from({ length: EVENTS }, (_, n) => ({ id: `k${n % KEYS}`, at: n, n, left: ROUNDS }));
/** Who gets event `n` with so many rounds left. */
const hubOf = (n: number, left: number): string => (left === ROUNDS ? `k${n % KEYS}` : `hub${(n + left + 1) % HUBS}`);

async function rowsOf<T>(folder: string, name: string): Promise<T[]> {
  const text = await readFile(join(folder, name), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** Every window of every hub, counted slowly. */
function slowWindows(): unknown[] {
  const all = input.flatMap(({ at, n }) => Array.from({ length: ROUNDS + 1 }, (_, left) => ({ at, n, hub: hubOf(n, left) })));
  const windows = Map.groupBy(all, ({ hub, at }) => `${hub} ${Math.floor(at / WINDOW_MS)}`);
  return [...windows.values()].map((events) => {
    const [{ hub, at }] = events as [(typeof all)[number]];
    const windowStartMs = Math.floor(at / WINDOW_MS) * WINDOW_MS;
    return {
      hub,
      windowStartMs,
      windowEndMs: windowStartMs + WINDOW_MS,
      count: events.length,
      sum: events.reduce((sum, { n }) => sum + n, 0),
    };
  });
}

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const sortedFields = (row: unknown): object => Object.fromEntries(Object.entries(row as object).sort(([a], [b]) => (a < b ? -1 : 1)));

test.each([
  { fact: 'comes back exactly once', failpoints: undefined },
  {
    fact: 'comes back exactly once when workers die again and again',
    failpoints: ['commit-send:4:kill', 'commit-acknowledged:3:kill', 'stepped:9:kill', 'restored:2:kill'],
  },
])('what goes round over partitions and workers $fact, windows behind have all of it, and the job ends', ({ failpoints }) =>
  withFolder(async (folder) => {
    await writeFile(join(folder, 'events.ndjson'), input.map((event) => JSON.stringify(event)).join('\n'));
    await writeFile(join(folder, 'job.yaml'), JOB);
    const deaths = failpoints === undefined ? {} : { isolation: 'process' as const, failpoints };
    const { outcome, outDir, logs } = await runFlights(folder, { file: join(folder, 'job.yaml'), workers: 2, ...deaths });
    expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: EVENTS, deadLetters: 0, late: 0 } });
    expect(logs.filter((line) => line.includes('SIGKILL'))).toHaveLength(failpoints?.length ?? 0);
    const got = await rowsOf<Got>(outDir, 'got.ndjson');
    expect(got).toHaveLength(EVENTS * (ROUNDS + 1));
    expect(new Set(got.map(({ n, left }) => `${n} ${left}`)).size).toBe(EVENTS * (ROUNDS + 1));
    expect(got.every(({ hub, at, n, left }) => hub === hubOf(n, left) && at === n)).toBe(true);
    // Each hub has counted its own without a gap, and what one key sends to another comes in the order in which it was sent.
    for (const hub of new Set(got.map((one) => one.hub))) {
      const own = got.filter((one) => one.hub === hub);
      expect(own.map(({ place }) => place)).toEqual(own.map((_, i) => i + 1));
      for (let key = 0; key < KEYS; key++) {
        const first = own.filter(({ n, left }) => left === ROUNDS - 1 && n % KEYS === key).map(({ n }) => n);
        expect(first).toEqual(first.toSorted((a, b) => a - b));
      }
    }
    const windows = (await rowsOf(outDir, 'windows.ndjson')).map(sortedFields).sort(byText);
    expect(windows).toEqual(slowWindows().map(sortedFields).sort(byText));
  }),
);

/** One event becomes three in each round, with a text that fills what tasks keep of a lane. */
const FLOOD = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: flood }
spec:
  partitions: 2
  sources:
    - { name: events, file: { path: events.ndjson }, eventTime: { at: event.at } }
  stages:
    - name: all
      from: events
      keyBy: event.id
      feedback: { from: more, maxRounds: 7 }
      machine:
        eventType: "'step'"
        initial: open
        states: { open: { on: { step: { actions: [{ emit: { output: out, value: event } }] } } } }
    - name: more
      from: all.out
      filter: event.left > 0
      flatMap:
        - emit: { id: event.id + 1, at: event.at, left: event.left - 1, text: event.text }
        - emit: { id: event.id + 2, at: event.at, left: event.left - 1, text: event.text }
        - emit: { id: event.id + 3, at: event.at, left: event.left - 1, text: event.text }
    - name: counts
      from: all.out
      keyBy: event.left
      aggregate: { count: { count: {} } }
  sinks:
    - { name: out, from: counts, file: { path: counts.ndjson } }
`;

test('rounds that make far more than tasks keep of their lane hold nobody up', () =>
  withFolder(async (folder) => {
    const events = Array.from({ length: 20 }, (_, id) => JSON.stringify({ id, at: id, left: 7, text: 'x'.repeat(500) }));
    await writeFile(join(folder, 'events.ndjson'), events.join('\n'));
    await writeFile(join(folder, 'job.yaml'), FLOOD);
    const { outcome, outDir } = await runFlights(folder, { file: join(folder, 'job.yaml'), workers: 2 });
    expect(outcome).toMatchObject({ ending: 'completed', report: { eventsIn: 20, deadLetters: 0, late: 0 } });
    const counts = new Map(
      (await rowsOf<{ left: number; count: number }>(outDir, 'counts.ndjson')).map(({ left, count }) => [left, count]),
    );
    expect([...counts].sort(([a], [b]) => b - a)).toEqual(Array.from({ length: 8 }, (_, round) => [7 - round, 20 * 3 ** round]));
  }));
