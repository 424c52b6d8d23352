// From a declared job to what will run: stages between key changes, exchanges between stages.
//
//   N1. Order of stages: sources and keyed stages in the order in which their first transform can run, then sinks, then the
//       two implied sinks of the dead letters. The same job always gives the same plan.
//   N2. Ids come from names only, never from places: a stage that is added leaves all other ids as they are. (Stages that
//       share an exchange are one stage, named after the first of them in order of declaration.)
//   N3. A stateless transform whose inputs lie in several stages runs in each of them: no exchange is made for it.
//   N4. Planned behind a plan that runs (`before`), exchanges keep the numbers that journals know them by (edge-numbers.ts).

import { quantityOf } from '../base/quantity.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { stubMarks } from '../job/code-marks.ts';
import { decideCarry } from './carry.ts';
import { numberEdges } from './edge-numbers.ts';
import { inFieldOrder } from './field-order.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { PhysicalPlan, StagePlan } from './physical-plan.ts';
import type { Placement } from './placement.ts';
import { placeJob } from './place-job.ts';
import { inPools } from './pools.ts';
import { assertValidJob } from './check.ts';

export type PlanOptions = {
  /** Takes the place of the job's name in streams, subjects and the plan's own name: on a cluster several namespaces have jobs
   *  of one name. */
  readonly identity?: string;
  /** false: no file for the dead letters, only their subject. */
  readonly deadLetterFile?: boolean;
  /** The plan that runs now and that this one is to replace. */
  readonly before?: PhysicalPlan | null;
};

/** Plans the job (of its code marks are enough); `splitCounts` gives the partitions of source stages (absent: one a NATS subject, one a file). Throws BadDeclaration
 *  with all mistakes. */
export function planJob(declared: StreamJob, splitCounts: Readonly<Record<string, number>>, options: PlanOptions = {}): PhysicalPlan {
  const job = inFieldOrder(stubMarks(declared));
  assertValidJob(job, `job ${job.metadata.name}`);
  const { identity = job.metadata.name, deadLetterFile = true, before = null } = options;
  const placement = placeJob(job, splitCounts, { identity, deadLetterFile });
  return finish(job, identity, placement, before);
}

function finish(job: StreamJob, identity: string, placement: Placement, before: PhysicalPlan | null): PhysicalPlan {
  const placed = placement.finish();
  const { stages, edges } = numberEdges(decideCarry(placed.stages, placed.edges), placed.edges, before?.edges ?? []);
  const tables = job.spec.tables.flatMap(
    ({ from: _from, bootstrap: _bootstrap, asOf: _asOf, maxWaiting: _maxWaiting, deleted: _deleted, keepFor: _keepFor, file, ...rest }) =>
      file === undefined ? [] : [{ ...rest, file }],
  );
  const plan = { job: identity, stages: inPools(stages, job.spec.pools), edges, tables, streams: streamsOf(stages), fingerprint: '' };
  const standby = job.spec.standbyReplicas === 0 ? {} : { standbyReplicas: job.spec.standbyReplicas };
  const { state } = job.spec;
  const onDisk = state === undefined ? {} : { state: { memoryBytes: quantityOf(state.memory), diskBytes: quantityOf(state.disk) } };
  return { ...plan, ...standby, ...onDisk, fingerprint: fingerprintOf(plan) };
}

function streamsOf(stages: readonly StagePlan[]): readonly string[] {
  return [...new Set(stages.map(({ stream }) => stream))];
}
