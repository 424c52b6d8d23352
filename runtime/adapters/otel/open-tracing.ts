// Tracing of one worker, from its options; loads OpenTelemetry only when there is somewhere to send spans to.

import type { Random } from '../../base/clock.ts';
import { TraceBudget } from '../../telemetry/trace-budget.ts';
import type { TracingOptions } from '../../telemetry/tracing-options.ts';
import type { Tracing } from '../../worker/task-spans.ts';

export async function openTracing(
  options: TracingOptions | null,
  {
    runId,
    worker,
    random,
    log,
  }: { readonly runId: string; readonly worker: string; readonly random: Random; readonly log: (message: string) => void },
): Promise<Tracing | null> {
  if (options === null) return null;
  const { OtlpTracer } = await import('./otlp-tracer.ts');
  const tracer = new OtlpTracer({ ...options, instance: worker, onTrouble: log });
  return { tracer, budget: new TraceBudget(), random, runId, ratio: options.ratio };
}
