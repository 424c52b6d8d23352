// `ask` with read-your-writes: who publishes an event and asks for its key sees it in the answer, while the job is scaled and workers die.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { ask, type KeyState } from '../../runtime/client/index.ts';
import { endCommands, runCommand } from '../support/command.ts';
import { jobText, streamOfSubject } from '../support/job-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { Operated } from '../support/operated-job.ts';

const ROUNDS = 24;
const KEYS = 3;
const SUBJECT = 'in.asked';

let server: TestServer;
let admin: NatsConnection;
beforeAll(async () => {
  server = await startTestServer();
  admin = await connectNats({ url: server.url, name: 'test' });
});
afterAll(async () => {
  await endCommands();
  await admin.close();
  await server.stop();
});

const JOB = jobText(
  'asked',
  `
  partitions: 4
  sources:
    - { name: rows, nats: { subjects: [${SUBJECT}], format: ndjson }, schema: { id: string } }
  stages:
    - name: kept
      from: rows
      keyBy: event.id
      machine:
        eventType: "'add'"
        context: { n: 0 }
        initial: keeping
        states: { keeping: { on: { add: { actions: [{ assign: { n: context.n + 1 } }, { emit: { output: count, value: { id: key, n: context.n } } }] } } } }
  sinks:
    - { name: counts, from: kept.count, nats: { subject: out.asked } }
`,
);

const KEPT = { job: 'ns/asked', transform: 'kept' };
type Actor = { readonly value: string; readonly context: { readonly n: number } };

async function publish(id: string): Promise<number> {
  const answer = await Link.of(admin).request(SUBJECT, Buffer.from(JSON.stringify({ id })), { timeoutMs: 30_000 });
  if (answer.kind !== 'message') throw new Error(`${SUBJECT}: ${answer.kind}`);
  return (JSON.parse(Buffer.from(answer.data).toString('utf8')) as { seq: number }).seq;
}

test('N3 an answer that is asked to be as new as a message holds it, over a rescale and a death', async () => {
  const name = streamOfSubject(SUBJECT);
  await callApi(Link.of(admin), `STREAM.CREATE.${name}`, { name, subjects: [SUBJECT], storage: 'file', retention: 'limits' });
  const job = new Operated(admin, server.url, 'ns_asked');
  try {
    await job.declare(JOB, { workers: 1 });
    job.startPod('w0');
    for (let round = 0; round < ROUNDS; round++) {
      if (round === 6) job.startPod('w1');
      if (round === 12) job.startPod('w2');
      if (round === 18) job.pods.get('w0')?.child.kill('SIGKILL');
      const key = `k${round % KEYS}`;
      const sequence = await publish(key);
      const told = await ask<Actor>(key, { ...KEPT, nats: admin, atLeast: { subject: SUBJECT, sequence }, timeout: '60s' });
      expect(told.value?.context.n, `round ${round}`).toBe(Math.floor(round / KEYS) + 1);
      expect(told).toMatchObject({ ...KEPT, isKnown: true, states: ['keeping'], timers: [] });
    }
    await refusals();
    await theCommand();
    await Promise.all([...job.pods.values()].map((pod) => pod.end()));
    await expect(ask('k0', { ...KEPT, nats: admin, timeout: '1s' })).rejects.toMatchObject({ code: 'MR1033', reaction: 'retry' });
  } finally {
    await job.endPods();
  }
});

async function refusals(): Promise<void> {
  const asked = { ...KEPT, nats: { url: server.url }, timeout: '1s' };
  const late = { subject: SUBJECT, sequence: 1_000_000 };
  const rows: readonly [asked: () => Promise<KeyState>, code: string, says: string][] = [
    [() => ask('k0', { ...asked, job: 'ns/nobody' }), 'MR1030', 'no job ns/nobody runs'],
    [() => ask('k0', { ...asked, transform: 'keep' }), 'MR1031', 'has no transform keep; it has rows, kept'],
    [
      () => ask('k0', { ...asked, transform: 'counts' }),
      'MR1036',
      'keeps nothing by key in counts, which is in the stage of a sink; it has keys in kept',
    ],
    [() => ask('k0', { ...asked, transform: 'rows' }), 'MR1036', 'keeps nothing by key in rows, which is in the stage of a source'],
    [() => ask('k'.repeat(1_025), asked), 'MR1032', 'it has 1025 characters'],
    [() => ask([1, NaN], asked), 'MR1032', 'NaN is no number of a key'],
    [() => ask(undefined as never, asked), 'MR1032', 'undefined is no key'],
    [
      () => ask('k0', { ...asked, atLeast: late }),
      'MR1034',
      'message 1000000 of in.asked was not taken in by the owner of this key within 1000 ms',
    ],
    [() => ask('k0', { ...asked, atLeast: { ...late, subject: 'in.other' } }), 'MR1035', 'reads the subject in.other'],
    [() => ask('k0', { ...asked, nats: { url: 'nats://127.0.0.1:1' } }), 'MR1003', 'cannot reach NATS'],
  ];
  for (const [asking, code, says] of rows)
    await expect(asking(), says).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string });
  await expect(ask('k0', { ...asked, timeout: 'soon' })).rejects.toThrow(TypeError);
  expect(await ask('nothing of it', asked)).toMatchObject({ isKnown: false, value: undefined, states: null, cells: [] });
}

/** The command prints what the function gives. */
async function theCommand(): Promise<void> {
  const run = (key: string): Promise<{ readonly stdout: string; readonly stderr: string }> =>
    runCommand(['ask', KEPT.job, KEPT.transform, key, '--nats', server.url], { cwd: '.', timeoutMs: 60_000 });
  expect(JSON.parse((await run('k0')).stdout)).toEqual(await ask('k0', { ...KEPT, nats: admin }));
  const sequence = await publish('7');
  await ask('7', { ...KEPT, nats: admin, atLeast: { subject: SUBJECT, sequence } });
  expect(JSON.parse((await run('7')).stdout)).toEqual(await ask('7', { ...KEPT, nats: admin }));
}
