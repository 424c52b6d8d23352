// Tracing from its options. What knows OpenTelemetry is loaded by who sends spans only: a worker's thread, with its first span, and the operator.

import type { Random } from '../../base/clock.ts';
import type { Tracer } from '../../telemetry/span.ts';
import { TraceBudget } from '../../telemetry/trace-budget.ts';
import { tracesUrl } from '../../telemetry/tracing-options.ts';
import type { TracingOptions } from '../../telemetry/tracing-options.ts';
import type { Tracing } from '../../worker/task-spans.ts';
import { ThreadTracer } from './thread-tracer.ts';

type Log = (message: string) => void;

/** Of one worker; null without options. */
export function openTracing(
  options: TracingOptions | null,
  { runId, worker, random, log }: { readonly runId: string; readonly worker: string; readonly random: Random; readonly log: Log },
): Tracing | null {
  if (options === null) return null;
  const { url, headers, ratio } = options;
  const tracer = new ThreadTracer({ url, headers, instance: worker, onTrouble: log });
  return { tracer, budget: new TraceBudget(), random, runId, ratio };
}

/** The tracer alone, without a thread: for few spans. null without an endpoint. */
export async function openTracer(
  endpoint: string | null,
  { instance, log }: { readonly instance: string; readonly log: Log },
): Promise<Tracer | null> {
  if (endpoint === null) return null;
  const { OtlpTracer } = await import('./otlp-tracer.ts');
  return new OtlpTracer({ url: tracesUrl(endpoint), headers: {}, instance, onTrouble: log });
}
