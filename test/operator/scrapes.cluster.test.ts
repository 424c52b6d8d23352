// An operator that is scraped hard, by many at once and by some that ask and do not read: it goes on reconciling, and its memory stays bounded.

import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { until } from '../support/until.ts';
import { JOB } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'scraped';
const SCRAPERS = 50;
const PAUSE_MS = 250;
const SILENT = 100;
const ASKED_EACH = 200;
const ROUNDS = 4;
/** How far the heap grows before it is collected differs from machine to machine. */
const MEMORY_GROWTH_MAX = 320 * 2 ** 20;
const accepts = ['application/openmetrics-text;version=1.0.0', 'text/plain;version=0.0.4'];
const bed = operatedNamespace(namespace);
const silent: Socket[] = [];

beforeAll(async () => {
  await bed.plane.apply(namespace);
  await bed.jobIsReady();
});
afterAll(() => {
  for (const socket of silent) socket.destroy();
});

/** null: one that lost its lease, on a machine that stalls, begins anew. */
async function scraped(url: string, accept: string): Promise<{ readonly status: number; readonly text: string } | null> {
  try {
    const response = await fetch(url, { headers: { accept } });
    return { status: response.status, text: await response.text() };
  } catch {
    return null;
  }
}

/** Changes what the job declares, and waits until the operator has acted upon it; resolves with ms. */
async function reconciled(round: number): Promise<number> {
  const beganMs = performance.now();
  const patch = JSON.stringify({ spec: { workers: { env: [{ name: 'ROUND', value: `r${round}` }] } } });
  const ended = await bed.plane.api.kubectl(['patch', 'streamjob', JOB, '-n', namespace, '--type=merge', '-p', patch]);
  expect(ended.code, ended.stderr).toBe(0);
  const read = async (kind: string, path: string): Promise<string> =>
    (await bed.plane.api.kubectl(['get', kind, '-n', namespace, '-o', `jsonpath=${path}`])).stdout;
  const isDone = async (): Promise<boolean> =>
    (await read('deployment', '{.items[*].spec.template.spec.containers[*].env}')).includes(`"r${round}"`);
  await until(`round ${round} is carried out`, 240_000, isDone, () => bed.operator.log);
  return Math.round(performance.now() - beganMs);
}

test(`${SCRAPERS} scrapers, each some times a second, and ${SILENT} that do not read: what is declared is carried out, as before`, async () => {
  const quiet: number[] = [];
  for (let round = 0; round < ROUNDS; round++) quiet.push(await reconciled(round));
  const before = await bed.operator.memory();

  const url = `http://127.0.0.1:${bed.operator.httpPort}/metrics`;
  const ask = 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(ASKED_EACH);
  for (let n = 0; n < SILENT; n++) {
    const socket = connect(bed.operator.httpPort, '127.0.0.1').on('error', () => undefined).pause(); // prettier-ignore
    socket.write(ask);
    silent.push(socket);
  }
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let [scrapes, bytes] = [0, 0];
  const scrapers = Array.from({ length: SCRAPERS }, async (_, n) => {
    while (!stop.signal.aborted) {
      const page = await scraped(url, accepts[n % 2]!);
      if (page !== null) {
        expect([page.status, page.text]).toEqual([200, expect.stringContaining('millrace_operator_leader')]);
        scrapes++;
        bytes += page.text.length;
      }
      await sleep(PAUSE_MS);
    }
  });
  const all = Promise.all(scrapers);
  all.catch(() => undefined); // told below
  await sleep(2_000);
  const hard: number[] = [];
  let most = 0;
  for (let round = ROUNDS; round < 2 * ROUNDS; round++) {
    hard.push(await reconciled(round));
    most = Math.max(most, await bed.operator.memory());
  }
  stop.abort();
  await all;
  expect(scrapes).toBeGreaterThan(SCRAPERS);
  const middle = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? 0;
  console.log(
    `a change carried out after ${middle(quiet)} ms, with ${scrapes} scrapes of ${Math.round(bytes / scrapes)} bytes after ${middle(hard)} ms; ` +
      `memory at most ${Math.round((most - before) / 2 ** 20)} MiB more`,
  );
  expect(most - before).toBeLessThan(MEMORY_GROWTH_MAX);
  expect(bed.operator.isRunning).toBe(true);
}, 1_200_000);
