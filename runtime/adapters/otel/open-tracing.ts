// Tracing from its options; loads what sends spans only when there is somewhere to send them to.

import type { Random } from '../../base/clock.ts';
import type { Tracer } from '../../telemetry/span.ts';
import { TraceBudget } from '../../telemetry/trace-budget.ts';
import { tracesUrl } from '../../telemetry/tracing-options.ts';
import type { TracingOptions } from '../../telemetry/tracing-options.ts';
import type { Tracing } from '../../worker/task-spans.ts';

type Log = (message: string) => void;

/** Of one worker; null without options. */
export async function openTracing(
  options: TracingOptions | null,
  { runId, worker, random, log }: { readonly runId: string; readonly worker: string; readonly random: Random; readonly log: Log },
): Promise<Tracing | null> {
  if (options === null) return null;
  const { OtlpTracer } = await import('./otlp-tracer.ts');
  const tracer = new OtlpTracer({ ...options, instance: worker, onTrouble: log });
  return { tracer, budget: new TraceBudget(), random, runId, ratio: options.ratio };
}

/** The tracer alone; null without an endpoint. */
export async function openTracer(
  endpoint: string | null,
  { instance, log }: { readonly instance: string; readonly log: Log },
): Promise<Tracer | null> {
  if (endpoint === null) return null;
  const { OtlpTracer } = await import('./otlp-tracer.ts');
  return new OtlpTracer({ url: tracesUrl(endpoint), headers: {}, instance, onTrouble: log });
}
