// How many partial matches stand in each state of the pattern's statechart, for people to look at. It decides nothing.
//
//   PB1. A change costs as much as what changed: nothing is counted over.
//   PB2. Bounded: places are ways of positions that are open, and what is told is the commonest.

import { type ActorFigures, STATES_TOLD_MAX } from '../figures.ts';
import type { Automaton } from './automaton.ts';
import type { Held } from './key-matches.ts';
import { stateNames, stateOf } from './pattern-states.ts';

export class PartialMatchBook {
  readonly #automaton: Automaton;
  readonly #names: readonly string[];
  readonly #counts = new Map<string, number>();

  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#names = stateNames(automaton);
  }

  /** What is held of a key now, and was before. */
  count(now: readonly Held[], before: readonly Held[]): void {
    const known = new Set(before);
    for (const held of now) if (!known.delete(held)) this.#add(held, 1);
    for (const gone of known) this.#add(gone, -1);
  }

  /** Transitions are not counted: an event may take several of one partial match. */
  figures(): ActorFigures {
    const states = [...this.#counts].sort((a, b) => b[1] - a[1]).slice(0, STATES_TOLD_MAX);
    return { kind: 'actors', states: Object.fromEntries(states), transitions: [] };
  }

  #add(held: Held, change: number): void {
    if (held.kind === 'whole') return;
    const { taken, open } = held.match;
    const state = stateOf(this.#automaton, this.#names, taken.at(-1)!.position, open);
    const count = (this.#counts.get(state) ?? 0) + change;
    if (count === 0) this.#counts.delete(state);
    else this.#counts.set(state, count);
  }
}
