import type { Tracer } from './span.ts';

/** Sends what waits, for `limitMs` at the most. Spans that are dropped meanwhile are told to `log` in one sentence: no report counts them any more. */
export async function closeTracer(tracer: Tracer, limitMs: number, log: (message: string) => void): Promise<void> {
  const before = tracer.figures().dropped;
  await tracer.close(limitMs);
  const lost = tracer.figures().dropped - before;
  if (lost > 0)
    log(
      `the last ${lost} spans did not reach the collector within the ${Math.round(limitMs)} ms that there were at the end, and are dropped`,
    );
}
