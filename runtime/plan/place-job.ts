// Where everything of a job lies: its sources, stages and sinks as physical stages with exchanges between them.

import type { SinkSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import { allReferences, graphOf, inputsOf, sideTablesOf, topologicalStages } from './job-graph.ts';
import { Placement } from './placement.ts';
import { closeLoop, placeStage } from './place-stage.ts';
import { DEAD_LETTERS, DEAD_LETTERS_FILE, DEAD_LETTERS_SUBJECT, deadLettersSubject } from './plan-names.ts';

export type PlaceJobOptions = { readonly identity: string; readonly deadLetterFile: boolean };

/** Of a job without mistakes. `splitCounts`: partitions of source stages (absent: one a NATS subject, one a file). */
export function placeJob(job: StreamJob, splitCounts: Readonly<Record<string, number>>, options: PlaceJobOptions): Placement {
  const graph = graphOf(job);
  const read = new Set(allReferences(graph).map(({ text }) => text));
  const placement = new Placement(options.identity);
  for (const spec of job.spec.sources) placement.addSource(spec, splitCounts[spec.name] ?? spec.nats?.subjects.length ?? 1);
  for (const stage of topologicalStages(graph))
    placeStage(placement, stage, { partitionsDefault: job.spec.partitions, read, tables: sideTablesOf(stage, graph) });
  for (const stage of graph.stages) closeLoop(placement, stage);
  for (const element of graph.elements)
    if (element.kind === 'sink')
      placeSink(
        placement,
        element.spec,
        inputsOf(element).map(({ text }) => text),
      );
  placeDeadLetters(placement, options);
  return placement;
}

function placeSink(placement: Placement, spec: SinkSpec, inputs: readonly string[]): void {
  const outlets = inputs.flatMap((text) => placement.outletsOf(text).map((outlet) => ({ outlet, text })));
  // A journal sink is an edge that no stage reads: the results lie in the record of the stage that made them.
  const toStage = spec.journal === undefined ? spec.name : `sink:${spec.name}`;
  const edges = outlets.map(({ outlet, text }) => placement.addEdge(outlet, { toStage, partitioning: 'single', label: text }));
  if (spec.journal === undefined) placement.addSink(spec, edges);
}

/** Every stage gives its dead letters to the implied sinks; what these cannot write waits, it has nowhere to go. */
function placeDeadLetters(placement: Placement, { identity, deadLetterFile }: PlaceJobOptions): void {
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
