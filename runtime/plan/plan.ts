// From a declared job to what will run: stages between key changes, exchanges between stages.
//
//   N1. Order of stages: sources and keyed stages in the order in which their first transform can run, then sinks, then the
//       two implied sinks of the dead letters. The same job always gives the same plan.
//   N2. Ids come from names only, never from places: a stage that is added leaves all other ids as they are. (Stages that
//       share an exchange are one stage, named after the first of them in order of declaration.)
//   N3. A stateless transform whose inputs lie in several stages runs in each of them: no exchange is made for it.

import type { SinkSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import { decideCarry } from './carry.ts';
import { fingerprintOf } from './fingerprint.ts';
import { graphOf, inputsOf, topologicalStages } from './job-graph.ts';
import type { PhysicalPlan, StagePlan } from './physical-plan.ts';
import { Placement } from './placement.ts';
import { placeStage } from './place-stage.ts';
import { DEAD_LETTERS, DEAD_LETTERS_FILE, DEAD_LETTERS_SUBJECT, deadLettersSubject } from './plan-names.ts';
import { assertValidJob } from './check.ts';

/** Plans `job`; `splitCounts` gives the partitions of source stages (absent: one a NATS subject, one a file). Throws BadDeclaration
 *  with all mistakes. */
export function planJob(job: StreamJob, splitCounts: Readonly<Record<string, number>>): PhysicalPlan {
  assertValidJob(job, `job ${job.metadata.name}`);
  const graph = graphOf(job);
  const read = new Set(
    graph.elements
      .flatMap((element) => (element.kind === 'stage' || element.kind === 'sink' ? inputsOf(element) : []))
      .map(({ text }) => text),
  );
  const placement = new Placement(job.metadata.name);
  for (const spec of job.spec.sources) placement.addSource(spec, splitCounts[spec.name] ?? spec.nats?.subjects.length ?? 1);
  for (const stage of topologicalStages(graph)) placeStage(placement, stage, { partitionsDefault: job.spec.partitions, read });
  for (const element of graph.elements)
    if (element.kind === 'sink')
      placeSink(
        placement,
        element.spec,
        inputsOf(element).map(({ text }) => text),
      );
  placeDeadLetters(placement, job.metadata.name);
  return finish(job, placement);
}

function placeSink(placement: Placement, spec: SinkSpec, inputs: readonly string[]): void {
  const outlets = inputs.flatMap((text) => placement.outletsOf(text).map((outlet) => ({ outlet, text })));
  // A journal sink is an edge that no stage reads: the results lie in the record of the stage that made them.
  const toStage = spec.journal === undefined ? spec.name : `sink:${spec.name}`;
  const edges = outlets.map(({ outlet, text }) => placement.addEdge(outlet, { toStage, partitioning: 'single', label: text }));
  if (spec.journal === undefined) placement.addSink(spec, edges);
}

/** Every stage gives its dead letters to both implied sinks; what these two cannot write waits, it has nowhere to go. */
function placeDeadLetters(placement: Placement, job: string): void {
  const sinks: readonly SinkSpec[] = [
    { name: DEAD_LETTERS, from: [], file: { path: DEAD_LETTERS_FILE, format: 'ndjson' } },
    { name: DEAD_LETTERS_SUBJECT, from: [], nats: { subject: deadLettersSubject(job), batch: 1 } },
  ];
  const stages = placement.stageIds();
  for (const spec of sinks) {
    const edges = stages.map((stage) =>
      placement.addEdge({ stage, node: '*', output: 'dead' }, { toStage: spec.name, partitioning: 'single', label: `${stage}.dead` }),
    );
    placement.addSink(spec, edges);
  }
}

function finish(job: StreamJob, placement: Placement): PhysicalPlan {
  const { stages: placed, edges } = placement.finish();
  const stages = decideCarry(placed, edges);
  const plan = { job: job.metadata.name, stages, edges, tables: job.spec.tables, streams: streamsOf(stages), fingerprint: '' };
  return { ...plan, fingerprint: fingerprintOf(plan) };
}

function streamsOf(stages: readonly StagePlan[]): readonly string[] {
  return [...new Set(stages.map(({ stream }) => stream))];
}
