// The results of windows that close in one rise of the watermark, gathered into one batch.

import type { Batch, Key, Value } from '../../event/batch.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keyFields } from '../key-fields.ts';

export class WindowResults {
  readonly #aggregates: Aggregates;
  readonly #keyNames: readonly string[];
  #values: Value[] = [];
  #times: number[] = [];
  #keys: Key[] = [];

  constructor(aggregates: Aggregates, keyNames: readonly string[]) {
    this.#aggregates = aggregates;
    this.#keyNames = keyNames;
  }

  get count(): number {
    return this.#values.length;
  }

  /** One key's result of the window [startMs, endMs). Its time is the window's last ms: what closes it has not passed it yet. */
  add(key: Key, startMs: number, endMs: number, cell: Cell): void {
    const value = keyFields(this.#keyNames, key);
    value['windowStartMs'] = startMs;
    value['windowEndMs'] = endMs;
    this.#values.push(Object.assign(value, this.#aggregates.result(cell)));
    this.#times.push(endMs - 1);
    this.#keys.push(key);
  }

  /** All results since the last call. */
  take(ingestMs: number): Batch {
    const batch = { values: this.#values, times: this.#times, keys: this.#keys, ingestMs };
    this.#values = [];
    this.#times = [];
    this.#keys = [];
    return batch;
  }
}
