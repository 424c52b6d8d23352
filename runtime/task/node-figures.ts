// What transforms tell, put together: over the tasks of a worker, and over the workers of a job. Pure.

import {
  type ActorFigures,
  OPEN_TOLD_MAX,
  type OpenSpan,
  STATES_TOLD_MAX,
  type TransformFigures,
  TRANSITIONS_TOLD_MAX,
  type TransitionCount,
  type WindowFigures,
} from '../transforms/figures.ts';

/** By node of the plan. */
export type NodeFigures = Readonly<Record<string, TransformFigures>>;

export function mergeNodeFigures(all: readonly NodeFigures[]): NodeFigures {
  const byNode = new Map<string, TransformFigures[]>();
  for (const [node, figures] of all.flatMap((one) => Object.entries(one))) {
    const known = byNode.get(node);
    if (known === undefined) byNode.set(node, [figures]);
    else known.push(figures);
  }
  return Object.fromEntries([...byNode].map(([node, figures]) => [node, merged(figures)]));
}

function merged(all: readonly TransformFigures[]): TransformFigures {
  const actors = all.filter((one): one is ActorFigures => one.kind === 'actors');
  return actors.length > 0 ? mergedActors(actors) : mergedWindows(all as readonly WindowFigures[]);
}

function mergedActors(all: readonly ActorFigures[]): ActorFigures {
  const states = new Map<string, number>();
  const transitions = new Map<string, TransitionCount>();
  for (const one of all) {
    for (const [state, actors] of Object.entries(one.states)) states.set(state, (states.get(state) ?? 0) + actors);
    for (const [from, event, to, count] of one.transitions) {
      const name = JSON.stringify([from, event, to]);
      transitions.set(name, [from, event, to, (transitions.get(name)?.[3] ?? 0) + count]);
    }
  }
  return {
    kind: 'actors',
    states: Object.fromEntries([...states].sort((a, b) => b[1] - a[1]).slice(0, STATES_TOLD_MAX)),
    transitions: [...transitions.values()].sort((a, b) => b[3] - a[3]).slice(0, TRANSITIONS_TOLD_MAX),
  };
}

function mergedWindows(all: readonly WindowFigures[]): WindowFigures {
  const spans = new Map<number, OpenSpan>();
  for (const [start, end, keys] of all.flatMap((one) => one.spans)) spans.set(start, [start, end, (spans.get(start)?.[2] ?? 0) + keys]);
  return {
    kind: 'windows',
    open: all.reduce((sum, { open }) => sum + open, 0),
    spans: [...spans.values()].sort((a, b) => a[0] - b[0]).slice(0, OPEN_TOLD_MAX),
    results: all.reduce((sum, { results }) => sum + results, 0),
  };
}
