// From a declared job to what will run: stages between key changes, exchanges between stages.
//
//   N1. Order of stages: sources and keyed stages in the order in which their first transform can run, then sinks, then the
//       two implied sinks of the dead letters. The same job always gives the same plan.
//   N2. Ids come from names only, never from places: a stage that is added leaves all other ids as they are. (Stages that
//       share an exchange are one stage, named after the first of them in order of declaration.)
//   N3. A stateless transform whose inputs lie in several stages runs in each of them: no exchange is made for it.
//   N4. Planned behind a plan that runs (`before`), exchanges keep the numbers that journals know them by (edge-numbers.ts).

import type { SinkSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import { stubMarks } from '../job/code-marks.ts';
import { decideCarry } from './carry.ts';
import { numberEdges } from './edge-numbers.ts';
import { inFieldOrder } from './field-order.ts';
import { fingerprintOf } from './fingerprint.ts';
import { graphOf, inputsOf, topologicalStages } from './job-graph.ts';
import type { PhysicalPlan, StagePlan } from './physical-plan.ts';
import { Placement } from './placement.ts';
import { placeStage } from './place-stage.ts';
import { DEAD_LETTERS, DEAD_LETTERS_FILE, DEAD_LETTERS_SUBJECT, deadLettersSubject } from './plan-names.ts';
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
  const graph = graphOf(job);
  const read = new Set(
    graph.elements
      .flatMap((element) => (element.kind === 'stage' || element.kind === 'sink' ? inputsOf(element) : []))
      .map(({ text }) => text),
  );
  const placement = new Placement(identity);
  for (const spec of job.spec.sources) placement.addSource(spec, splitCounts[spec.name] ?? spec.nats?.subjects.length ?? 1);
  for (const stage of topologicalStages(graph)) placeStage(placement, stage, { partitionsDefault: job.spec.partitions, read });
  for (const element of graph.elements)
    if (element.kind === 'sink')
      placeSink(
        placement,
        element.spec,
        inputsOf(element).map(({ text }) => text),
      );
  placeDeadLetters(placement, { identity, deadLetterFile });
  return finish(job, identity, placement, before);
}

function placeSink(placement: Placement, spec: SinkSpec, inputs: readonly string[]): void {
  const outlets = inputs.flatMap((text) => placement.outletsOf(text).map((outlet) => ({ outlet, text })));
  // A journal sink is an edge that no stage reads: the results lie in the record of the stage that made them.
  const toStage = spec.journal === undefined ? spec.name : `sink:${spec.name}`;
  const edges = outlets.map(({ outlet, text }) => placement.addEdge(outlet, { toStage, partitioning: 'single', label: text }));
  if (spec.journal === undefined) placement.addSink(spec, edges);
}

/** Every stage gives its dead letters to the implied sinks; what these cannot write waits, it has nowhere to go. */
function placeDeadLetters(
  placement: Placement,
  { identity, deadLetterFile }: { readonly identity: string; readonly deadLetterFile: boolean },
): void {
  const file: SinkSpec = { name: DEAD_LETTERS, from: [], file: { path: DEAD_LETTERS_FILE, format: 'ndjson' } };
  const subject: SinkSpec = { name: DEAD_LETTERS_SUBJECT, from: [], nats: { subject: deadLettersSubject(identity), batch: 1 } };
  const stages = placement.stageIds();
  for (const spec of deadLetterFile ? [file, subject] : [subject]) {
    const edges = stages.map((stage) =>
      placement.addEdge({ stage, node: '*', output: 'dead' }, { toStage: spec.name, partitioning: 'single', label: `${stage}.dead` }),
    );
    placement.addSink(spec, edges);
  }
}

function finish(job: StreamJob, identity: string, placement: Placement, before: PhysicalPlan | null): PhysicalPlan {
  const placed = placement.finish();
  const { stages, edges } = numberEdges(decideCarry(placed.stages, placed.edges), placed.edges, before?.edges ?? []);
  const plan = { job: identity, stages, edges, tables: job.spec.tables, streams: streamsOf(stages), fingerprint: '' };
  const standby = job.spec.standbyReplicas === 0 ? {} : { standbyReplicas: job.spec.standbyReplicas };
  return { ...plan, ...standby, fingerprint: fingerprintOf(plan) };
}

function streamsOf(stages: readonly StagePlan[]): readonly string[] {
  return [...new Set(stages.map(({ stream }) => stream))];
}
