// From a figure to a trace: the trace that a scrape of a pod names is among those that its collector got.

import { expect, onTestFinished, test } from 'vitest';
import { jobText } from '../../test/support/job-run.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { OtlpReceiver } from '../../test/support/otlp-receiver.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { prepareJob, startPod, startTenantServer, writeRecord } from './pod-harness.ts';

const nats = operatorsServer(startTenantServer);

test('each trace_id of an OpenMetrics scrape is a trace that was sent', async () => {
  const identity = 'ns_exemplars';
  const collector = await OtlpReceiver.start();
  onTestFinished(() => collector.stop());
  await callApi(Link.of(nats.admin), 'STREAM.CREATE.IN_exemplars', { name: 'IN_exemplars', subjects: ['in.exemplars'], storage: 'file' });
  const text = jobText(
    'exemplars',
    `
  partitions: 2
  sources:
    - { name: numbers, nats: { subjects: [in.exemplars], stream: IN_exemplars }, schema: { key: string, n: int } }
  stages:
    - { name: sums, from: numbers, keyBy: { name: event.key }, aggregate: { sum: { sum: event.n } } }
  sinks:
    - { name: sums-out, from: sums, nats: { subject: out.exemplars } }
`,
  );
  const operated = await prepareJob(nats.admin, text, { identity });
  const natsUrl = await nats.server.allow('job-exemplars', operated.permissions);
  await writeRecord(operated, { identity });
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1' };
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1', environment });
  await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 90_000 }).toBe(200);
  const port = pod.lines.find(({ msg }) => msg === 'started')?.['port'] as number;
  const scraped = async (): Promise<readonly string[]> => {
    nats.admin.publish('in.exemplars', JSON.stringify({ key: 'k', n: 1 }));
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept: 'application/openmetrics-text;version=1.0.0' } });
    return [...new Set([...(await response.text()).matchAll(/trace_id="([0-9a-f]{32})"/g)].flatMap(([, traceId]) => traceId ?? []))];
  };
  await expect.poll(scraped, { timeout: 90_000 }).not.toEqual([]);
  const named = await scraped();
  expect(named.length).toBeGreaterThan(0);
  const sent = (): readonly string[] => named.filter((traceId) => collector.trace(traceId).length > 0);
  await expect.poll(sent, { timeout: 90_000 }).toEqual(named);
  expect(new Set(named.flatMap((traceId) => collector.trace(traceId)).map(({ service }) => service.split('/')[0]))).toEqual(
    new Set([identity]),
  );
});
