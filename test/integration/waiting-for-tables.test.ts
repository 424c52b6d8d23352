// Events that wait for the rows of a table, on a real server: how many wait is bounded, and each sees the row of its time.

import { expect, test } from 'vitest';
import { openBus } from '../../runtime/adapters/nats/directory.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { jobText } from '../support/job-run.ts';
import { Operated, sleep, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const EVENTS = 120_000;
const LINES = 1_000;
const RATES = 12;
const RATE_MS = EVENTS / RATES;
const WAITING_MAX = 10_000;

const nats = operatorsServer();

const job = (name: string, bound: string): string =>
  jobText(
    name,
    `
  partitions: 1
  sources:
    - name: bids
      nats: { subjects: [${name}.bids], format: ndjson }
      schema: { id: string, at: timestamp }
      eventTime: { at: event.at }
    - name: rates
      nats: { subjects: [${name}.rates] }
      schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at }
  tables:
    - { name: now, from: rates, key: row.id${bound} }
  stages:
    - { name: rated, from: bids, enrich: [{ table: now, key: event.id, as: rate }] }
    - { name: counts, from: rated, keyBy: "event.rate.n", aggregate: { n: { count: {} } } }
  sinks:
    - { name: out, from: counts, nats: { subject: out.${name} } }`,
  );

type Count = { readonly key?: unknown; readonly n: number };

/** All bids are there at once, at 0 … EVENTS - 1 ms; a rate holds for RATE_MS of them, and they come one by one. */
async function play(
  name: string,
  bound: string,
): Promise<{ readonly waitedMax: number; readonly isPressing: boolean; readonly counts: readonly string[] }> {
  await callApi(Link.of(nats.admin), `STREAM.CREATE.${name.toUpperCase()}`, {
    name: name.toUpperCase(),
    subjects: [`${name}.*`],
    storage: 'file',
    retention: 'limits',
  });
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(job(name, bound));
  const seen = { waitedMax: 0, isPressing: false };
  const stop = openBus(nats.admin, name).subscribe('report', (value) => {
    for (const { stage, counters, backPressure } of (value as WorkerReport).tasks) {
      if (stage !== 'rated') continue;
      seen.waitedMax = Math.max(seen.waitedMax, counters.held);
      seen.isPressing ||= backPressure === true;
    }
  });
  for (let from = 0; from < EVENTS; from += LINES)
    nats.admin.publish(`${name}.bids`, Array.from({ length: LINES }, (_, i) => JSON.stringify({ id: 'a', at: from + i })).join('\n'));
  await nats.admin.flush();
  run.startPod('w1');
  await run.allRun();
  await until(() => Promise.resolve(seen.waitedMax > 0));
  for (let n = 0; n <= RATES; n++) {
    nats.admin.publish(`${name}.rates`, JSON.stringify({ id: 'a', at: n * RATE_MS, n }));
    await nats.admin.flush();
    await sleep(400);
    if (n === RATES / 2) {
      await run.pods.get('w1')?.end('SIGKILL');
      run.startPod('w2');
    }
  }
  // The last bid's own watermark has not passed it.
  const total = async (): Promise<readonly Count[]> => run.results<Count>(`out.${name}`);
  const lastOf = (all: readonly Count[]): ReadonlyMap<string, number> =>
    new Map(all.map((count) => [JSON.stringify({ ...count, n: undefined }), count.n] as const));
  const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((all, n) => all + n, 0);
  await until(async () => sum(lastOf(await total())) >= EVENTS - 1);
  stop();
  await run.endPods();
  return { ...seen, counts: [...lastOf(await total())].map(([key, n]) => `${key} ${n}`).toSorted() };
}

test('no more events wait for a table than declared but what one record has, with the same results, over the death of a worker', async () => {
  const free = await play('free', ', maxWaiting: 1000000');
  const bounded = await play('bounded', `, maxWaiting: ${WAITING_MAX}`);
  expect(bounded.counts).toEqual(free.counts);
  expect(free.isPressing).toBe(false);
  expect(bounded.isPressing).toBe(true);
  expect(bounded.waitedMax).toBeLessThan(WAITING_MAX + 25_000); // a read has 20,000 events at most
  expect(free.waitedMax).toBeGreaterThan(2 * (WAITING_MAX + 25_000)); // else nothing was proven
  process.stdout.write(`waiting at most ${bounded.waitedMax} of ${WAITING_MAX} declared, ${free.waitedMax} without bound\n`);
});
