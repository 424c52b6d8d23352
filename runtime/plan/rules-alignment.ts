// Rules on splits that go on in step: they have event time to go by, and none of a group waits for another of it in a second way.

import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import { allInputsOf, sourcesOf, type JobGraph, type SourceElement, type StageElement } from './job-graph.ts';

export function checkAlignment(graph: JobGraph): readonly Issue[] {
  const aligned = graph.elements.filter((element) => element.kind === 'source').filter(({ spec }) => spec.alignment !== undefined);
  if (aligned.length === 0) return [];
  return [...aligned.flatMap(checkTime), ...graph.stages.flatMap((stage) => checkTurns(stage, graph))];
}

function checkTime({ spec: { name, eventTime }, path }: SourceElement): readonly Issue[] {
  if (eventTime !== undefined) return [];
  const message = `source "${name}" has no event time that its splits could go on by`;
  return [{ path: formatPath([...path, 'alignment']), message, fix: 'add eventTime to it' }];
}

/** What waits for the end of a bootstrap is not read on, and would hold that up when it is further behind. */
function checkTurns(stage: StageElement, graph: JobGraph): readonly Issue[] {
  const inputs = allInputsOf(stage, graph);
  const first = inputs.filter(({ isFirst }) => isFirst === true).flatMap(({ name }) => sourcesOf(name, graph));
  if (first.length === 0) return [];
  const waiting = inputs.filter(({ isFirst }) => isFirst !== true).flatMap(({ name }) => sourcesOf(name, graph));
  const pair = first
    .flatMap((one) => waiting.map((other) => ({ one, other })))
    .find(({ one, other }) => one.name !== other.name && groupOf(one) !== null && groupOf(one) === groupOf(other));
  if (pair === undefined) return [];
  const { one, other } = pair;
  return [
    {
      path: formatPath([...one.path, 'alignment', 'group']),
      message: `stage "${stage.name}" takes in "${one.name}" to its end before "${other.name}", so "${one.name}" may not wait for "${other.name}"`,
      fix: `take "${one.name}" or "${other.name}" out of the group "${groupOf(one)}"`,
    },
  ];
}

/** The group that a source waits in; null: in none. */
export function groupOf({ spec: { alignment, name } }: SourceElement): string | null {
  return alignment === undefined ? null : (alignment.group ?? name);
}
