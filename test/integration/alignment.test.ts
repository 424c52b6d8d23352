// Two subjects whose event time goes on at very different paces, on a real server: what waits for the watermark stays small when they are
// aligned, results are the same, and a worker that is killed meanwhile changes nothing.

import { expect, test } from 'vitest';
import { openBus } from '../../runtime/adapters/nats/directory.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import { jobText } from '../support/job-run.ts';
import { Operated, sleep, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const HOUR_MS = 3_600_000;
const STEP_MS = 10_000;
const WINDOW_MS = 60_000;
const DRIFT_MS = 5 * 60_000;
const KEYS = 4;
const EVENTS = (4 * HOUR_MS) / STEP_MS;
/** Of the slow subject, at a time. */
const PORTION = 20;

const nats = operatorsServer();

const job = (name: string, alignment: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - name: rows
      nats: { subjects: [${name}.fast, ${name}.slow] }
      schema: { id: string, at: timestamp }
      eventTime: { at: event.at }
      idle: { after: 1h }
      ${alignment}
  stages:
    - { name: counts, from: rows, keyBy: event.id, window: { tumbling: { size: ${WINDOW_MS}ms } }, aggregate: { n: { count: {} } } }
  sinks:
    - { name: out, from: counts, nats: { subject: out.${name} } }
    - { name: late, from: counts.late, nats: { subject: late.${name} } }`,
  );

type Count = { readonly id: string; readonly windowStartMs: number; readonly n: number };
type Played = {
  readonly counts: readonly string[];
  readonly openMax: number;
  readonly apartMaxMs: number;
  readonly heldMs: number;
  readonly late: number;
};

/** All of the fast subject is there at once; the slow one comes bit by bit. The first worker is killed in the middle. */
async function play(name: string, alignment: string): Promise<Played> {
  const stream = { name: name.toUpperCase(), subjects: [`${name}.*`], storage: 'file', retention: 'limits' };
  await callApi(Link.of(nats.admin), `STREAM.CREATE.${stream.name}`, stream);
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(job(name, alignment), { workers: 2 });
  const most = { open: 0, apartMs: 0, heldMs: 0 };
  const stop = openBus(nats.admin, name).subscribe('report', (value) => look(value as WorkerReport, run, most));
  for (let i = 0; i < EVENTS; i++) publish(`${name}.fast`, i);
  await nats.admin.flush();
  run.startPod('w1');
  run.startPod('w2');
  await run.allRun();
  for (let i = 0; i < EVENTS; i++) {
    publish(`${name}.slow`, i);
    if (i % PORTION !== 0) continue;
    await nats.admin.flush();
    await sleep(50);
    if (i === (EVENTS / 2 / PORTION) * PORTION) {
      await run.pods.get('w1')?.end('SIGKILL');
      run.startPod('w3');
    }
  }
  const expected = ((EVENTS * STEP_MS) / WINDOW_MS - 1) * KEYS; // the last windows stay open
  const counts = async (): Promise<readonly Count[]> => run.results<Count>(`out.${name}`);
  await until(async () => (await counts()).length >= expected);
  stop();
  const late = (await run.results(`late.${name}`)).length;
  await run.endPods();
  const lines = (await counts()).map(({ id, windowStartMs, n }) => `${windowStartMs} ${id} ${n}`).toSorted();
  return { counts: lines, openMax: most.open, apartMaxMs: most.apartMs, heldMs: most.heldMs, late };
}

function publish(subject: string, i: number): void {
  nats.admin.publish(subject, JSON.stringify({ id: `k${i % KEYS}`, at: i * STEP_MS }));
}

function look({ nodes }: WorkerReport, run: Operated, most: { open: number; apartMs: number; heldMs: number }): void {
  const windows = nodes?.['counts'];
  if (windows?.kind === 'windows') most.open = Math.max(most.open, windows.open);
  const [fast, slow] = ['rows/0', 'rows/1'].map((task) => run.figures.get(task));
  most.heldMs = Math.max(most.heldMs, fast?.heldMs ?? 0);
  if (typeof fast?.watermark === 'number' && typeof slow?.watermark === 'number')
    most.apartMs = Math.max(most.apartMs, fast.watermark - slow.watermark);
}

test('aligned splits keep what waits for the watermark small, with the same results as without, over the death of a worker', async () => {
  const alone = await play('apart', '');
  const together = await play('aligned', `alignment: { maxDrift: ${DRIFT_MS}ms }`);
  expect(together.counts).toEqual(alone.counts);
  expect([together.late, alone.late]).toEqual([0, 0]);
  expect(together.heldMs).toBeGreaterThan(0);
  // A piece is about an eighth of the drift; what is reported of the slow split is older than what the fast one went by.
  const windowsApart = (2 * DRIFT_MS) / WINDOW_MS;
  expect(together.openMax).toBeLessThanOrEqual(windowsApart * KEYS);
  expect(alone.openMax).toBeGreaterThan(4 * windowsApart * KEYS); // else nothing was proven
  process.stdout.write(
    `open windows at most ${together.openMax} aligned, ${alone.openMax} alone; splits apart at most ${together.apartMaxMs / 1_000} s and ${alone.apartMaxMs / 1_000} s\n`,
  );
});
