// Sinks in a plan: where they write, and what is promised.

import type { SinkSpec } from '../../crds/stream-job/spec.ts';
import type { SinkGuarantee } from '../connectors/sink.ts';
import type { StagePlan } from './physical-plan.ts';

export function sinkSpecOf(stage: StagePlan): SinkSpec | null {
  for (const { op } of stage.nodes) if (op.kind === 'sink') return op.spec;
  return null;
}

/** `file hourly.ndjson`, `subject flights.hourly`. */
export function describeSink({ file, nats }: SinkSpec): string {
  if (file !== undefined) return `file ${file.path}`;
  return nats === undefined ? 'the journal' : `subject ${nats.subject}`;
}

/** Files: their length is in the commit record, what was written behind it is cut off. Subjects: each result's id is its
 *  place, and what a subject already holds is read before writing. Journals: nothing is written a second time. */
export function guaranteeOf(_spec: SinkSpec): SinkGuarantee {
  return 'exactly-once';
}
