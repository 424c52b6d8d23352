// ConservationOK on a real API server: True while all is well, False with the range soon after a journal's messages were deleted.
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, expect, test } from 'vitest';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { metricCatalogue, sampleName, type MetricName } from '../../runtime/telemetry/metric-catalogue.ts';
import { startPod } from '../../runtime/pod/pod-harness.ts';
import { until } from '../support/until.ts';
import { JOB, jobPath } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

/** It takes some seconds. */
const WAIT_MS = 90_000;
const namespace = 'conserved';
const identity = `${namespace}_${JOB}`;
const stream = `MR_${identity}_load`;
const subject = `mr.${identity}.load.0`;
const bed = operatedNamespace(namespace);
let connection: NatsConnection;

beforeAll(async () => {
  connection = await bed.plane.connection(namespace);
  await bed.plane.apply(namespace);
});

test('is True while workers process events', async () => {
  await bed.jobIsReady();
  const pod = startPod({ natsUrl: bed.plane.nats.url, job: identity, worker: 'w1' });
  for (let n = 0; n < 50; n++) connection.publish('load', JSON.stringify({ key: `k${n % 5}`, n }));
  const journal = new NatsJournal(Link.of(connection));
  await until('records are there', WAIT_MS, async () => ((await journal.last(stream, subject))?.sequence ?? 0) >= 2, story);
  expect((await pod.end()).code).toBe(0);
  await until('it is looked at', WAIT_MS, async () => (await condition())?.status === 'True', story);
});

test('is False when they are deleted by hand, and names them', async () => {
  const last = await new NatsJournal(Link.of(connection)).last(stream, subject);
  await looks(4); // the second began when the worker had ended, and one that goes on beside others may not be over yet
  expect((await callApi(Link.of(connection), `STREAM.PURGE.${stream}`, { filter: subject })).kind).toBe('ok');
  const tookMs = await until('it is False', WAIT_MS, async () => (await condition())?.status === 'False', story);
  console.log(`told after ${Math.round(tookMs)} ms: ${(await condition())?.message}`);
  expect(await condition()).toMatchObject({
    reason: 'EventsUnaccounted',
    message: expect.stringMatching(
      new RegExp(`records 1 … \\d+ of load/0 \\(up to sequence ${last?.sequence}\\) were there and are gone`),
    ) as string,
  });
});

test('is in the metrics of the operator, with all else that the catalogue has', async () => {
  const isTold = `\nmillrace_job_condition{job="${identity}",condition="ConservationOK"} 0\n`;
  await until('it is told', WAIT_MS, async () => (await bed.operator.metrics()).includes(isTold), story);
  const metrics = await bed.operator.metrics();
  const names = (Object.keys(metricCatalogue) as MetricName[]).filter((name) => metricCatalogue[name].of === 'operator');
  // Nothing runs: no stage has figures.
  const ofStages = names.filter((name) => (metricCatalogue[name].labels as readonly string[]).includes('stage'));
  const told = names.filter((name) => metrics.includes(`# TYPE ${sampleName(name)} `));
  expect(told).toEqual(names.filter((name) => !ofStages.includes(name) || told.includes(name)));
  expect(told).toEqual(expect.arrayContaining(['millrace_jobs', 'millrace_operator_reconciles', 'millrace_operator_kube_requests']));
});

/** Until the operator has asked so many times what the stream holds. */
async function looks(count: number): Promise<void> {
  const asked = connection.subscribe(`$JS.API.STREAM.INFO.${stream}`, { callback: () => void 0 });
  await until(`it is looked at ${count} times`, WAIT_MS, () => Promise.resolve(asked.getReceived() >= count), story);
  asked.unsubscribe();
}

async function condition() {
  return (await bed.plane.get(jobPath(namespace)))?.status?.conditions?.find(({ type }) => type === 'ConservationOK');
}

function story(): string {
  return bed.operator.log;
}
