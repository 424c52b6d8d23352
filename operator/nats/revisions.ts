// Revisions of a job in its directory: the one that workers run (`job`), and those that can be gone back to.
//
// Keys of the operator alone: `revisions` (what is kept, oldest first) · `revision.<n>` (a KeptRevision)
//   R1. A revision is kept before workers hear of it, so what they run can always be named.
//   R2. `job` is written last, by one write: until then nothing has happened.
//   R3. Of a new run nothing is kept that the one before had.

import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import { numberEdges } from '../../runtime/plan/edge-numbers.ts';
import { fingerprintOf } from '../../runtime/plan/fingerprint.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { Directory } from '../../runtime/worker/directory.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';

export const KEPT_MAX = 5;

type Kept = { readonly revision: RevisionStatus; readonly record: JobRecord };

export async function keptRevisions(directory: Directory): Promise<readonly RevisionStatus[]> {
  return ((await directory.get('revisions'))?.value ?? []) as readonly RevisionStatus[];
}

/** Makes workers run `record` as `revision`. */
export async function writeRevision(directory: Directory, revision: RevisionStatus, record: JobRecord): Promise<void> {
  const kept = (await keptRevisions(directory)).filter(({ number }) => number !== revision.number);
  const list = [...kept, revision];
  await directory.put(`revision.${revision.number}`, { revision, record } satisfies Kept);
  await directory.put('revisions', list.slice(-KEPT_MAX));
  for (const { number } of list.slice(0, -KEPT_MAX)) await directory.delete(`revision.${number}`);
  await directory.delete('failure');
  await directory.delete('completed');
  await directory.put('job', record);
}

/** The record of kept revision `from`, to be run as another number after `current`; null when it is not kept. Exchanges that came
 *  since are retired, not forgotten: records name them. */
export async function revisionAgain(
  directory: Directory,
  from: number,
  number: number,
  current: JobRecord | null,
): Promise<JobRecord | null> {
  const kept = (await directory.get(`revision.${from}`))?.value as Kept | undefined;
  if (kept === undefined) return null;
  const plan = withoutRetired(kept.record.plan as PhysicalPlan);
  const now = current?.plan as PhysicalPlan | undefined;
  const { stages, edges } = numberEdges(plan.stages, plan.edges, now?.edges ?? []);
  const again = { ...plan, stages: stages.map((stage) => resumed(stage, now)), edges };
  const fingerprint = fingerprintOf(again);
  return { ...kept.record, runId: current?.runId ?? kept.record.runId, revision: number, plan: { ...again, fingerprint }, fingerprint };
}

/** A stage that the revision in between had dropped goes on with its state. */
function resumed(stage: StagePlan, now: PhysicalPlan | undefined): StagePlan {
  return now === undefined || now.stages.some(({ id }) => id === stage.id) ? stage : { ...stage, resumed: true };
}

function withoutRetired(plan: PhysicalPlan): PhysicalPlan {
  const edges = plan.edges.filter(({ retired }) => retired !== true);
  const living = new Set(edges.map(({ index }) => index));
  return {
    ...plan,
    edges,
    stages: plan.stages.map((stage) => ({ ...stage, outputs: stage.outputs.filter((index) => living.has(index)) })),
  };
}
