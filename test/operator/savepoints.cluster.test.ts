// What kubectl shows of a savepoint that has to wait, of one that cannot be taken, and of the job whose state was kept, on a real API
// server with real workers.
import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { endPods, startPod } from '../../runtime/pod/pod-harness.ts';
import { reportIn } from '../../operator/nats/report-check.ts';
import type { StreamSavepointStatus } from '../../crds/stream-savepoint/spec.ts';
import { until } from '../support/until.ts';
import { JOB, jobPath } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'kept';
const savepoints = `/apis/millrace.dev/v1alpha1/namespaces/${namespace}/streamsavepoints`;
const waitMs = 180_000;
/** Two rounds of the reconciler. */
const quietMs = 9_000;
/** At ten a second: there must be time to ask for a savepoint before they are taken in. */
const WAITED_FOR = 500;
/** Twice what may wait during a pause. */
const MANY = 200_000;
const schema = { key: 'string', n: 'int' } as const;
const live = { name: 'load', nats: { subjects: ['load'], stream: 'load' }, schema };

const bed = operatedNamespace(namespace);
let connection: NatsConnection;

beforeAll(async () => {
  connection = await bed.plane.connection(namespace);
});

test('C7 one that waits for a bootstrap is Pending, with the task that it waits for; it is Completed behind it', async () => {
  await bed.plane.makeStream(namespace, 'old');
  for (let n = 0; n < WAITED_FOR; n++) await send('old', { key: `k${n % 5}`, n });
  await bed.plane.apply(namespace, {
    sources: [live, { name: 'old', nats: { subjects: ['old'], stream: 'old', bounded: true }, schema }],
    stages: [
      { name: 'slow', from: 'old', rateLimit: { perSecond: 10, burst: 1 } },
      { name: 'counts', from: 'load', bootstrap: ['slow'], keyBy: 'event.key', aggregate: { n: { count: {} } } },
    ],
    sinks: [{ name: 'out', from: 'counts', journal: {} }],
    replicas: 1,
  });
  await isRunning('w1');
  await make('early');
  let waiting: StreamSavepointStatus | undefined;
  const waits = async (): Promise<boolean> => (waiting = await statusOf('early'))?.message?.startsWith('the bootstrap of counts') === true;
  await until('it waits', waitMs, waits, story);
  expect(waiting?.message).toMatch(
    /^the bootstrap of counts is taken in, .*\/\d+ has not .*; the job goes on, and the savepoint is taken behind it$/,
  );
  expect(waiting?.phase).toBe('Pending');
  expect(waiting?.conditions).toMatchObject([
    { type: 'Ready', status: 'False', reason: 'Pending', message: waiting?.message },
    { type: 'Reconciling', status: 'True', reason: 'Pending' },
    { type: 'Stalled', status: 'False', reason: 'Pending' },
  ]);
  await until('it is taken', waitMs, async () => ['Completed', 'Failed'].includes((await statusOf('early'))?.phase ?? ''), story);
  expect(await statusOf('early')).toMatchObject({
    phase: 'Completed',
    message: expect.stringMatching(/^the state of \d+ tasks is kept/) as string,
  });
  await endPods();
});

test('the job tells the newest savepoint that there is, once; when that one is deleted, none', async () => {
  const lastOf = async (): Promise<unknown> => (await bed.plane.get(jobPath(namespace)))?.status?.lastSavepoint;
  await until('the job tells it', waitMs, async () => (await lastOf()) !== undefined, story);
  const { takenAt, bytes } = (await statusOf('early')) ?? {};
  expect(await lastOf()).toEqual({ name: 'early', takenAt, bytes });
  await bed.plane.patch(jobPath(namespace), { spec: { suspend: true } });
  await until('it is suspended', waitMs, async () => (await bed.plane.get(jobPath(namespace)))?.status?.phase === 'Suspended', story);
  const isQuiet = async (): Promise<boolean> => {
    const before = bed.proxy.writes.length;
    await sleep(quietMs);
    return bed.proxy.writes.length === before;
  };
  await until('nothing is written any more', waitMs, isQuiet, story); // The last figures of the workers turn to Unknown first.
  expect(await lastOf()).toEqual({ name: 'early', takenAt, bytes });
  await bed.plane.remove(`${savepoints}/early`);
  await until('nothing is told of it', waitMs, async () => (await lastOf()) === undefined, story);
  await bed.plane.remove(jobPath(namespace));
  await until('the job is gone', waitMs, async () => (await bed.plane.get(jobPath(namespace))) === null, story);
});

test('one of a job in which more waits than may during a pause has Failed at once, with the task and what to do; the job goes on', async () => {
  await bed.plane.makeStream(namespace, 'many');
  const lines = (from: number): string => Array.from({ length: 1_000 }, (_, n) => `{"key":"k","n":${from + n}}\n`).join('');
  for (let i = 0; i < MANY / 1_000; i++) await connection.request('many', lines(i * 1_000), { timeout: 20_000 });
  await bed.plane.apply(namespace, {
    sources: [{ name: 'load', nats: { subjects: ['many'], stream: 'many', format: 'ndjson' }, schema }],
    stages: [
      { name: 'counts', from: 'load', keyBy: 'event.n', aggregate: { times: { count: {} } } },
      { name: 'slow', from: 'counts', rateLimit: { perSecond: 1, burst: 1 } },
    ],
    sinks: [{ name: 'out', from: 'slow', journal: {} }],
    partitions: 1,
    replicas: 1,
  });
  await isRunning('w2');
  const results = async (): Promise<number> => {
    const info = await callApi<{ state: { messages: number } }>(Link.of(connection), `STREAM.INFO.MR_${namespace}_${JOB}_counts`);
    return info.kind === 'ok' ? info.value.state.messages : 0;
  };
  const reports = connection.subscribe(`mr.${namespace}_${JOB}.bus.report`);
  for await (const { data } of reports) {
    const task = reportIn(data)?.tasks.find((one) => one.task === 'load/0');
    if ((task?.counters.eventsIn ?? 0) >= MANY) break; // all of it is on its way
  }
  await make('crowded');
  await until('it has failed', waitMs, async () => ['Completed', 'Failed'].includes((await statusOf('crowded'))?.phase ?? ''), story);
  const failed = await statusOf('crowded');
  expect([failed?.phase, failed?.message]).toEqual([
    'Failed',
    expect.stringMatching(
      /^it cannot be taken now: \d{6} events wait in task counts\/0 for .*; make another savepoint when less waits: .*; sources go on$/,
    ),
  ]);
  expect(failed?.conditions?.find(({ type }) => type === 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'Failed',
    message: failed?.message,
  });
  const before = await results();
  await until('the job goes on', waitMs, async () => (await results()) > before + 2, story);
});

async function send(subject: string, event: unknown): Promise<void> {
  await connection.request(subject, JSON.stringify(event), { timeout: 20_000 });
}

/** With a worker here, in the place of the one that no node runs. */
async function isRunning(worker: string): Promise<void> {
  startPod({ natsUrl: bed.plane.nats.url, job: `${namespace}_${JOB}`, worker });
  await until('the job runs', waitMs, async () => (await bed.plane.get(jobPath(namespace)))?.status?.phase === 'Running', story);
}

async function make(name: string): Promise<void> {
  const spec = { job: JOB, deletionPolicy: 'Delete' };
  await bed.plane.create(savepoints, { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamSavepoint', metadata: { name, namespace }, spec });
}

async function statusOf(name: string): Promise<StreamSavepointStatus | undefined> {
  return (await bed.plane.get(`${savepoints}/${name}`))?.status as StreamSavepointStatus | undefined;
}

async function story(): Promise<string> {
  const statuses = await Promise.all(['early', 'crowded'].map(statusOf));
  return JSON.stringify([(await bed.plane.get(jobPath(namespace)))?.status, ...statuses], null, 1) + bed.operator.log;
}
