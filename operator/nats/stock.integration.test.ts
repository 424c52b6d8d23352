// The consumers by which a job's workers read what their account imports: made, mended and removed by reconciling, on a real server.

import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { stockOf } from '../../runtime/adapters/nats/stock-consumer.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { jobText } from '../../test/support/job-run.ts';
import type { NatsObserved } from '../lifecycle/observed.ts';
import { DurabilityLook } from './durability.ts';
import { JobNats } from './job-nats.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { WorkerReports } from './worker-reports.ts';

type Present = Extract<NatsObserved, { readonly kind: 'present' }>;
type Consumer = { readonly config: Readonly<Record<string, unknown>>; readonly created: string };

const INFO = 'CONSUMER.INFO';

let server: KeyedServer;
/** In the account of the namespace. */
let connection: NatsConnection;
let link: Link;
let nats: JobNats;
let [count, name, identity] = [0, '', ''];

beforeAll(async () => {
  server = await startKeyedServer({ durability: 'process' });
  connection = await server.operator('shop');
  link = Link.of(connection);
});
afterAll(() => server.stop());

function plan(of = identity, subject = `${name}.in`): PhysicalPlan {
  const text = jobText(
    name,
    `
  sources: [{ name: orders, nats: { subjects: ['${subject}'] }, schema: { shop: string } }]
  stages: [{ name: sums, from: orders, keyBy: event.shop, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: sums, nats: { subject: ${name}.out } }]
`,
  );
  return planJob(readStreamJob(text, { file: 'job', parameters: {} }), {}, { identity: of, deadLetterFile: false });
}

async function stream(streamName: string, subjects: readonly string[]): Promise<void> {
  expect((await callApi(link, `STREAM.CREATE.${streamName}`, { name: streamName, subjects })).kind).toBe('ok');
}

const first = (): RevisionStatus => ({ number: 1, hash: 'abc', generation: 1 });

async function resolved(wanted = plan()): Promise<PhysicalPlan> {
  const answer = await nats.resolve(wanted.job, wanted);
  if (answer.kind !== 'resolved') throw new Error(JSON.stringify(answer));
  return answer.plan;
}

async function deploy(wanted: PhysicalPlan): Promise<void> {
  expect(await nats.ensure(wanted.job, wanted)).toEqual({ kind: 'done' });
  const revision = { identity: wanted.job, revision: first(), plan: wanted, code: null, parameters: {}, workers: 1, runId: null };
  expect(await nats.writeRevision({ ...revision, restore: null, run: 'new' })).toEqual({ kind: 'done' });
}

async function observed(): Promise<Present> {
  const found = await nats.observe(identity);
  if (found.kind !== 'present') throw new Error(found.reason);
  return found;
}

/** The first observation with which `holds`. */
async function until(holds: (found: Present) => boolean): Promise<Present> {
  for (const endMs = performance.now() + 10_000; ;) {
    const found = await observed();
    if (holds(found) || performance.now() > endMs) return found;
    await systemClock.sleep(200);
  }
}

/** Of the job's, in its stream of the namespace. */
const consumers = async (streamName = `IN-${count}`): Promise<readonly string[]> => {
  const answer = await callApi<{ readonly consumers: readonly string[] | null }>(link, `CONSUMER.NAMES.${streamName}`, {});
  if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
  return (answer.value.consumers ?? []).filter((one) => one.startsWith(`MR_${identity}_`));
};
const call = async <T = Consumer>(verb: string, body: object | null = null): Promise<T> => {
  const answer = await callApi<T>(link, verb, body);
  if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
  return answer.value;
};

beforeEach(async () => {
  name = `orders-${++count}`;
  identity = `shop_${name}`;
  const reports = new WorkerReports(systemClock);
  const job = await server.operator(identity);
  reports.listen(job);
  const durability = new DurabilityLook({ kind: 'none' }, systemClock);
  const parts = { reports, durability, login: { kind: 'none' }, replicas: 1, clock: systemClock, random: systemRandom } as const;
  nats = new JobNats({ ...parts, connections: { job, streams: connection }, savepoints: () => Promise.resolve(job) });
  await stream(`IN-${count}`, [`${name}.in`, `${name}.other`]);
  await deploy(await resolved());
});

test('are there before a worker is told to read, one for each split', async () => {
  const all = await consumers();
  expect(all).toEqual([stockOf({ identity, runId: (await observed()).record!.runId }, await resolved())[0]!.consumer]);
  expect((await call(`${INFO}.IN-${count}.${all[0]}`)).config).toMatchObject({
    filter_subject: `${name}.in`,
    priority_policy: 'pinned_client',
    ack_policy: 'none',
  });
});

test.each([
  { fact: 'one that is gone', says: 'was gone', change: (at: string) => call(`CONSUMER.DELETE.${at}`) },
  {
    fact: 'one that is made to wait',
    says: 'had another pause_until',
    change: (at: string) => call(`CONSUMER.PAUSE.${at}`, { pause_until: '2999-01-01T00:00:00Z' }),
  },
  {
    fact: 'one that delivers another subject',
    says: 'had another filter_subject',
    change: async (at: string) => {
      const [streamName, durable] = at.split('.') as [string, string];
      const { config } = await call(`${INFO}.${at}`);
      await call(`CONSUMER.CREATE.${at}.${name}.other`, {
        stream_name: streamName,
        config: { ...config, durable_name: durable, filter_subject: `${name}.other` },
      });
    },
  },
])('$fact is told and made anew', async ({ says, change }) => {
  const [consumer = ''] = await consumers();
  await observed();
  await change(`IN-${count}.${consumer}`);
  const found = await until(({ drift }) => drift.length > 0);
  expect(found.drift).toEqual([`consumer ${consumer} of stream IN-${count} ${says}`]);
  expect(await nats.ensure(identity, await resolved())).toEqual({ kind: 'done' });
  expect((await call(`${INFO}.IN-${count}.${consumer}`)).config).toMatchObject({ filter_subject: `${name}.in` });
  expect((await observed()).drift).toEqual([]);
});

test('stay with another revision that reads the same, and go with one that reads something else, in the stream and elsewhere', async () => {
  const before = await consumers();
  const created = (await call(`${INFO}.IN-${count}.${before[0]}`)).created;
  const write = async (number: number, wanted: PhysicalPlan): Promise<void> => {
    const revision = { ...first(), number };
    const asked = { identity, revision, plan: wanted, code: null, parameters: {}, workers: 1, runId: null, restore: null };
    expect(await nats.writeRevision({ ...asked, run: 'continued' })).toEqual({ kind: 'done' });
  };
  await write(2, await resolved());
  expect(await consumers()).toEqual(before);
  expect((await call(`${INFO}.IN-${count}.${before[0]}`)).created).toBe(created);
  await write(3, await resolved(plan(identity, `${name}.other`)));
  const others = await consumers();
  expect(others).toHaveLength(1);
  expect(others).not.toEqual(before);
  await stream(`AWAY-${count}`, [`${name}.away`]);
  await write(4, await resolved(plan(identity, `${name}.away`)));
  expect([await consumers(), (await consumers(`AWAY-${count}`)).length]).toEqual([[], 1]);
  // What is left of a time when the operator ended in the midst of it.
  await call(`CONSUMER.CREATE.AWAY-${count}.${before[0]}`, {
    stream_name: `AWAY-${count}`,
    config: { name: before[0], durable_name: before[0] },
  });
  expect(await nats.ensure(identity, await resolved(plan(identity, `${name}.away`)))).toEqual({ kind: 'done' });
  expect(await consumers(`AWAY-${count}`)).toHaveLength(1);
  expect(await nats.restoreRevision(identity, 2, { ...first(), number: 5 })).toEqual({ kind: 'done' });
  expect([await consumers(), await consumers(`AWAY-${count}`)]).toEqual([before, []]);
});

test.each(['run', 'job'] as const)('go with the state of the %s, and another run has others', async (of) => {
  const before = await consumers();
  await call(`CONSUMER.CREATE.IN-${count}.app`, { stream_name: `IN-${count}`, config: { name: 'app', durable_name: 'app' } });
  expect(await nats.removeState(identity, of)).toEqual({ kind: 'done' });
  expect(await consumers()).toEqual([]);
  expect((await call(`${INFO}.IN-${count}.app`)).config).toBeDefined();
  await deploy(await resolved());
  expect(await consumers()).toHaveLength(1);
  expect(await consumers()).not.toEqual(before);
});
