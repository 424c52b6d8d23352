// State larger than the heap of its worker: what actors keep lies on disk, over a kill too, and each has its own again when it is asked.

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { jobText, readSubject } from '../../test/support/job-run.ts';
import { operatorsServer } from '../../test/support/operators-server.ts';
import { callApi } from '../adapters/nats/jetstream-api.ts';
import { Link } from '../adapters/nats/link.ts';
import { prepareJob, startPod, startTenantServer, writeRecord, type PodProcess } from './pod-harness.ts';

const KEYS = 60_000;
const CHARACTERS = 2_048;
/** Events at a time: of more bytes than half of the heap. */
const PORTION = 30_000;
const HEAP_MB = 96;
const MEMORY_BYTES = 8 * 2 ** 20;

const nats = operatorsServer(startTenantServer);

/** A text that no other key has, and that is not kept anywhere here. */
function textOf(n: number): string {
  return createHash('sha256')
    .update(String(n))
    .digest('hex')
    .repeat(CHARACTERS / 64);
}

async function valueOf(pod: PodProcess, name: string, stage?: string): Promise<number> {
  const begins = `${name}{job="ns_large"${stage === undefined ? '' : `,stage="${stage}"`}`;
  const lines = (await pod.metrics()).split('\n').filter((line) => line.startsWith(begins));
  return lines.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

test(`C3 ${KEYS} actors that keep ${CHARACTERS} characters each, in a worker with a heap of ${HEAP_MB} MB, which is killed once`, async () => {
  const identity = 'ns_large';
  await callApi(Link.of(nats.admin), 'STREAM.CREATE.IN_large', { name: 'IN_large', subjects: ['in.large'], storage: 'file' });
  const text = jobText(
    'large',
    `
  state: { memory: '${MEMORY_BYTES}', disk: 1Gi }
  partitions: 2
  sources:
    - { name: rows, nats: { subjects: [in.large], stream: IN_large }, schema: { key: string, kind: string, text: string } }
  stages:
    - name: keepers
      from: rows
      keyBy: event.key
      machine:
        eventType: event.kind
        context: { text: '' }
        initial: keeping
        states:
          keeping:
            on:
              keep: { actions: [{ assign: { text: event.text } }] }
              ask:
                actions:
                  - emit: { output: told, value: { key: key, begins: 'context.text.substring(0, 64)', characters: size(context.text) } }
  sinks:
    - { name: out, from: keepers.told, nats: { subject: out.large, batch: 1000 } }
`,
  );
  const operated = await prepareJob(nats.admin, text, { identity });
  const natsUrl = await nats.server.allow('job-large', operated.permissions);
  await writeRecord(operated, { identity });
  const start = (worker: string): PodProcess => startPod({ natsUrl, job: identity, worker, flags: [`--max-old-space-size=${HEAP_MB}`] });
  const first = start('w-1');
  await expect.poll(async () => (await first.probe('readyz'))?.status, { timeout: 90_000 }).toBe(200);

  const takenBy = (pod: PodProcess): Promise<number> => valueOf(pod, 'millrace_stage_input_events_total', 'keepers');
  const publish = async (kind: 'keep' | 'ask', [from, to]: readonly [number, number], pod: PodProcess): Promise<void> => {
    const before = await takenBy(pod);
    for (let n = from; n < to; n++) {
      nats.admin.publish('in.large', JSON.stringify({ key: `k${n}`, kind, text: kind === 'keep' ? textOf(n) : '' }));
      if ((n + 1) % PORTION !== 0) continue;
      await expect.poll(() => takenBy(pod), { timeout: 60_000, interval: 10 }).toBeGreaterThanOrEqual(before + n + 1 - from);
    }
  };
  await publish('keep', [0, KEYS / 2], first);
  await first.end('SIGKILL');

  const second = start('w-2');
  await expect.poll(async () => (await second.probe('readyz'))?.status, { timeout: 60_000 }).toBe(200);
  await publish('keep', [KEYS / 2, KEYS], second);
  const onDisk = await valueOf(second, 'millrace_worker_state_disk_bytes');
  expect(onDisk).toBeGreaterThan(KEYS * CHARACTERS - 2 * MEMORY_BYTES);
  expect(await valueOf(second, 'millrace_worker_state_memory_bytes')).toBeLessThan(2 * MEMORY_BYTES);
  const resident = await valueOf(second, 'millrace_worker_memory_bytes');
  console.log(`${Math.round(onDisk / 1e6)} MB of values on disk; resident ${Math.round(resident / 1e6)} MB`);

  await publish('ask', [0, KEYS], second);
  const results = async (): Promise<readonly Result[]> => (await readSubject(nats.server.url, 'out.large')) as Result[];
  await expect.poll(async () => (await results()).length, { timeout: 120_000, interval: 2_000 }).toBe(KEYS);
  expect(await results()).toEqual(expect.arrayContaining([{ key: 'k7', begins: textOf(7).slice(0, 64), characters: CHARACTERS }]));
  const found = new Map((await results()).map(({ key, begins, characters }) => [key, `${begins} ${characters}`]));
  expect(found).toEqual(new Map(Array.from({ length: KEYS }, (_key, n) => [`k${n}`, `${textOf(n).slice(0, 64)} ${CHARACTERS}`])));
}, 300_000);

type Result = { readonly key: string; readonly begins: string; readonly characters: number };
