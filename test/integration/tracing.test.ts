// Traces of a job as a real OTLP collector gets them: one trace from the producer's message to the sink's, whatever happens to
// the collector.

import { headers as natsHeaders } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { canonicalKey, followKey } from '../../cli/run/follow-key.ts';
import type { RunRequest } from '../../cli/run/run-job.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';
import type { ReceivedSpan } from '../support/otlp-receiver.ts';
import { withFolder } from '../support/flights-run.ts';
import { jobText, readDeadLetters, readLines, runText } from '../support/job-run.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

let server: TestServer;
let collector: OtlpReceiver;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  collector = await OtlpReceiver.start();
});
afterEach(() => collector.stop());

const TRACE = 'a'.repeat(31) + '1';
const PRODUCER = 'b'.repeat(15) + '1';

/** Orders are placed, paid, or forgotten after an hour; what has no amount cannot be summed up. */
const ORDERS = jobText(
  'orders',
  `
  partitions: 2
  sources:
    - name: orders
      nats: { subjects: [in.orders], bounded: true }
      schema: { order: string, type: string, amount: int, at: int }
      eventTime: { at: event.at }
  stages:
    - { name: doubled, from: orders, map: { order: event.order, type: event.type, amount: 2 * event.amount, at: event.at } }
    - name: fates
      from: doubled
      keyBy: event.order
      machine:
        initial: 'new'
        context: { amount: 0 }
        states:
          new:
            on:
              placed:
                target: placed
                actions:
                  - assign: { amount: event.amount }
                  - raise: { type: forgotten, id: '"forgotten"', delay: 1h }
          placed:
            on:
              paid:
                - target: settled
                  guard: event.amount >= context.amount
                  actions: [{ cancel: '"forgotten"' }, { emit: { output: settled, value: { order: key, amount: context.amount } } }]
              forgotten:
                target: lost
                actions: [{ emit: { output: lost, value: { order: key } } }]
          settled: {}
          lost: {}
    - name: totals
      from: doubled
      keyBy: event.type
      window: { tumbling: { size: 1h } }
      aggregate: { amount: { sum: event.amount } }
  sinks:
    - { name: settled-out, from: fates.settled, nats: { subject: out.settled } }
    - { name: lost-out, from: fates.lost, file: { path: lost.ndjson } }
    - { name: totals-out, from: totals, file: { path: totals.ndjson } }
`,
);

type Order = { readonly order: string; readonly type: string; readonly amount: unknown; readonly at: number };
const HOUR = 3_600_000;

describe('one trace follows an event', () => {
  test("from its producer's message through stages, actor and window to the sinks", () =>
    withFolder(async (folder) => {
      await publish(
        'in.orders',
        [
          { order: 'one', type: 'placed', amount: 3, at: HOUR },
          { order: 'one', type: 'paid', amount: 5, at: HOUR + 1 },
          { order: 'two', type: 'placed', amount: 1, at: HOUR + 2 },
        ],
        { 0: `00-${TRACE}-${PRODUCER}-01`, 1: `00-${TRACE}-${PRODUCER.replace('1', '2')}-01`, 2: `00-${TRACE}-${PRODUCER}-00` },
      );
      const { outcome } = await run(folder, ORDERS, { workers: 2, isolation: 'process' });
      expect(outcome.ending).toBe('completed');
      const spans = collector.trace(TRACE);
      expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
      const received = only(spans, ({ name, parentSpanId }) => name === 'receive orders' && parentSpanId === PRODUCER);
      expect(received.service).toBe('orders/orders');
      expect(received.attributes).toMatchObject({
        'messaging.system': 'nats',
        'messaging.operation.type': 'receive',
        'messaging.destination.name': 'in.orders',
        'millrace.stage': 'orders',
      });
      const placed = only(spans, ({ name, parentSpanId }) => name === 'process fates' && parentSpanId === received.spanId);
      expect(placed.service).toBe('orders/fates');
      expect(transitions(placed)).toEqual([
        expect.objectContaining({
          'millrace.actor.state.from': 'new',
          'millrace.actor.state.to': 'placed',
          'millrace.event.type': 'placed',
          'millrace.key': 'one',
          'millrace.actor.timers.set': ['forgotten in 3600000 ms'],
        }),
      ]);
      const paid = only(
        spans,
        (span) => span.name === 'process fates' && transitions(span).some((one) => one['millrace.event.type'] === 'paid'),
      );
      expect(transitions(paid)).toEqual([
        expect.objectContaining({
          'millrace.actor.state.from': 'placed',
          'millrace.actor.state.to': 'settled',
          'millrace.actor.guards': ['placed.paid[0] when event.amount >= context.amount'],
          'millrace.actor.timers.cleared': ['forgotten'],
          'millrace.actor.emitted': ['settled'],
        }),
      ]);
      const sent = only(spans, ({ name }) => name === 'send settled-out');
      expect(sent.parentSpanId).toBe(paid.spanId);
      expect(sent.attributes).toMatchObject({ 'messaging.operation.type': 'send', 'messaging.destination.name': 'out.settled' });
      expect(sent.events.map(({ name }) => name)).toEqual(['committed']);
      expect(await traceparents('out.settled')).toEqual([`00-${TRACE}-${sent.spanId}-01`]);
      // A window's result goes on below its first contributor, and links to the others.
      const totalOf = (name: string): ReceivedSpan => only(spans, (span) => span.name === name && span.parentSpanId === placedTotal.spanId);
      const placedTotal = only(spans, ({ name, parentSpanId }) => name === 'process totals' && parentSpanId === received.spanId);
      const emitted = totalOf('emit totals');
      expect(emitted.links).toEqual([]);
      expect(emitted.attributes).toMatchObject({ 'millrace.window.contributors': 1, 'millrace.transform': 'totals' });
      expect(spans.some(({ name, parentSpanId }) => name === 'send totals-out' && parentSpanId === emitted.spanId)).toBe(true);
      // The third event is of a producer that does not sample it.
      expect(collector.spans.flatMap(transitions).filter((one) => one['millrace.key'] === 'two')).toEqual([]);
      for (const { startNs, endNs } of collector.spans) expect(endNs).toBeGreaterThanOrEqual(startNs);
    }));

  test('a timer goes on in the trace of what set it', () =>
    withFolder(async (folder) => {
      await publish(
        'in.orders',
        [
          { order: 'one', type: 'placed', amount: 3, at: HOUR },
          { order: 'two', type: 'placed', amount: 1, at: 9 * HOUR },
        ],
        { 0: `00-${TRACE}-${PRODUCER}-01` },
      );
      await run(folder, ORDERS);
      const spans = collector.trace(TRACE);
      const fired = only(spans, ({ events }) => events.some(({ name }) => name === 'timer fired'));
      expect(transitions(fired).at(-1)).toMatchObject({ 'millrace.actor.state.to': 'lost', 'millrace.actor.emitted': ['lost'] });
      expect(only(spans, ({ name }) => name === 'send lost-out').parentSpanId).toBe(fired.spanId);
      expect(await readLines(folder, 'out', 'lost.ndjson')).toHaveLength(2);
    }));
});

describe('another worker goes on', () => {
  test('with windows that are open and timers that are pending: what comes of them is in the traces of what went in', () =>
    withFolder(async (folder) => {
      const other = TRACE.replace('1', '2');
      const events = [
        { order: 'one', type: 'placed', amount: 3, at: HOUR },
        { order: 'two', type: 'placed', amount: 4, at: HOUR + 1 },
      ];
      await publish('in.orders', events, { 0: `00-${TRACE}-${PRODUCER}-01`, 1: `00-${other}-${PRODUCER}-01` });
      const unbounded = ORDERS.replace('bounded: true', 'bounded: false');
      const interrupt = new AbortController();
      onTestFinished(() => interrupt.abort());
      const first = run(folder, unbounded, { isolation: 'process' }, 0, collector.url, interrupt.signal);
      // A span is told when its record is stored: by then the window holds the event.
      const told = (trace: string): string[] => collector.trace(trace).map(({ name }) => name);
      for (const trace of [TRACE, other])
        await expect.poll(() => told(trace), { timeout: 90_000 }).toEqual(expect.arrayContaining(['process totals', 'process fates']));
      interrupt.abort();
      expect((await first).outcome.ending).toBe('interrupted');
      expect(told(TRACE)).not.toContain('emit totals');
      const second = new AbortController();
      onTestFinished(() => second.abort());
      const running = run(folder, unbounded, { isolation: 'process', fresh: false }, 0, collector.url, second.signal);
      await send({ order: 'three', type: 'placed', amount: 1, at: 9 * HOUR });
      await expect.poll(() => [...told(TRACE), ...told(other)], { timeout: 90_000 }).toContain('send totals-out');
      const isOf = (trace: string) => (): number => told(trace).filter((name) => name === 'send lost-out').length;
      for (const trace of [TRACE, other]) await expect.poll(isOf(trace), { timeout: 90_000 }).toBe(1);
      second.abort();
      expect((await running).outcome.ending).toBe('interrupted');
      const emitted = only(collector.spans, ({ name }) => name === 'emit totals');
      const wentIn = [TRACE, other].map((trace) => only(collector.trace(trace), ({ name }) => name === 'process totals').spanId);
      expect([emitted.parentSpanId, ...emitted.links.map(({ spanId }) => spanId)].sort()).toEqual(wentIn.sort());
      for (const trace of [TRACE, other]) only(collector.trace(trace), (span) => span.events.some(({ name }) => name === 'timer fired'));
    }));
});

describe('what goes wrong is kept, sampled or not', () => {
  const HOSTILE = '<img src=x onerror=alert(1)>\u001b[31m\r\n{"level":"error"}\u202e';

  test('a dead letter has a trace of its own, without what would write into a terminal or a log', () =>
    withFolder(async (folder) => {
      await publish(
        'in.orders',
        [
          { order: HOSTILE, type: HOSTILE, amount: 1, at: HOUR },
          { order: 'x', type: 'placed', amount: 'many', at: HOUR },
        ],
        {},
      );
      await run(folder, ORDERS);
      const letters = await readDeadLetters(join(folder, 'out'));
      expect(letters.map(({ code }) => code).sort()).toEqual(['MR3001', 'MR3003']);
      for (const letter of letters) {
        const spans = collector.trace(letter.traceId ?? 'none');
        const failed = only(spans, ({ isError }) => isError);
        expect(failed.attributes).toMatchObject({
          'error.type': letter.code,
          'millrace.dead_letter.code': letter.code,
          'millrace.trace.why': 'dead letter',
        });
        expect(failed.events.map(({ name }) => name)).toContain('exception');
        expect(spans.some(({ name, parentSpanId }) => name === 'send dead-letters' && parentSpanId === failed.spanId)).toBe(true);
        // oxlint-disable-next-line no-control-regex -- none may be left
        expect(JSON.stringify(spans.map(({ attributes, events, message }) => ({ attributes, events, message })))).not.toMatch(
          /\\u001b|\\r|\\n|\u202e/,
        );
      }
    }));

  test('a flood of dead letters costs no more than the budget', () =>
    withFolder(async (folder) => {
      const count = 3_000;
      await publish(
        'in.orders',
        Array.from({ length: count }, (_, i) => ({ order: `o${i}`, type: 'placed', amount: 'many', at: HOUR })),
        {},
      );
      await run(folder, ORDERS);
      expect(await readDeadLetters(join(folder, 'out'))).toHaveLength(count);
      const traces = new Set(collector.spans.map(({ traceId }) => traceId));
      expect(traces.size).toBeGreaterThanOrEqual(100);
      expect(traces.size).toBeLessThan(1_000);
    }));
});

describe('sampling', () => {
  test('a share of the events begins a trace; the results are those without tracing', () =>
    withFolder(async (folder) => {
      const events = Array.from({ length: 2_000 }, (_, i) => ({
        order: `o${i % 50}`,
        type: i % 50 === i ? 'placed' : 'paid',
        amount: i,
        at: HOUR + i,
      }));
      await writeFile(join(folder, 'in.ndjson'), events.map((event) => `${JSON.stringify(event)}\n`).join(''));
      const text = ORDERS.replace('nats: { subjects: [in.orders], bounded: true }', 'file: { path: in.ndjson }');
      const results: unknown[] = [];
      for (const sampling of [0, 0.05, 1]) {
        collector.spans.length = 0;
        await run(folder, text, { fresh: true, natsUrl: null, name: `orders-${String(sampling).replace('.', '-')}` }, sampling);
        const roots = collector.spans.filter((span) => span.name === 'receive orders');
        const traces = roots.filter(({ attributes }) => attributes['millrace.trace.why'] === 'ratio').length;
        if (sampling === 0) expect(traces).toBe(0);
        if (sampling === 0.05) expect(traces).toBeGreaterThan(30);
        results.push([
          await readLines(folder, 'out', 'lost.ndjson'),
          (await readLines(folder, 'out', 'totals.ndjson')).map((line) => JSON.stringify(line)).sort(),
        ]);
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[2]).toEqual(results[0]);
    }));
});

describe('a key that somebody follows', () => {
  test('is traced from then on, and no longer; other keys are not', () =>
    withFolder(async (folder) => {
      const name = 'orders'; // its lanes take the place of the other tests'
      const text = ORDERS.replace('bounded: true', 'bounded: false');
      await publish('in.orders', [{ order: 'one', type: 'placed', amount: 1, at: HOUR }], {});
      const interrupt = new AbortController();
      onTestFinished(() => interrupt.abort());
      const running = run(folder, text, { name }, 0, collector.url, interrupt.signal);
      const request = { natsUrl: server.url, credentials: null, key: 'one' };
      const asked = async (): Promise<unknown[]> => {
        // The directory is made anew by a run that starts over: what was asked for before then is gone with it.
        await followKey(name, { ...request, forMs: 60_000 }).catch(() => '');
        for (const order of ['one', 'two']) await send({ order, type: 'placed', amount: 1, at: HOUR });
        return keysOf(collector.spans);
      };
      await expect.poll(asked, { timeout: 90_000, interval: 200 }).toContain('one');
      const spans = collector.spans.filter(({ attributes }) => attributes['millrace.trace.why'] === 'key');
      expect(spans[0]).toMatchObject({ name: 'receive orders', attributes: { 'millrace.key': 'one' } });
      await expect
        .poll(() => collector.trace(spans[0]?.traceId ?? '').map((span) => span.name), { timeout: 90_000 })
        .toContain('process fates');
      expect(keysOf(collector.spans)).not.toContain('two');
      expect(await followKey(name, { ...request, forMs: 0 })).toContain('no longer');
      await expect
        .poll(
          async () => {
            collector.spans.length = 0;
            await send({ order: 'one', type: 'placed', amount: 1, at: HOUR });
            await sleep(600);
            return keysOf(collector.spans);
          },
          { timeout: 90_000, interval: 0 },
        )
        .toEqual([]);
      interrupt.abort();
      expect((await running).outcome.ending).toBe('interrupted');
    }));

  test('a job that is not there is told', async () => {
    const request = { natsUrl: server.url, credentials: null, key: 'one', forMs: 1 };
    await expect(followKey('shop/none', request)).rejects.toThrow('no job of that name runs on this server');
  });

  test.each([
    { typed: 'N14228', key: 'N14228' },
    { typed: '7', key: '\u00007' },
    { typed: '"7"', key: '7' },
    { typed: '["a",1]', key: '\u0000["a",1]' },
    { typed: '{', key: '{' },
  ])('$typed is the key that somebody means', ({ typed, key }) => expect(canonicalKey(typed)).toBe(key));

  /** Keys of the traces that are there because somebody follows them. */
  function keysOf(spans: readonly ReceivedSpan[]): unknown[] {
    const followed = spans.filter(({ attributes }) => attributes['millrace.trace.why'] === 'key');
    return [...new Set(followed.map(({ attributes }) => attributes['millrace.key']))];
  }
});

describe('whatever the collector does, data flows on', () => {
  test.each(['refuses', 'is silent'] as const)('it %s', (mood) =>
    withFolder(async (folder) => {
      collector.mood = mood;
      const { outcome, logs } = await orders(folder);
      expect(outcome.ending).toBe('completed');
      expect(collector.requests).toBeGreaterThan(0);
      if (mood === 'refuses') expect(logs.filter((line) => line.includes('traces do not reach'))).toHaveLength(1);
      else expect(logs.some((line) => /the last \d+ spans did not reach the collector/.test(line))).toBe(true);
      expect(await readLines(folder, 'out', 'totals.ndjson')).toHaveLength(1);
    }),
  );

  test('it is not there', () =>
    withFolder(async (folder) => {
      const url = collector.url;
      await collector.stop();
      const { outcome, logs } = await orders(folder, url);
      collector = await OtlpReceiver.start();
      expect(outcome.ending).toBe('completed');
      expect(logs.filter((line) => line.includes('traces do not reach')).length).toBeLessThanOrEqual(1);
      expect(await readLines(folder, 'out', 'totals.ndjson')).toHaveLength(1);
    }));

  async function orders(folder: string, url = collector.url): ReturnType<typeof run> {
    await publish('in.orders', [{ order: 'one', type: 'placed', amount: 3, at: HOUR }], { 0: `00-${TRACE}-${PRODUCER}-01` });
    return run(folder, ORDERS, {}, 0, url);
  }
});

function run(
  folder: string,
  text: string,
  options: Partial<RunRequest> = {},
  sampling = 0,
  endpoint = collector.url,
  interrupt = new AbortController().signal,
): ReturnType<typeof runText> {
  const tracing = { endpoint, sampling, environment: {} };
  return runText(folder, text, { natsUrl: server.url, fresh: true, tracing, ...options }, { interrupt });
}

/** One more event behind those of `publish`. */
async function send(event: Order): Promise<void> {
  const connection = await connectNats({ url: server.url, name: 'producer' });
  try {
    await jetstream(connection).publish('in.orders', JSON.stringify(event));
  } finally {
    await connection.close();
  }
}

/** Puts the events into a stream of `subject` that holds nothing else; `contexts` by index. */
async function publish(subject: string, events: readonly Order[], contexts: Readonly<Record<number, string>>): Promise<void> {
  const connection = await connectNats({ url: server.url, name: 'producer' });
  try {
    const manager = await jetstreamManager(connection);
    for (const stream of ['in', 'out_settled']) await manager.streams.delete(stream).catch(() => false);
    await manager.streams.add({ name: 'in', subjects: [subject] });
    const client = jetstream(connection);
    for (const [index, event] of events.entries()) {
      const headers = natsHeaders();
      const context = contexts[index];
      if (context !== undefined) headers.set('traceparent', context);
      await client.publish(subject, JSON.stringify(event), { headers });
    }
  } finally {
    await connection.close();
  }
}

async function traceparents(subject: string): Promise<string[]> {
  const connection = await connectNats({ url: server.url, name: 'reader' });
  try {
    const manager = await jetstreamManager(connection);
    const message = await manager.streams.getMessage('out_settled', { last_by_subj: subject });
    return [message?.header.get('traceparent') ?? ''];
  } finally {
    await connection.close();
  }
}

function only(spans: readonly ReceivedSpan[], holds: (span: ReceivedSpan) => boolean): ReceivedSpan {
  const found = spans.filter(holds);
  expect(found, `one of ${spans.map(({ name, parentSpanId }) => `${name} below ${parentSpanId}`).join(', ')}`).toHaveLength(1);
  return found[0] as ReceivedSpan;
}

function transitions({ events }: ReceivedSpan): readonly Readonly<Record<string, unknown>>[] {
  return events.filter(({ name }) => name === 'transition').map(({ attributes }) => attributes);
}
