// A histogram with fixed buckets, as metrics have it, and for each bucket the last trace that fell into it.
//
//   B1. Bounded: as many numbers and exemplars as there are buckets, whatever is added.

/** `value` as it was added; `atMs`: when, ms since the epoch. */
export type Exemplar = { readonly traceId: string; readonly value: number; readonly atMs: number };

export type ExemplarTrace = Omit<Exemplar, 'value'>;

export class BucketHistogram {
  readonly bounds: readonly number[];
  readonly #counts: number[];
  readonly #exemplars: (Exemplar | undefined)[];
  #sum = 0;

  /** `bounds`: upper bounds, ascending; what is above all of them has a bucket of its own. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
    this.#exemplars = new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined);
  }

  add(value: number, trace: ExemplarTrace | null = null): void {
    const place = this.#placeOf(value);
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
    this.mark(value, trace);
  }

  /** The trace of a value that was added before: whether it is kept was known only later. */
  mark(value: number, trace: ExemplarTrace | null): void {
    if (trace !== null) this.#exemplars[this.#placeOf(value)] = { ...trace, value };
  }

  get sum(): number {
    return this.#sum;
  }

  /** Each bucket with all that is in it or below; the last one is the infinite one. */
  cumulative(): readonly { readonly upTo: number; readonly count: number; readonly exemplar: Exemplar | null }[] {
    let count = 0;
    return this.#counts.map((own, place) => {
      count += own;
      return { upTo: this.bounds[place] ?? Infinity, count, exemplar: this.#exemplars[place] ?? null };
    });
  }

  #placeOf(value: number): number {
    const place = this.bounds.findIndex((bound) => value <= bound);
    return place < 0 ? this.bounds.length : place;
  }
}
