// What is known of each state of a machine: the events that it handles, how many actors are in it, what they did from there.
//
// Owns: counts for people, and the answer to "is there a transition", kept. It never decides what an actor does.
//   SB1. An event that is taken costs what looking up its handling costs anyway, and an addition.
//   SB2. Bounded: a machine whose states multiply without end is counted as far as there is room.

import { type ActorFigures, STATES_TOLD_MAX, type TransitionCount, TRANSITIONS_TOLD_MAX } from '../figures.ts';

const STATES_MAX = 4_096;
const EVENTS_MAX = 4_096;
const TARGETS_MAX = 256;

export type EventInState = {
  /** null: nobody has asked yet. */
  isHandled: boolean | null;
  /** Taken, and the state after was the same. */
  stayed: number;
  /** State after → how often. */
  left: Map<string, number> | null;
};
export type StateEntry = { actors: number; readonly events: Map<string, EventInState> };

export class StateBook {
  readonly #states = new Map<string, StateEntry>();

  state(name: string): StateEntry {
    let entry = this.#states.get(name);
    if (entry === undefined) {
      entry = { actors: 0, events: new Map() };
      if (this.#states.size >= STATES_MAX) this.#forgetEmpty();
      if (this.#states.size < STATES_MAX) this.#states.set(name, entry); // SB2
    }
    return entry;
  }

  event(state: StateEntry, type: string): EventInState {
    let entry = state.events.get(type);
    if (entry === undefined) {
      entry = { isHandled: null, stayed: 0, left: null };
      if (state.events.size < EVENTS_MAX) state.events.set(type, entry);
    }
    return entry;
  }

  /** An actor that was in `state` took `event` and is in the state `after` now; null: it has ended there. */
  took(state: StateEntry, event: EventInState, after: string, isOver: boolean): void {
    event.left ??= new Map();
    if (event.left.has(after) || event.left.size < TARGETS_MAX) event.left.set(after, (event.left.get(after) ?? 0) + 1);
    if (state.actors > 0) state.actors--;
    if (!isOver) this.state(after).actors++;
  }

  figures(): ActorFigures {
    const states = [...this.#states].filter(([, { actors }]) => actors > 0).map(([name, { actors }]) => [name, actors] as const);
    const transitions = [...this.#states].flatMap(([from, { events }]) =>
      [...events].flatMap(([event, { stayed, left }]): TransitionCount[] => [
        ...(stayed > 0 ? [[from, event, from, stayed] as const] : []),
        ...[...(left ?? [])].map(([to, count]) => [from, event, to, count] as const),
      ]),
    );
    return {
      kind: 'actors',
      states: Object.fromEntries(states.sort((a, b) => b[1] - a[1]).slice(0, STATES_TOLD_MAX)),
      transitions: transitions.sort((a, b) => b[3] - a[3]).slice(0, TRANSITIONS_TOLD_MAX),
    };
  }

  #forgetEmpty(): void {
    for (const [name, { actors }] of this.#states) if (actors === 0) this.#states.delete(name);
  }
}
