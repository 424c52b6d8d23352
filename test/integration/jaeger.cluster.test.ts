// Traces as a real Jaeger shows them: of the flights job over two workers, of a dead letter, and after a worker was killed.

import { headers as natsHeaders } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { runFlights, withFolder } from '../support/flights-run.ts';
import { startJaeger } from '../support/jaeger.ts';
import type { Jaeger } from '../support/jaeger.ts';
import { isWhole, type JaegerSpan, type JaegerTrace } from '../support/jaeger-query.ts';
import { jobText, readDeadLetters, readLines, runText } from '../support/job-run.ts';
import { startTestServer } from '../support/nats.ts';
import type { TestServer } from '../support/nats.ts';

let jaeger: Jaeger;
let server: TestServer;
beforeAll(async () => {
  [jaeger, server] = [await startJaeger(), await startTestServer()];
});
afterAll(async () => {
  await jaeger.stop();
  await server.stop();
});

function tracing(sampling: number): { endpoint: string; sampling: number; environment: Record<string, string> } {
  return { endpoint: jaeger.otlpUrl, sampling, environment: {} };
}

describe('the flights job over two workers', () => {
  let traces: readonly JaegerTrace[];
  let stages: readonly string[];
  beforeAll(async () => {
    await withFolder(async (folder) => {
      const { outcome } = await runFlights(folder, { workers: 2, isolation: 'process', tracing: tracing(0.002) });
      expect(outcome.ending).toBe('completed');
      stages = outcome.plan.stages.map(({ id }) => id);
    });
    traces = await jaeger.query.settledTraces('flights/flights', 1_000, (found) => found.every(isWhole));
  });

  test('each stage and sink is a service', async () => {
    // Few flights are lost or knocked on: those sinks may have no trace.
    const expected = stages.filter((id) => !/^(lost|knock-on|dead-letters)/.test(id)).map((id) => `flights/${id}`);
    expect(expected.length).toBeGreaterThan(8);
    await expect.poll(() => jaeger.query.services()).toEqual(expect.arrayContaining(expected));
  });

  test('every trace is whole: one root, every parent is there, no span twice, and it reaches the sinks', () => {
    expect(traces.length).toBeGreaterThan(20);
    const workers = new Set<unknown>();
    const linked = new Set(traces.flatMap(({ spans }) => spans.flatMap(({ links }) => links.map(({ spanId }) => spanId))));
    let reached = 0;
    for (const { traceId, spans } of traces) {
      const ids = spans.map(({ id }) => id);
      expect(new Set(ids).size, traceId).toBe(ids.length);
      const roots = spans.filter(({ parent }) => parent === null);
      expect(
        roots.map(({ name }) => name),
        traceId,
      ).toEqual(['receive flights']);
      for (const { name, parent } of spans) expect(parent === null || ids.includes(parent), `${traceId} ${name}`).toBe(true);
      for (const { tags } of spans) workers.add(tags['millrace.worker']);
      // A window's result is in the trace of the first event that went into it, and links to the others.
      const hourly = spans.find(({ name }) => name === 'process hourly');
      const emitted = spans.find(({ name, parent }) => name === 'emit hourly' && parent === hourly?.id);
      expect(emitted !== undefined || linked.has(hourly?.id ?? ''), traceId).toBe(true);
      if (emitted === undefined) continue;
      const sent = spans.filter(({ parent }) => parent === emitted.id).map(({ name }) => name);
      expect(sent.toSorted(), traceId).toEqual(['send hourly-file', 'send hourly-subject']);
      reached++;
    }
    expect(reached).toBeGreaterThan(0);
    console.log(`jaeger: ${reached} of ${traces.length} traces hold the hour's result`);
    expect(workers.size).toBe(2);
    console.log(`jaeger: ${traces.length} traces of flights, ${traces.reduce((sum, { spans }) => sum + spans.length, 0)} spans`);
  });

  test("a flight's trace shows what its aircraft did", () => {
    const found = traces.flatMap(({ spans }) => spans.filter(({ name }) => name === 'process aircraft'));
    const logs = found.flatMap((span) => span.logs.filter(({ event }) => event === 'transition').map((log) => ({ span, log })));
    expect(logs.length).toBeGreaterThan(20);
    const departed = logs.find(({ log }) => log['millrace.event.type'] === 'departed');
    expect(departed?.span).toMatchObject({
      service: 'flights/aircraft',
      tags: {
        'span.kind': 'consumer',
        'messaging.system': 'nats',
        'messaging.operation.type': 'process',
        'millrace.job': 'flights',
        'millrace.stage': 'aircraft',
      },
    });
    expect(departed?.log).toMatchObject({
      'millrace.actor.state.from': 'flying',
      'millrace.actor.state.to': 'flying',
      'millrace.transform': 'aircraft',
    });
    expect(departed?.log['millrace.key']).toMatch(/^N/);
    expect(String(departed?.log['millrace.actor.timers.set'])).toMatch(/in 172800000 ms/);
    expect(String(departed?.log['millrace.actor.guards'])).toContain('flying.departed');
  });

  test('a window links to what went into it, 32 at most', () => {
    const emitted = traces.flatMap(({ spans }) => spans.filter(({ name }) => name === 'emit sliding'));
    expect(emitted.length).toBeGreaterThan(20);
    for (const { links, tags, parent } of emitted) {
      expect(parent).not.toBeNull();
      expect(links.length + 1).toBe(tags['millrace.window.contributors']);
      expect(links.length).toBeLessThan(32);
    }
  });
});

const PRODUCER = 'd'.repeat(15) + '7';
const SUMS = jobText(
  'sums',
  `
  partitions: 2
  sources:
    - { name: numbers, nats: { subjects: [in.numbers], bounded: true }, schema: { who: string, n: int } }
  stages:
    - { name: inverse, from: numbers, map: { who: event.who, n: 100 / event.n } }
  sinks:
    - { name: out, from: inverse, file: { path: inverse.ndjson } }
`,
);

describe('a dead letter', () => {
  test("is an error in its producer's trace, from the message to the sink of dead letters", () =>
    withFolder(async (folder) => {
      const events = [
        { who: 'a', n: 0 },
        { who: 'b', n: 4 },
      ];
      const spans = await untilTraced(7, ['receive numbers', 'send dead-letters', 'send dead-letters-subject'], async (trace) => {
        await publish(events, trace);
        await runText(folder, SUMS, { natsUrl: server.url, fresh: true, workers: 2, isolation: 'process', tracing: tracing(0) });
        const [letter] = await readDeadLetters(join(folder, 'out'));
        expect(letter).toMatchObject({ code: 'MR3002', traceId: trace });
      });
      const failed = spans.filter(({ tags }) => tags['error'] === true);
      expect(failed).toHaveLength(1);
      expect(failed[0]?.tags).toMatchObject({ 'error.type': 'MR3002', 'otel.status_code': 'ERROR', 'millrace.transform': 'inverse' });
      const below = (id: string | undefined): readonly JaegerSpan[] => spans.filter(({ parent }) => parent === id);
      expect(
        below(failed[0]?.id)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(expect.arrayContaining(['send dead-letters', 'send dead-letters-subject']));
      expect(spans.filter(({ parent }) => parent === PRODUCER).map(({ name }) => name)).toEqual(['receive numbers']);
    }));
});

describe('a worker that is killed', () => {
  test('while its step is on its way to the journal: the step is made again, its trace is whole and has no span twice', () =>
    withFolder(async (folder) => {
      const spans = await untilTraced(8, ['receive numbers', 'send out'], async (trace) => {
        await publish([{ who: 'b', n: 4 }], trace);
        const { logs } = await runText(folder, SUMS, {
          natsUrl: server.url,
          fresh: true,
          isolation: 'process',
          tracing: tracing(0),
          failpoints: ['commit-send:1:kill'],
        });
        expect(logs.filter((line) => line.includes('SIGKILL'))).toHaveLength(1);
        expect(await readLines(folder, 'out', 'inverse.ndjson')).toEqual([{ n: 25, who: 'b' }]);
      });
      const parentOf = (span: JaegerSpan): string =>
        spans.find(({ id }) => id === span.parent)?.name ?? (span.parent === PRODUCER ? 'producer' : 'nothing');
      expect(spans.map((span) => `${parentOf(span)} → ${span.name}`).sort()).toEqual([
        'producer → receive numbers',
        'receive numbers → send out',
      ]);
    }));

  test('again and again at any moment: no trace has a span twice', () =>
    withFolder(async (folder) => {
      const failpoints = [3, 9, 17, 30].map((nth) => `commit-acknowledged:${nth}:kill`);
      const { outcome } = await runFlights(folder, {
        name: 'flights-killed',
        speed: 1_500_000,
        workers: 2,
        isolation: 'process',
        failpoints,
        tracing: tracing(0.002),
      });
      expect(outcome.ending).toBe('completed');
      const traces = await jaeger.query.settledTraces('flights-killed/flights', 1_000);
      expect(traces.length).toBeGreaterThan(10);
      let [whole, spanCount] = [0, 0];
      for (const { traceId, spans } of traces) {
        const ids = spans.map(({ id }) => id);
        expect(new Set(ids).size, traceId).toBe(ids.length);
        spanCount += ids.length;
        if (isWhole({ traceId, spans })) whole++;
      }
      console.log(`jaeger: ${whole} of ${traces.length} traces (${spanCount} spans) are whole after four kills`);
    }));
});

const RUNS_MAX = 5;
const SHOWN_MS = 20_000;

/** The spans of a run's trace, once there are some of each of these names. Whoever ends waits a moment for the collector, and no longer: on a
 *  machine that stalls its last spans are lost, and the job is run again, with another trace. */
async function untilTraced(nth: number, names: readonly string[], run: (trace: string) => Promise<void>): Promise<readonly JaegerSpan[]> {
  for (let runs = 1; ; runs++) {
    const trace = `${'c'.repeat(30)}${nth}${runs}`;
    await run(trace);
    for (const endMs = performance.now() + SHOWN_MS; ; await sleep(200)) {
      const spans = (await jaeger.query.trace(trace))?.spans ?? [];
      const told = spans.map(({ name }) => name);
      if (names.every((name) => told.includes(name))) {
        expect(new Set(spans.map(({ id }) => id)).size, 'no span twice').toBe(spans.length);
        return spans;
      }
      if (performance.now() < endMs) continue;
      if (runs === RUNS_MAX) throw new Error(`${runs} runs, and of the last one there are only: ${told.join(', ')}`);
      break;
    }
  }
}

/** Puts the events into the source's stream, which holds nothing else; the first one is traced by its producer. */
async function publish(events: readonly object[], trace: string): Promise<void> {
  const connection = await connectNats({ url: server.url, name: 'producer' });
  try {
    const manager = await jetstreamManager(connection);
    await manager.streams.delete('in').catch(() => false);
    await manager.streams.add({ name: 'in', subjects: ['in.numbers'] });
    for (const [index, event] of events.entries()) {
      const headers = natsHeaders();
      if (index === 0) headers.set('traceparent', `00-${trace}-${PRODUCER}-01`);
      await jetstream(connection).publish('in.numbers', JSON.stringify(event), { headers });
    }
  } finally {
    await connection.close();
  }
}
