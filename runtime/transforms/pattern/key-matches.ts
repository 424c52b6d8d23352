// All that a pattern holds of one key, and how it lies in cells.
//
// Cells: (2 · id, key) → a partial match or a whole one that waits for its turn (K1): the positions and sequence numbers of its
// events, its open ways, its marks. (2 · sequence + 1, key) → an event that one of them took. So an event that changes nothing
// writes nothing, and one that grows a match writes this match.
//   M1. Matches are in order of their first event, then of their id: the order in which they are advanced and come out.
//   M2. An event is kept as long as a match refers to it.

import { assert } from '../../base/assert.ts';
import type { Key, Value } from '../../event/batch.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { FRESH, WAS_MATCH, WHOLE, type MatchCell } from './match-cell.ts';
import type { MatchedEvent, PartialMatch, Taken } from './partial-match.ts';

export type Held =
  | { readonly kind: 'partial'; readonly id: number; readonly match: PartialMatch }
  /** Whole, and waits for those that began before. */
  | { readonly kind: 'whole'; readonly id: number; readonly taken: readonly Taken[] };

type EventCell = readonly [timeMs: number, value: Value];

export class KeyMatches {
  readonly key: Key;
  /** M1. */
  #held: Held[] = [];
  readonly #references = new Map<number, number>();
  #idNext = 0;
  #sequenceNext = 0;

  constructor(key: Key) {
    this.key = key;
  }

  /** All keys, read from their cells. */
  static restore(cells: KeyedCells): Map<Key, KeyMatches> {
    const keys = new Map<Key, KeyMatches>();
    const events = new Map<Key, Map<number, MatchedEvent>>();
    for (const namespace of cells.namespaces().filter(isOfEvents)) {
      const sequence = (namespace - 1) / 2;
      for (const [key, cell] of cells.entries(namespace)) {
        const [timeMs, value] = cell as EventCell;
        const known = events.get(key) ?? new Map<number, MatchedEvent>();
        events.set(key, known.set(sequence, { sequence, timeMs, value }));
      }
    }
    for (const namespace of cells.namespaces().filter((each) => !isOfEvents(each))) {
      for (const [key, cell] of cells.entries(namespace)) {
        const matches = keys.get(key) ?? new KeyMatches(key);
        keys.set(key, matches);
        matches.#add(heldOf(namespace / 2, cell as MatchCell, events.get(key)));
      }
    }
    for (const matches of keys.values()) matches.#held.sort(byBeginning);
    return keys;
  }

  get held(): readonly Held[] {
    return this.#held;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get sequenceNext(): number {
    return this.#sequenceNext;
  }

  /** An id for a match that is added. */
  newId(): number {
    return this.#idNext++;
  }

  /** What is held from now on; in the order M1 when this returns. Writes what differs. */
  replace(next: readonly Held[], cells: KeyedCells): void {
    const before = new Map(this.#held.map((held) => [held.id, held]));
    for (const held of next) {
      const known = before.get(held.id);
      before.delete(held.id);
      if (known === held) continue;
      cells.put(2 * held.id, this.key, cellOf(held));
      if (known !== undefined) continue;
      for (const { event } of takenOf(held)) this.#refer(event, cells);
    }
    for (const gone of before.values()) {
      cells.delete(2 * gone.id, this.key);
      for (const { event } of takenOf(gone)) this.#release(event, cells);
    }
    this.#held = next.toSorted(byBeginning);
  }

  #refer(event: MatchedEvent, cells: KeyedCells): void {
    const count = this.#references.get(event.sequence) ?? 0;
    if (count === 0) cells.put(2 * event.sequence + 1, this.key, [event.timeMs, event.value]);
    this.#references.set(event.sequence, count + 1);
    this.#sequenceNext = Math.max(this.#sequenceNext, event.sequence + 1);
  }

  #release({ sequence }: MatchedEvent, cells: KeyedCells): void {
    const left = this.#references.get(sequence)! - 1;
    if (left > 0) {
      this.#references.set(sequence, left);
      return;
    }
    this.#references.delete(sequence);
    cells.delete(2 * sequence + 1, this.key);
  }

  #add(held: Held): void {
    this.#held.push(held);
    this.#idNext = Math.max(this.#idNext, held.id + 1);
    for (const { event } of takenOf(held)) {
      this.#references.set(event.sequence, (this.#references.get(event.sequence) ?? 0) + 1);
      this.#sequenceNext = Math.max(this.#sequenceNext, event.sequence + 1);
    }
  }
}

export function takenOf(held: Held): readonly Taken[] {
  return held.kind === 'whole' ? held.taken : held.match.taken;
}

export function beginningOf(held: Held): number {
  return takenOf(held)[0]!.event.sequence;
}

function byBeginning(a: Held, b: Held): number {
  return beginningOf(a) - beginningOf(b) || a.id - b.id;
}

function isOfEvents(namespace: number): boolean {
  return namespace % 2 === 1;
}

function cellOf(held: Held): MatchCell {
  const taken = takenOf(held);
  const places = [taken.map(({ position }) => position), taken.map(({ event }) => event.sequence)] as const;
  if (held.kind === 'whole') return [...places, [], WHOLE];
  const { open, isFresh, wasMatch } = held.match;
  return [...places, open, (isFresh ? FRESH : 0) | (wasMatch ? WAS_MATCH : 0)];
}

function heldOf(id: number, [positions, sequences, open, marks]: MatchCell, events: ReadonlyMap<number, MatchedEvent> | undefined): Held {
  const taken = positions.map((position, place): Taken => {
    const event = events?.get(sequences[place]!);
    assert(event !== undefined, 'an event that a match refers to is kept (M2)');
    return { position, event };
  });
  if ((marks & WHOLE) !== 0) return { kind: 'whole', id, taken };
  return { kind: 'partial', id, match: { taken, open, isFresh: (marks & FRESH) !== 0, wasMatch: (marks & WAS_MATCH) !== 0 } };
}
