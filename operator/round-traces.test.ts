import { describe, expect, test } from 'vitest';
import type { SpanData, Tracer } from '../runtime/telemetry/span.ts';
import { KEPT_BURST, TraceBudget } from '../runtime/telemetry/trace-budget.ts';
import { seededRandom } from '../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../runtime/testing/virtual-clock.ts';
import type { Call } from './kube/call-meter.ts';
import { RoundTraces } from './round-traces.ts';

const spans: SpanData[] = [];
const tracer: Tracer = {
  end: (span) => void spans.push(span),
  lost: () => undefined,
  figures: () => ({ sent: 0, dropped: 0 }),
  close: () => Promise.resolve(),
};
const call = (verb: Call['verb'], resource: string, outcome: Call['outcome'] = 'ok'): Call => ({ verb, resource, outcome, durationMs: 2 });

function begin(): RoundTraces {
  spans.length = 0;
  return new RoundTraces({ tracer, budget: new TraceBudget(), clock: new VirtualClock(), random: seededRandom(1) });
}

describe('a round', () => {
  test('that writes is a span, each write one below it; reads are not told', async () => {
    const traces = begin();
    await traces.round('jobs', 'shop/orders', async () => {
      for (const one of [call('get', 'secrets'), call('apply', 'deployments'), call('apply', 'streamjobs/status', 'conflict')])
        traces.called(one);
      return Promise.resolve({ kind: 'again', afterMs: 4_000 });
    });
    const root = spans.find(({ parentId }) => parentId === null);
    expect(root).toMatchObject({ name: 'reconcile jobs', service: 'millrace-operator', error: null });
    expect(root?.attributes).toEqual({
      'millrace.kube.kind': 'jobs',
      'millrace.kube.name': 'shop/orders',
      'millrace.reconcile.outcome': 'again',
    });
    const below = spans.filter(({ parentId }) => parentId === root?.spanId);
    expect(below.map(({ name, error }) => [name, error])).toEqual([
      ['apply deployments', null],
      ['apply streamjobs/status', 'conflict'],
    ]);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(3);
  });

  test('that changes nothing is not told; one that fails is', async () => {
    const traces = begin();
    await traces.round('jobs', 'a/b', () => Promise.resolve({ kind: 'done' }));
    expect(spans).toEqual([]);
    await traces.round('jobs', 'a/b', () => Promise.resolve({ kind: 'failed', reason: 'no\u001b', retryAfterMs: null }));
    await expect(traces.round('jobs', 'a/b', () => Promise.reject(new Error('thrown')))).rejects.toThrow('thrown');
    expect(spans.map(({ error }) => error)).toEqual(['no\ufffd', 'thrown']);
  });

  test('of two side by side each has its own writes', async () => {
    const traces = begin();
    const gate = Promise.withResolvers<void>();
    const round = (key: string, resource: string): Promise<unknown> =>
      traces.round('jobs', key, async () => {
        await gate.promise;
        traces.called(call('apply', resource));
        return { kind: 'done' };
      });
    const both = [round('a/one', 'secrets'), round('a/two', 'deployments')];
    gate.resolve();
    await Promise.all(both);
    const nameOf = (traceId: string): unknown =>
      spans.find((span) => span.traceId === traceId && span.parentId === null)?.attributes['millrace.kube.name'];
    const writes = spans.filter(({ parentId }) => parentId !== null).map(({ traceId, name }) => [nameOf(traceId), name]);
    expect(writes).toEqual([
      ['a/one', 'apply secrets'],
      ['a/two', 'apply deployments'],
    ]);
  });

  test('too many are not told', async () => {
    const traces = begin();
    for (let i = 0; i < 2 * KEPT_BURST; i++)
      await traces.round('jobs', 'a/b', () => Promise.resolve({ kind: 'failed', reason: 'no', retryAfterMs: null }));
    expect(spans).toHaveLength(KEPT_BURST);
  });
});
