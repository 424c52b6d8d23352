// Rules on what is taken in before everything else: it must end, and come by ways of its own.

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { inputsOf, sourcesOf, tableInputs, type JobGraph, type Reference } from './job-graph.ts';
import type { EdgePlan, StagePlan } from './physical-plan.ts';
import { placeJob } from './place-job.ts';
import { streamTables } from './rules-side-inputs.ts';
import { isKeyed } from './stage-verbs.ts';

export function checkBootstraps(graph: JobGraph): readonly Issue[] {
  const first = [...graph.stages.flatMap(inputsOf), ...streamTables(graph).flatMap(tableInputs)].filter(({ isFirst }) => isFirst === true);
  return [...first.flatMap((reference) => checkEnds(reference, graph)), ...graph.stages.flatMap(checkState)];
}

function checkState({ spec, path }: JobGraph['stages'][number]): readonly Issue[] {
  if (spec.bootstrap === undefined || isKeyed(spec)) return [];
  return [
    {
      path: formatPath([...path, 'bootstrap']),
      message: `stage "${spec.name}" has no state that could be filled`,
      fix: 'bootstrap goes with the verbs that need keyBy; name it at the stage whose state it is for',
    },
  ];
}

/** What waits behind an input that never ends would wait for ever. */
function checkEnds({ name, path }: Reference, graph: JobGraph): readonly Issue[] {
  const endless = sourcesOf(name, graph).find(({ spec }) => spec.nats !== undefined && !spec.nats.bounded);
  if (endless === undefined) return [];
  return [
    {
      path: formatPath(path),
      message: `source "${endless.name}" never ends, and all that is not of the bootstrap waits for its end`,
      fix: `bounded: true lets "${endless.name}" end at the message that was last when the run began; or take a file`,
    },
  ];
}

/** Of a job without other mistakes: what is taken in first and what waits for it come out of different stages, as each is read from
 *  one position on. */
export function checkBootstrapLanes(job: StreamJob): readonly Issue[] {
  const { stages, edges } = placeJob(job, {}, { identity: job.metadata.name, deadLetterFile: false }).finish();
  return stages.flatMap((stage) => {
    const [first, waits] = [lanesOf(stage, edges, 'first'), lanesOf(stage, edges, 'waits')];
    const shared = first.find((lane) => waits.includes(lane));
    if (shared === undefined) return [];
    const message = `stage "${stage.id}" is to take in a part of what "${shared}" gives out before the rest of it, and it is read in one order`;
    const at = job.spec.stages.findIndex(({ name }) => name === stage.id);
    return [
      { path: formatPath(['spec', 'stages', at]), message, fix: 'let the bootstrap come from a source, or from a keyed stage, of its own' },
    ];
  });
}

function lanesOf({ nodes }: StagePlan, edges: readonly EdgePlan[], turn: 'first' | 'waits'): readonly string[] {
  return nodes.flatMap(({ inputs }) =>
    inputs.flatMap((input) => (input.kind === 'edge' && input.turn === turn ? (edges[input.edge]?.fromStage ?? []) : [])),
  );
}
