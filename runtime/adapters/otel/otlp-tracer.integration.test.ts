// Both tracers, the one that sends and the one whose thread does, against a real HTTP server that takes spans, refuses, answers late, or is not there.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { bundlePrograms } from '../../../images/bundle.ts';
import { images, type Program } from '../../../images/programs.ts';
import { OtlpReceiver } from '../../../test/support/otlp-receiver.ts';
import { SPANS_WAITING_MAX } from '../../base/limits.ts';
import type { SpanData, Tracer } from '../../telemetry/span.ts';
import { closeTracer } from '../../telemetry/close-tracer.ts';
import { OtlpTracer } from './otlp-tracer.ts';
import { ThreadTracer } from './thread-tracer.ts';

let collector: OtlpReceiver;
beforeEach(async () => {
  collector = await OtlpReceiver.start();
});
afterEach(() => collector.stop());

const troubles: string[] = [];
beforeEach(() => void (troubles.length = 0));

const tracers = [
  { tracer: 'the tracer that sends', Tracer: OtlpTracer },
  { tracer: 'the tracer with a thread', Tracer: ThreadTracer },
];

function openOf({ Tracer: Of }: (typeof tracers)[number]): (url?: string) => Tracer {
  return (url = `${collector.url}/v1/traces`) =>
    new Of({ url, headers: { 'x-tenant': 'a' }, instance: 'w-1', onTrouble: (message) => troubles.push(message) });
}

const SHARED = { 'millrace.job': 'j' };

function span(n: number): SpanData {
  const [traceId, spanId] = [n.toString(16).padStart(32, '0'), n.toString(16).padStart(16, '0')];
  const event = { name: 'transition', atMs: 1_700_000_000_000.5, attributes: { list: ['a', 'b'], count: 1, is: true } };
  return {
    traceId,
    spanId,
    parentId: 'f'.repeat(16),
    name: 'process fates',
    kind: 'consumer',
    service: 'j/fates',
    startMs: 1_700_000_000_000.25,
    endMs: 1_700_000_000_001,
    shared: SHARED,
    attributes: { 'millrace.partition': n },
    events: [event],
    links: [{ traceId, spanId: 'e'.repeat(16) }],
    error: n === 2 ? 'no' : null,
  };
}

describe.each(tracers)('spans of $tracer', (row) => {
  const open = openOf(row);

  test('arrive as they were told', async () => {
    const tracer = open();
    tracer.end(span(1));
    tracer.end(span(2));
    await tracer.close(60_000);
    expect(tracer.figures()).toEqual({ sent: 2, dropped: 0 });
    const [first, second] = collector.spans;
    expect(first).toMatchObject({
      name: 'process fates',
      service: 'j/fates',
      parentSpanId: 'f'.repeat(16),
      isError: false,
      attributes: { 'millrace.job': 'j', 'millrace.partition': 1 },
      startNs: 1_700_000_000_000_250_000n,
      endNs: 1_700_000_000_001_000_000n,
      events: [{ name: 'transition', attributes: { list: ['a', 'b'], count: 1, is: true } }],
      links: [{ spanId: 'e'.repeat(16) }],
    });
    expect(second).toMatchObject({ isError: true, message: 'no' });
  });

  test('that find no room are dropped and counted; all others arrive', async () => {
    const tracer = open();
    for (let n = 1; n <= SPANS_WAITING_MAX + 100; n++) tracer.end(span(n));
    expect(tracer.figures()).toEqual({ sent: 0, dropped: 100 });
    await tracer.close(60_000);
    expect(tracer.figures()).toEqual({ sent: SPANS_WAITING_MAX, dropped: 100 });
    expect(collector.spans).toHaveLength(SPANS_WAITING_MAX);
  });

  test('after the end are dropped', async () => {
    const tracer = open();
    await tracer.close(1_000);
    tracer.end(span(1));
    expect(tracer.figures()).toEqual({ sent: 0, dropped: 1 });
  });
});

describe.each(tracers)('a collector of $tracer that', (row) => {
  const open = openOf(row);

  test('refuses: dropped, counted, told once', async () => {
    collector.mood = 'refuses';
    const tracer = open();
    for (let n = 1; n <= 1_000; n++) tracer.end(span(n));
    await tracer.close(60_000);
    expect(tracer.figures()).toEqual({ sent: 0, dropped: 1_000 });
    expect(troubles).toEqual([expect.stringMatching(/traces do not reach http:.* and are dropped: it answers 400/)]);
  });

  test('is busy for a moment: asked again, nothing is lost', async () => {
    collector.mood = 'is busy';
    const tracer = open();
    tracer.end(span(1));
    await expect.poll(() => collector.requests).toBeGreaterThan(0);
    collector.mood = 'takes';
    await expect.poll(() => tracer.figures()).toEqual({ sent: 1, dropped: 0 });
    await tracer.close(1_000);
    expect(troubles).toEqual([]);
  });

  test('never answers: the end takes no longer than it may', async () => {
    collector.mood = 'is silent';
    const tracer = open();
    for (let n = 1; n <= 1_000; n++) tracer.end(span(n));
    await expect.poll(() => collector.requests).toBe(1); // a thread that has only begun has sent nothing yet
    await tracer.close(300);
    expect(collector.requests).toBe(1);
    await expect.poll(() => tracer.figures()).toEqual({ sent: 0, dropped: 1_000 });
  });

  test('does not answer once while the tracer ends: asked again, nothing is lost', async () => {
    collector.mood = 'is silent';
    const tracer = open();
    tracer.end(span(1));
    const closed = tracer.close(60_000);
    await expect.poll(() => collector.requests, { timeout: 60_000 }).toBeGreaterThan(0);
    collector.mood = 'takes';
    await closed;
    expect(tracer.figures()).toEqual({ sent: 1, dropped: 0 });
    expect(troubles).toEqual([]);
  }, 90_000);

  test('never answers: what was not sent by the end is told with its number', async () => {
    collector.mood = 'is silent';
    const tracer = open();
    for (let n = 1; n <= 1_000; n++) tracer.end(span(n));
    await closeTracer(tracer, 300, (message) => troubles.push(message));
    expect(troubles).toEqual([expect.stringMatching(/^the last 1000 spans did not reach the collector within the 300 ms .* dropped$/)]);
    expect(tracer.figures()).toEqual({ sent: 0, dropped: 1_000 });
  });

  test('takes them: nothing is told at the end', async () => {
    const tracer = open();
    tracer.end(span(1));
    await closeTracer(tracer, 60_000, (message) => troubles.push(message));
    expect(troubles).toEqual([]);
    expect(collector.spans).toHaveLength(1);
  }, 90_000);

  test('is not there: told with its reason, without the password of its address', async () => {
    const { port } = new URL(collector.url);
    await collector.stop();
    const tracer = open(`http://127.0.0.1:${port}/v1/traces`);
    tracer.end(span(1));
    await expect.poll(() => troubles).toEqual([expect.stringContaining('ECONNREFUSED')]);
    await tracer.close(0);
    expect(tracer.figures()).toEqual({ sent: 0, dropped: 1 });
    collector = await OtlpReceiver.start();
  });
});

test('a thread that has not begun by the end takes no longer than it may, and its spans are counted', async () => {
  const parts = { url: collector.url, headers: {}, instance: 'w-1', onTrouble: (message: string) => troubles.push(message) };
  const tracer = new ThreadTracer(parts, new URL('data:text/javascript,setInterval(() => {}, 1000)'));
  for (let n = 1; n <= 100; n++) tracer.end(span(n));
  await tracer.close(300);
  expect(tracer.figures()).toEqual({ sent: 0, dropped: 100 });
});

test('a thread that fails takes its spans with it: counted, told once, and the worker goes on', async () => {
  const parts = { url: collector.url, headers: {}, instance: 'w-1', onTrouble: (message: string) => troubles.push(message) };
  const tracer = new ThreadTracer(parts, new URL('./not-there.ts', import.meta.url));
  for (let n = 1; n <= 100; n++) tracer.end(span(n));
  await expect.poll(() => tracer.figures()).toEqual({ sent: 0, dropped: 100 });
  tracer.end(span(101));
  await tracer.close(1_000);
  expect(tracer.figures()).toEqual({ sent: 0, dropped: 101 });
  expect(troubles).toEqual([expect.stringMatching(/the thread that sends traces has failed.*not-there/s)]);
});

test("in an image, the thread is the program beside the worker's", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tracer-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [main, ...beside] = images.worker.programs;
  const tracing: Program = { entry: 'runtime/adapters/otel/thread-tracer.ts', file: main.file };
  for (const { file, text } of await bundlePrograms([tracing, ...beside])) await writeFile(join(folder, file), text);
  const bundled = (await import(pathToFileURL(join(folder, main.file)).href)) as { readonly ThreadTracer: typeof ThreadTracer };
  const tracer = openOf({ tracer: 'bundled', Tracer: bundled.ThreadTracer })();
  tracer.end(span(1));
  await tracer.close(60_000);
  expect(troubles).toEqual([]);
  expect(tracer.figures()).toEqual({ sent: 1, dropped: 0 });
});
