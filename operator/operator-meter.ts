// What the operator's process does, counted since it began, and what of it is told to Prometheus.

import { BucketHistogram, type ExemplarTrace } from '../runtime/telemetry/bucket-histogram.ts';
import { metricCatalogue } from '../runtime/telemetry/metric-catalogue.ts';
import type { MetricSet } from '../runtime/telemetry/metric-set.ts';
import type { Call } from './kube/call-meter.ts';
import type { ReflectorHealth } from './kube/reflector.ts';
import type { WorkOutcome, WorkQueueMetrics } from './kube/work-queue.ts';
import type { KeptTrace } from './round-traces.ts';

export type QueueName = 'jobs' | 'savepoints' | 'users';
/** `endMs`: ms since the epoch. */
type Took = { readonly durationMs: number; readonly endMs: number };
type Counted = { readonly verb: string; readonly resource: string; readonly outcome: string; count: number };

const queues: readonly QueueName[] = ['jobs', 'savepoints', 'users'];
const outcomes = ['done', 'again', 'failed'] as const satisfies readonly WorkOutcome['kind'][];

export class OperatorMeter {
  readonly #calls = new Map<string, Counted>();
  readonly #callDurations = new Map<string, BucketHistogram>();
  readonly #rounds = new Map<string, number>();
  readonly #roundDurations = new Map<QueueName, BucketHistogram>();

  call({ verb, resource, outcome, durationMs }: Call): void {
    const name = `${verb} ${resource} ${outcome}`;
    const known = this.#calls.get(name) ?? { verb, resource, outcome, count: 0 };
    known.count++;
    this.#calls.set(name, known);
    const buckets = metricCatalogue.millrace_operator_kube_request_duration_seconds.buckets;
    const durations = this.#callDurations.get(verb) ?? new BucketHistogram(buckets);
    durations.add(durationMs / 1_000);
    this.#callDurations.set(verb, durations);
  }

  /** `kept`: its trace, where it is sent; the calls in it were counted before anybody knew. */
  round(queue: QueueName, outcome: WorkOutcome['kind'], { durationMs, endMs }: Took, kept?: KeptTrace): void {
    const traceOf = (atMs: number): ExemplarTrace | null => (kept === undefined ? null : { traceId: kept.traceId, atMs });
    for (const call of kept?.calls ?? []) this.#callDurations.get(call.verb)?.mark(call.durationMs / 1_000, traceOf(call.endMs));
    const name = `${queue} ${outcome}`;
    this.#rounds.set(name, (this.#rounds.get(name) ?? 0) + 1);
    const durations =
      this.#roundDurations.get(queue) ?? new BucketHistogram(metricCatalogue.millrace_operator_reconcile_duration_seconds.buckets);
    durations.add(durationMs / 1_000, traceOf(endMs));
    this.#roundDurations.set(queue, durations);
  }

  tell(metrics: MetricSet): void {
    for (const queue of queues) {
      for (const outcome of outcomes)
        metrics.add('millrace_operator_reconciles', { queue, outcome }, this.#rounds.get(`${queue} ${outcome}`) ?? 0);
      metrics.add('millrace_operator_reconcile_duration_seconds', { queue }, this.#roundDurations.get(queue) ?? null);
    }
    for (const { count, ...of } of this.#calls.values()) metrics.add('millrace_operator_kube_requests', of, count);
    for (const [verb, durations] of this.#callDurations)
      metrics.add('millrace_operator_kube_request_duration_seconds', { verb }, durations);
    const { rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    metrics.add('millrace_operator_memory_bytes', {}, rss);
    metrics.add('millrace_operator_cpu_seconds', {}, (user + system) / 1e6);
  }
}

export function tellQueue(metrics: MetricSet, queue: QueueName, figures: WorkQueueMetrics | null): void {
  metrics.add('millrace_operator_queue_depth', { queue }, figures?.depth ?? 0);
  metrics.add('millrace_operator_queue_longest_wait_seconds', { queue }, (figures?.longestWaitMs ?? 0) / 1_000);
}

export function tellWatch(metrics: MetricSet, resource: string, health: ReflectorHealth): void {
  metrics.add('millrace_operator_cached_objects', { resource }, health.objects);
  metrics.add('millrace_operator_watch_lists', { resource }, health.lists);
  metrics.add('millrace_operator_watches', { resource }, health.watches);
  metrics.add('millrace_operator_watch_cuts', { resource }, health.cuts);
  metrics.add('millrace_operator_watch_expired', { resource }, health.expired);
  metrics.add('millrace_operator_handler_errors', { resource }, health.handlerErrors);
}
