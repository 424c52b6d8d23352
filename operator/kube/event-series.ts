// Which recorded events become Events of their own, which raise a count, and which are too many. Pure: times come in.
//
//   V2. The same said again within the window raises the count of one Event; the window begins again each time.
//   V4. One object has a burst of Events and then few; a repeated one costs nothing.
//   V5. A count is written at most once in EVENT_UPDATE_MS, and its last value always.

import { EVENT_BURST, EVENT_REFILL_MS, EVENT_SERIES_MAX, EVENT_UPDATE_MS, EVENT_WINDOW_MS } from './kube-limits.ts';

/** One Event in the cluster: the same sentence about the same object. `T` is what it says. */
export type Series<T> = {
  readonly key: string;
  readonly said: T;
  /** Of the Event; it is its identity. */
  readonly name: string;
  count: number;
  lastMs: number;
  /** What the cluster was told, and when. */
  sentCount: number;
  sentMs: number;
};

export type Told<T> = { readonly subject: string; readonly key: string; readonly said: T; readonly name: string };

type Bucket = { tokens: number; atMs: number };

export class EventSeries<T> {
  /** By key, the one that was said last at the end. */
  readonly #series = new Map<string, Series<T>>();
  readonly #buckets = new Map<string, Bucket>();

  /** Takes in what was said: a series to send as a new Event, `repeated` (its count waits, see takeDue), or `dropped`. */
  tell({ subject, key, said, name }: Told<T>, nowMs: number): Series<T> | 'repeated' | 'dropped' {
    const known = this.#series.get(key);
    if (known !== undefined && nowMs - known.lastMs < EVENT_WINDOW_MS) {
      known.count++;
      known.lastMs = nowMs;
      this.#keep(known);
      return 'repeated';
    }
    if (!this.#spend(subject, nowMs)) return 'dropped';
    const series = { key, said, name, count: 1, lastMs: nowMs, sentCount: 1, sentMs: nowMs };
    this.#keep(series);
    return series;
  }

  /** A series whose count is to be written now, marked as written; null: none. `hurry`: also one that was written just now. */
  takeDue(nowMs: number, hurry: boolean): Series<T> | null {
    for (const series of this.#series.values()) {
      if (series.sentCount === series.count || (!hurry && series.sentMs + EVENT_UPDATE_MS > nowMs)) continue;
      series.sentCount = series.count;
      series.sentMs = nowMs;
      return series;
    }
    return null;
  }

  /** When the next count is to be written; null: none waits. */
  nextDueMs(): number | null {
    let dueMs: number | null = null;
    for (const { sentCount, count, sentMs } of this.#series.values()) {
      if (sentCount !== count) dueMs = Math.min(dueMs ?? Infinity, sentMs + EVENT_UPDATE_MS);
    }
    return dueMs;
  }

  /** Its Event is not in the cluster: said again, it is a new one. */
  forget({ key }: Series<T>): void {
    this.#series.delete(key);
  }

  #keep(series: Series<T>): void {
    this.#series.delete(series.key);
    this.#series.set(series.key, series);
    dropOldest(this.#series, EVENT_SERIES_MAX);
  }

  /** V4. */
  #spend(subject: string, nowMs: number): boolean {
    const before = this.#buckets.get(subject) ?? { tokens: EVENT_BURST, atMs: nowMs };
    const refilled = Math.min(EVENT_BURST, before.tokens + (nowMs - before.atMs) / EVENT_REFILL_MS);
    const isEnough = refilled >= 1;
    this.#buckets.delete(subject);
    this.#buckets.set(subject, { tokens: isEnough ? refilled - 1 : refilled, atMs: nowMs });
    dropOldest(this.#buckets, EVENT_SERIES_MAX);
    return isEnough;
  }
}

function dropOldest(map: Map<string, unknown>, sizeMax: number): void {
  for (const key of map.keys()) {
    if (map.size <= sizeMax) return;
    map.delete(key);
  }
}
