import { expect, test } from 'vitest';
import { MetricSet } from '../runtime/telemetry/metric-set.ts';
import type { SpanData, Tracer } from '../runtime/telemetry/span.ts';
import { TraceBudget } from '../runtime/telemetry/trace-budget.ts';
import { seededRandom } from '../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../runtime/testing/virtual-clock.ts';
import type { Call } from './kube/call-meter.ts';
import { OperatorMeter } from './operator-meter.ts';
import { RoundTraces, type KeptTrace } from './round-traces.ts';

const call = (verb: Call['verb'], durationMs: number): Call => ({ verb, resource: 'deployments', outcome: 'ok', durationMs });

/** A round with these calls, as the operator counts it; what was sent of it, and what a scrape has of it. */
async function afterRound(calls: readonly Call[]): Promise<{ readonly spans: readonly SpanData[]; readonly exemplars: readonly string[] }> {
  const spans: SpanData[] = [];
  const nothing = { lost: () => undefined, figures: () => ({ sent: 0, dropped: 0 }), close: () => Promise.resolve() };
  const tracer: Tracer = { ...nothing, end: (span) => void spans.push(span) };
  const traces = new RoundTraces({ tracer, budget: new TraceBudget(), clock: new VirtualClock(), random: seededRandom(1) });
  const meter = new OperatorMeter();
  const kept: KeptTrace[] = [];
  const work = async (): ReturnType<Parameters<RoundTraces['round']>[2]> => {
    for (const one of calls) {
      meter.call(one);
      traces.called(one);
    }
    return Promise.resolve({ kind: 'done' });
  };
  await traces.round('jobs', 'shop/orders', work, (trace) => void kept.push(trace));
  meter.round('jobs', 'done', { durationMs: 40, endMs: 5_000 }, kept[0]);
  const metrics = new MetricSet();
  meter.tell(metrics);
  return {
    spans,
    exemplars: metrics
      .text('openmetrics')
      .split('\n')
      .filter((line) => line.includes('trace_id')),
  };
}

test('how long a round and its writes took is told with the trace that was sent of it', async () => {
  const { spans, exemplars } = await afterRound([call('get', 900), call('apply', 3)]);
  const traceId = spans[0]?.traceId ?? 'none';
  expect(exemplars.map((line) => line.split('{')[0])).toEqual([
    'millrace_operator_reconcile_duration_seconds_bucket',
    'millrace_operator_kube_request_duration_seconds_bucket',
  ]);
  expect(exemplars[0]).toContain(`queue="jobs"`);
  expect(exemplars[1]).toContain(`verb="apply"`);
  for (const line of exemplars) expect(line).toContain(`trace_id="${traceId}"`);
});

test('of a round that is not sent there is none', async () => {
  expect(await afterRound([call('get', 3)])).toEqual({ spans: [], exemplars: [] });
});
