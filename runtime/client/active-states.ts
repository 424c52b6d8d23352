// What an answer about a key says of its states: those of a machine's actor, or of the partial matches of a pattern. Pure.

import type { PatternSpec } from '../../crds/stream-job/pattern.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import { statesOfCells } from '../transforms/pattern/pattern-states.ts';
import type { Answer } from '../worker/ask.ts';

/** The leaf states that a state value names: `flying`, or `a.x` and `b.y` for {"a":"x","b":"y"}. */
export function leavesOf(stateText: string): readonly string[] {
  if (!stateText.startsWith('{')) return [stateText];
  try {
    return leaves(JSON.parse(stateText) as unknown, '');
  } catch {
    return [stateText];
  }
}

function leaves(value: unknown, path: string): readonly string[] {
  if (typeof value === 'string') return [path === '' ? value : `${path}.${value}`];
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0) return path === '' ? [] : [path];
  return entries.flatMap(([name, child]) => leaves(child, path === '' ? name : `${path}.${name}`));
}

/** Active states, those that hold others too: of a machine's actor, of all partial matches of a pattern; null where there is none. */
export function statesOf(stage: StagePlan, node: string, answer: Answer): readonly string[] | null {
  const op = stage.nodes.find(({ id }) => id === node)?.op;
  if (op?.kind === 'pattern') {
    const places = partialMatchesOf(op.spec, answer);
    return places.length === 0 ? null : withParents(places.flatMap(leavesOf));
  }
  const cell = answer.cells.find(({ namespace }) => namespace === 0);
  if ((op?.kind !== 'machine' && op?.kind !== 'xstate') || cell === undefined || cell.value.isCut) return null;
  const { value } = (JSON.parse(cell.value.text) ?? {}) as { readonly value?: unknown };
  return withParents(leavesOf(typeof value === 'string' ? value : JSON.stringify(value ?? {})));
}

/** State of the pattern's statechart → partial matches in it; null: no pattern. */
export function matchCountsOf(stage: StagePlan, node: string, answer: Answer): Readonly<Record<string, number>> | null {
  const op = stage.nodes.find(({ id }) => id === node)?.op;
  if (op?.kind !== 'pattern') return null;
  const counts: Record<string, number> = {};
  for (const place of partialMatchesOf(op.spec, answer))
    for (const path of withParents(leavesOf(place))) counts[path] = (counts[path] ?? 0) + 1;
  return counts;
}

function withParents(leafPaths: readonly string[]): readonly string[] {
  return [...new Set(leafPaths.flatMap((path) => path.split('.').map((_part, at, parts) => parts.slice(0, at + 1).join('.'))))];
}

/** States of a key's partial matches, as far as its cells were told. */
function partialMatchesOf(spec: PatternSpec, { cells }: Answer): readonly string[] {
  const told = cells.filter(({ value }) => !value.isCut).map(({ namespace, value }) => [namespace, JSON.parse(value.text)] as const);
  return statesOfCells(spec, told);
}
