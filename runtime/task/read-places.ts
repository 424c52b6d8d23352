// Where an event that a source read came from, for dead letters of the transforms behind it.
//
// A transform tells the event that it refuses, not its number. As long as that is the value that was read it has its place; what a transform
// made of it has those of all that was read with it.

import type { Value } from '../event/batch.ts';

export class ReadPlaces {
  readonly #word: string;
  readonly #values: readonly Value[];
  readonly #places: readonly number[];
  /** Made with the first dead letter: most reads have none. */
  #byEvent: ReadonlyMap<Value, number> | null = null;

  /** `word`: what is counted, such as `line`. */
  constructor(word: string, values: readonly Value[], places: readonly number[]) {
    this.#word = word;
    this.#values = values;
    this.#places = places;
  }

  of(event: Value): string | null {
    this.#byEvent ??= new Map(this.#values.map((value, i) => [value, this.#places[i] as number]));
    const place = typeof event === 'object' && event !== null ? this.#byEvent.get(event) : undefined;
    if (place !== undefined) return `${this.#word} ${place}`;
    const [first, last] = [this.#places[0], this.#places.at(-1)];
    if (first === undefined) return null;
    return first === last ? `${this.#word} ${first}` : `${this.#word} ${first} to ${last}`;
  }
}
