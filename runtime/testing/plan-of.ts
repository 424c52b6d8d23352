// The plan of what a job declares, for tests that need no more of the job than that.

import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';

/** `splitCounts`: partitions of source stages, by source. Throws for a spec that the schema does not take. */
export function planOfSpec(spec: object, splitCounts: Readonly<Record<string, number>> = {}): PhysicalPlan {
  const job = streamJobSchema.parse({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec });
  return planJob(job, splitCounts, { deadLetterFile: false });
}
