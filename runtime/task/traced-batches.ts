// Batches of which some events become traced: their keys are followed.

import type { Batch, Key } from '../event/batch.ts';
import { withTraces } from '../event/trace-marks.ts';
import { MILLRACE, cleanText } from '../telemetry/conventions.ts';
import type { StepTrace } from './step-trace.ts';

/** Events of keys that somebody follows begin a trace where they get their key, unless they have one. */
export function followKeys(batch: Batch, trace: StepTrace, place: string): Batch {
  const { keys, times } = batch;
  if (keys === null) return batch;
  const { followed } = trace;
  const marks = new Map(batch.traces?.map((mark) => [mark.at, mark]));
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as Key;
    if (!followed.has(key) || marks.has(at)) continue;
    const context = trace.kept('key', `${place} ${key} ${times[at]} ${at}`);
    if (context === null) break;
    trace.describe(context, { [MILLRACE.key]: cleanText(key) });
    marks.set(at, { at, context });
  }
  return withTraces(
    batch,
    [...marks.values()].toSorted((a, b) => a.at - b.at),
  );
}
