// A worker that is scraped hard: each scrape is answered, data flows on, and memory stays bounded.

import { expect, test } from 'vitest';
import { jobText, readSubject } from '../../test/support/job-run.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { prepareJob, startPod, startTenantServer, writeRecord } from './pod-harness.ts';

const SCRAPES_PER_S = 100;
const SECONDS = 6;
const EVENTS = 3_000;
const KEYS = 1_000;
/** How far the heap grows before it is collected differs from machine to machine: 23 to 146 MiB were seen. */
const MEMORY_GROWTH_MAX = 320 * 2 ** 20;
const accepts = ['application/openmetrics-text;version=1.0.0', 'text/plain;version=0.0.4'];

const nats = operatorsServer(startTenantServer);

test(`${SCRAPES_PER_S} scrapes a second, in both forms, while ${EVENTS} events of ${KEYS} keys go through`, async () => {
  const identity = 'ns_scraped';
  await callApi(Link.of(nats.admin), 'STREAM.CREATE.IN_scraped', { name: 'IN_scraped', subjects: ['in.scraped'], storage: 'file' });
  const text = jobText(
    'scraped',
    `
  partitions: 4
  sources:
    - { name: numbers, nats: { subjects: [in.scraped], stream: IN_scraped }, schema: { key: string, n: int } }
  stages:
    - { name: sums, from: numbers, keyBy: { name: event.key }, aggregate: { sum: { sum: event.n } } }
  sinks:
    - { name: sums-out, from: sums, nats: { subject: out.scraped.sums } }
`,
  );
  const operated = await prepareJob(nats.admin, text, { identity });
  const natsUrl = await nats.server.allow('job-scraped', operated.permissions);
  await writeRecord(operated, { identity });
  const pod = startPod({ natsUrl, job: identity, worker: 'w-1' });
  await expect.poll(async () => (await pod.probe('readyz'))?.status, { timeout: 90_000 }).toBe(200);
  const port = pod.lines.find(({ msg }) => msg === 'started')?.['port'] as number;
  const scrape = async (accept: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
    expect(response.status).toBe(200);
    return response.text();
  };
  const valueOf = (metrics: string, name: string): number =>
    metrics.split('\n').reduce((sum, line) => (line.startsWith(name) ? sum + Number(line.split(' ')[1]) : sum), 0);
  const before = await scrape(accepts[1]!);

  const answers: Promise<string>[] = [];
  for (let count = 0; count < SCRAPES_PER_S * SECONDS; count++) {
    answers.push(scrape(accepts[count % 2]!));
    const upTo = Math.ceil(((count + 1) * EVENTS) / (SCRAPES_PER_S * SECONDS));
    const from = Math.ceil((count * EVENTS) / (SCRAPES_PER_S * SECONDS));
    for (let n = from; n < upTo; n++) nats.admin.publish('in.scraped', JSON.stringify({ key: `<b>key\n"${n % KEYS}"`, n: 1 }));
    await new Promise((resolve) => setTimeout(resolve, 1_000 / SCRAPES_PER_S));
  }
  const texts = await Promise.all(answers);
  await expect
    .poll(async () => valueOf(await scrape(accepts[1]!), 'millrace_stage_input_events_total{job="ns_scraped",stage="sums"}'), {
      timeout: 90_000,
    })
    .toBe(EVENTS);

  const after = await scrape(accepts[1]!);
  const grown = valueOf(after, 'millrace_worker_memory_bytes') - valueOf(before, 'millrace_worker_memory_bytes');
  console.log(`${texts.length} scrapes, ${texts.at(-1)?.length} bytes each; memory ${Math.round(grown / 2 ** 20)} MiB more`);
  expect(grown).toBeLessThan(MEMORY_GROWTH_MAX);
  expect(texts.every((answer, count) => answer.endsWith('# EOF\n') === (count % 2 === 0))).toBe(true);
  // No key is a label, whatever it holds.
  expect(texts.some((answer) => answer.includes('key'))).toBe(false);
  const results = (await readSubject(nats.server.url, 'out.scraped.sums', 'out_scraped_sums')) as {
    readonly name: string;
    readonly sum: number;
  }[];
  const sums = new Map(results.map(({ name, sum }) => [name, sum]));
  expect([...sums.values()].reduce((total, sum) => total + sum, 0)).toBe(EVENTS);
});
