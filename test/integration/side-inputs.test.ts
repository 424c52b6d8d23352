// Side inputs on a real server while workers are killed: each event meets the row of its own time, once.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readLines, runText } from '../support/job-run.ts';

const EVENTS = 30_000;
const CURRENCIES = 5;
const CHANGES = 2_000;
const orders = Array.from({ length: EVENTS }, (_, n) => ({ id: `k${n % 97}`, n, at: n, currency: `c${n % CURRENCIES}` }));
const changes = Array.from({ length: CHANGES }, (_, n) => ({ currency: `c${n % CURRENCIES}`, at: n * 15, rate: n, gone: n % 11 === 0 }));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const JOB = jobText(
  'sides',
  `
  partitions: 3
  sources:
    - { name: orders, file: { path: data/orders.ndjson }, schema: { id: string, n: int, at: timestamp, currency: string }, eventTime: { at: event.at } }
    - name: changes
      file: { path: data/changes.ndjson }
      schema: { currency: string, at: timestamp, rate: int, gone: bool }
      eventTime: { at: event.at }
  tables:
    - { name: rates, from: changes, key: row.currency, deleted: row.gone }
  stages:
    - name: priced
      from: orders
      enrich: [{ table: rates, key: event.currency, as: row }]
    - name: judged
      from: orders
      keyBy: event.id
      tables: [rates]
      machine:
        eventType: "'order'"
        initial: open
        states:
          open:
            on:
              order:
                - guard: event.currency in tables.rates
                  actions: [{ emit: { output: seen, value: { n: event.n, rate: "tables.rates[event.currency].rate" } } }]
                - actions: [{ emit: { output: seen, value: { n: event.n, rate: "-1" } } }]
  sinks:
    - { name: priced-file, from: priced, file: { path: priced.ndjson } }
    - { name: seen-file, from: judged.seen, file: { path: seen.ndjson } }
`,
);

function slow(): readonly number[] {
  return orders.map(({ at, currency }) => {
    const last = changes.findLast((row) => row.currency === currency && row.at <= at);
    return last === undefined || last.gone ? -1 : last.rate;
  });
}

test(
  'kill -9 of workers: each event meets the row of its own time, in every partition (broadcast state, C5)',
  () =>
    withFolder(async (folder) => {
      await mkdir(join(folder, 'data'), { recursive: true });
      await writeFile(join(folder, 'data/orders.ndjson'), orders.map((event) => JSON.stringify(event)).join('\n'));
      await writeFile(join(folder, 'data/changes.ndjson'), changes.map((event) => JSON.stringify(event)).join('\n'));
      let kills = 0;
      const disturb = async (pids: () => readonly number[]): Promise<void> => {
        for (; kills < 4; kills++) {
          await sleep(400);
          const [pid] = pids();
          if (pid === undefined) return;
          process.kill(pid, 'SIGKILL');
        }
      };
      const { outcome, outDir } = await runText(
        folder,
        JOB,
        { workers: 2, isolation: 'process' },
        { onWorkers: (_resize, pids) => void disturb(pids) },
      );
      expect(outcome).toMatchObject({ ending: 'completed', failure: null });
      expect(kills).toBeGreaterThan(0);
      const expected = slow();
      const priced = (await readLines(outDir, 'priced.ndjson')) as { n: number; row: { rate: number } | null }[];
      const seen = (await readLines(outDir, 'seen.ndjson')) as { n: number; rate: number }[];
      const byNumber = (found: readonly (readonly [n: number, rate: number])[]): readonly number[] =>
        found.toSorted(([a], [b]) => a - b).map(([n, rate]) => (orders[n] === undefined ? NaN : rate));
      expect(byNumber(priced.map(({ n, row }) => [n, row?.rate ?? -1]))).toEqual(expected);
      expect(byNumber(seen.map(({ n, rate }) => [n, rate]))).toEqual(expected);
      expect(priced.map(({ n }) => n)).toEqual(orders.map(({ n }) => n)); // a split keeps its order
    }),
  180_000,
);
