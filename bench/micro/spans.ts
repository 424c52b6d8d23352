// What a told span costs all threads of a worker until it is at its collector, its making not included, and which part of that is what: with a
// thread that drops what it is handed, and with spans that say nothing.
//
//   S1. Each round has a new thread: no code is compiled in it yet, as in a job that samples few events. Its start and its first span are not counted.
//   S2. Settings take turns in one process, and CPU time is compared, so that what disturbs the machine disturbs all alike.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { ThreadTracer } from '../../runtime/adapters/otel/thread-tracer.ts';
import { SPANS_PER_REQUEST_MAX } from '../../runtime/base/limits.ts';
import { EVENTS, MESSAGING, MILLRACE } from '../../runtime/telemetry/conventions.ts';
import type { Attributes, SpanData } from '../../runtime/telemetry/span.ts';

const ROUNDS = 11;
/** As many as one sampled event in a thousand of 2,000,000 has in three stages. */
const REQUESTS = 12;

type Setting = { readonly name: string; readonly program?: URL; readonly saysNothing?: boolean };
const settings: readonly Setting[] = [
  { name: 'as it is' },
  { name: 'spans that say nothing', saysNothing: true },
  { name: 'handed over and dropped', program: new URL('../run/dropping-thread.ts', import.meta.url) },
];

const collector = fork(new URL('../run/collector-process.ts', import.meta.url));
const [url] = (await once(collector, 'message')) as [string];
const stages = ['events', 'bids', 'counts'].map((stage) => ({ stage, shared: sharedBy(stage) }));
const cpuUs: number[][] = settings.map(() => []);
for (let round = 0; round < ROUNDS; round++)
  for (let turn = 0; turn < settings.length; turn++) {
    const which = (turn + round) % settings.length;
    cpuUs[which]!.push(await cpuUsOfSpan(settings[which]!));
  }
collector.disconnect();
for (const [which, { name }] of settings.entries()) {
  const [lower, median, upper] = [0.25, 0.5, 0.75].map((share) => quantile(cpuUs[which]!, share).toFixed(1));
  console.log(`${name.padEnd(24)} ${median!.padStart(6)} µs CPU a span (quartiles ${lower} and ${upper})`);
}

/** S1. */
async function cpuUsOfSpan({ program, saysNothing = false }: Setting): Promise<number> {
  const parts = { url, headers: {}, instance: 'w', onTrouble: (trouble: string) => console.error(trouble) };
  const tracer = program === undefined ? new ThreadTracer(parts) : new ThreadTracer(parts, program);
  const spans = Array.from({ length: REQUESTS * SPANS_PER_REQUEST_MAX }, (_, n) => spanOf(n, saysNothing));
  tracer.end(spanOf(spans.length, saysNothing));
  await settled(tracer, 1);
  const before = process.cpuUsage();
  for (let from = 0; from < spans.length; from += SPANS_PER_REQUEST_MAX) {
    for (const span of spans.slice(from, from + SPANS_PER_REQUEST_MAX)) tracer.end(span);
    await settled(tracer, 1 + from + SPANS_PER_REQUEST_MAX);
  }
  const { user, system } = process.cpuUsage(before);
  await tracer.close(1_000);
  return (user + system) / spans.length;
}

async function settled(tracer: ThreadTracer, spans: number): Promise<void> {
  while (tracer.figures().sent < spans) await sleep(5);
}

/** What a task's spans say alike (runtime/worker/task-spans.ts). */
function sharedBy(stage: string): Attributes {
  return {
    [MESSAGING.system]: 'nats',
    [MESSAGING.operationType]: 'process',
    [MESSAGING.operationName]: 'process',
    [MESSAGING.destination]: `count-1a2b3c_${stage}`,
    [MESSAGING.partition]: '1',
    [MILLRACE.job]: 'count',
    [MILLRACE.stage]: stage,
    [MILLRACE.partition]: 1,
    [MILLRACE.worker]: 'w-1',
    [MILLRACE.revision]: 1,
  };
}

function spanOf(n: number, saysNothing: boolean): SpanData {
  const { stage, shared } = stages[n % stages.length]!;
  const record = { [MILLRACE.record]: n };
  const startMs = 1_700_000_000_000 + n;
  const id = (2 ** 50 + n * 7_919).toString(16);
  return {
    traceId: id.padStart(32, '0'),
    spanId: id.padStart(16, '0'),
    parentId: id.padStart(16, '1'),
    name: `process ${stage}`,
    kind: 'consumer',
    service: `count/${stage}`,
    startMs,
    endMs: startMs + 5,
    shared: saysNothing ? {} : shared,
    attributes: saysNothing ? {} : { [MESSAGING.batchCount]: 1, ...record, [MILLRACE.epoch]: 1 },
    events: saysNothing ? [] : [{ name: EVENTS.committed, atMs: startMs + 4, attributes: record }],
    links: [],
    error: null,
  };
}

function quantile(numbers: readonly number[], share: number): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * share)]!;
}
