// `ask` with read-your-writes: who publishes an event and asks for its key sees it in the answer, while the job is scaled and workers die.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askKey } from '../../cli/run/ask-key.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { jobText, streamOfSubject } from '../support/job-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { Operated, sleep } from '../support/operated-job.ts';

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
      const fresh = { subject: SUBJECT, sequence, waitMs: 60_000 };
      const story = await again(() => askKey('ns_asked', { natsUrl: server.url, credentials: null, node: 'kept', key, fresh }));
      const { context } = JSON.parse(story.answer.cells[0]?.value.text ?? '{}') as { context?: { n: number } };
      expect(context?.n, `round ${round}`).toBe(Math.floor(round / KEYS) + 1);
    }
    const late = { subject: SUBJECT, sequence: 1_000_000, waitMs: 1_000 };
    await expect(askKey('ns_asked', { natsUrl: server.url, credentials: null, node: 'kept', key: 'k0', fresh: late })).rejects.toThrow(
      /message 1000000 of in.asked was not taken in by the owner of this key within 1000 ms/,
    );
  } finally {
    await job.endPods();
  }
});

/** While a partition is taken over nobody answers; whoever asks then asks again. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= 20 || !String(error).includes('no worker answered')) throw error;
      await sleep(500);
    }
  }
}
