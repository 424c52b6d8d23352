// Where a partial match stands, as a state of the pattern's statechart (pattern-machine.ts). Pure.
//
//   PS1. A position is a state. Behind one way it waits in that state itself; behind several, in a region for each: parallel, since
//        each way is taken or closed by itself (P1).

import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { ACCEPT, buildAutomaton } from './automaton.ts';
import type { Automaton, Position, Way } from './automaton.ts';
import { WHOLE, type MatchCell } from './match-cell.ts';

/** The state that holds all positions. */
export const OPEN = 'open';
/** The region that waits for the end. No name of a step has a `-`. */
const END = 'match-end';
export const WAITING = 'waiting';
export const CLOSED = 'closed';

/** A name for each position: that of its step, from the second copy of it on with a number. */
export function stateNames({ positions }: Automaton): readonly string[] {
  const counts = new Map<string, number>();
  const names: string[] = [];
  for (const [number, { step }] of [...positions.entries()].toReversed()) {
    const count = (counts.get(step) ?? 0) + 1;
    counts.set(step, count);
    names[number] = count === 1 ? step : `${step}-${count}`;
  }
  return names;
}

/** Of the region of a way: what it waits for. */
export function regionName({ target }: Way, names: readonly string[]): string {
  return target === ACCEPT ? END : names[target]!;
}

/** The ways of a position on which something is waited for: all but the open end. By their numbers. */
export function waitingWays({ ways }: Position): ReadonlyMap<number, Way> {
  return new Map([...ways.entries()].filter(([, way]) => !isOpenEnd(way)));
}

/** Leads to the end without anything to wait for. */
export function isOpenEnd({ target, notNext, notFollowedBy }: Way): boolean {
  return target === ACCEPT && notNext.length === 0 && notFollowedBy.length === 0;
}

/** The state as text, as figures tell it. `at`: the position of its last event; `open`: numbers of the ways that are open. */
export function stateOf({ positions }: Automaton, names: readonly string[], at: number, open: readonly number[]): string {
  const ways = waitingWays(positions[at]!);
  const name = names[at]!;
  if (ways.size === 1) return JSON.stringify({ [OPEN]: name });
  const regions = [...ways].map(([number, way]) => [regionName(way, names), open.includes(number) ? WAITING : CLOSED]);
  return JSON.stringify({ [OPEN]: { [name]: Object.fromEntries(regions) as Record<string, string> } });
}

/** Of each partial match among the cells of a key (key-matches.ts). */
export function statesOfCells(spec: PatternSpec, cells: readonly (readonly [namespace: number, cell: unknown])[]): readonly string[] {
  const automaton = buildAutomaton(spec);
  const names = stateNames(automaton);
  return cells.flatMap(([namespace, cell]) => {
    if (namespace % 2 === 1) return [];
    const [positions, , open, marks] = cell as MatchCell;
    const at = positions.at(-1);
    return at === undefined || automaton.positions[at] === undefined || (marks & WHOLE) !== 0 ? [] : [stateOf(automaton, names, at, open)];
  });
}
