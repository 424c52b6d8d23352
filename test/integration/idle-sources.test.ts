// E2, F6: subjects that are silent, on a real server: windows close though one of them never says anything, and when all traffic stops;
// workers die meanwhile, and each window is closed once.

import { expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { jobText } from '../support/job-run.ts';
import { Operated, until } from '../support/operated-job.ts';
import { operatorsServer } from '../support/operators-server.ts';

const nats = operatorsServer();

const job = (name: string, idle: string): string =>
  jobText(
    name,
    `
  partitions: 2
  sources:
    - name: rows
      nats: { subjects: [${name}.speaks, ${name}.silent] }
      schema: { id: string, at: timestamp }
      eventTime: { at: event.at }
      idle: ${idle}
  stages:
    - { name: counts, from: rows, keyBy: event.id, window: { tumbling: { size: 1s } }, aggregate: { n: { count: {} } } }
  sinks:
    - { name: out, from: counts, nats: { subject: out.${name} } }
    - { name: late, from: counts.late, nats: { subject: late.${name} } }`,
  );

type Count = { readonly id: string; readonly windowStartMs: number; readonly n: number };

async function opened(name: string, idle: string): Promise<Operated> {
  const stream = { name: name.toUpperCase(), subjects: [`${name}.*`], storage: 'file', retention: 'limits' };
  await callApi(Link.of(nats.admin), `STREAM.CREATE.${stream.name}`, stream);
  const run = new Operated(nats.admin, nats.server.url, name);
  await run.declare(job(name, idle));
  run.startPod('w1');
  return run;
}

/** An event of key a at each of the times, on `subject`. */
async function speak(subject: string, ...times: readonly number[]): Promise<void> {
  for (const at of times) nats.admin.publish(subject, JSON.stringify({ id: 'a', at }));
  await nats.admin.flush();
}

async function counts(run: Operated, name: string): Promise<string> {
  const results = await run.results<Count>(`out.${name}`);
  return results.map(({ windowStartMs, n }) => `${windowStartMs}=${n}`).join(' ');
}

test('E2 a silent subject holds no window open, is known to be idle after its worker was killed, and what it says then is late', async () => {
  const name = 'silent';
  const run = await opened(name, '{ after: 300ms }');
  await speak(`${name}.speaks`, 100, 200, 1_500);
  await until(async () => (await counts(run, name)) === '0=2');
  await until(() => Promise.resolve(run.figures.get('rows/1')?.idle === true));
  await run.pods.get('w1')?.end('SIGKILL');
  run.startPod('w2');
  await speak(`${name}.speaks`, 2_500);
  await until(async () => (await counts(run, name)) === '0=2 1000=1');
  expect((await run.headers())['rows/1']).toMatchObject({ kind: 'claim', idle: [0], epoch: 2 }); // known from the record before, not told again
  await speak(`${name}.silent`, 300, 2_600);
  await until(async () => (await run.results(`late.${name}`)).length === 1);
  expect(await run.results(`late.${name}`)).toMatchObject([{ at: 300 }]);
  await run.endPods();
});

test('F6 when all traffic stops, the last window closes by the clock, once, whoever dies meanwhile', async () => {
  const name = 'stops';
  const run = await opened(name, '{ after: 200ms, closeAfter: 400ms }');
  await speak(`${name}.speaks`, 100, 200);
  await until(async () => (await counts(run, name)) === '0=2');
  await run.pods.get('w1')?.end('SIGKILL');
  run.startPod('w2');
  const at = run.figures.get('rows/0')?.watermark ?? 0;
  await until(() => Promise.resolve((run.figures.get('rows/0')?.watermark ?? 0) > at + 1_000)); // it goes on
  expect(await counts(run, name)).toBe('0=2');
  await run.endPods();
});
