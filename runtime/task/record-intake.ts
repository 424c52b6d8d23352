// Takes records of upstream stages in, slice by slice, as far as a stretch of the chain allows.
//
// Owns: the records that wait, and the place in the first of them. Does not own: positions (inputs.ts).
//   K1. What of a record was taken in stands in the positions as soon as it is: a step may end inside of a record, and whoever goes on
//       behind it takes in the rest of it and no more.
//   K2. A record's watermark counts when all of it was taken in.

import { decodeEvents } from '../event/segment.ts';
import type { Batch } from '../event/batch.ts';
import { partOf } from '../event/part-of.ts';
import type { InboxRecord } from './inbox.ts';
import type { TaskInputs } from './inputs.ts';

/** Where slices go. */
export interface SliceTarget {
  /** How many events of that edge are a slice now; Infinity: all. */
  portionOf(edge: number): number;
  readonly stretch: { readonly isOver: boolean };
}

type Take = (edge: number, slice: Batch, record: InboxRecord) => void;

/** The segment that is taken in, and how many of its events are. */
type Open = { readonly batch: Batch; taken: number };

export class RecordIntake {
  readonly #inputs: TaskInputs;
  #waiting: readonly InboxRecord[] = [];
  /** Of the first record that waits: the place in the list, its segment, and that one's events. */
  #record = 0;
  #segment = 0;
  #open: Open | null = null;
  /** Events of the first record that an earlier owner has taken in, by edge, as far as they were not passed yet. */
  #pass: Map<number, number> | null = null;

  constructor(inputs: TaskInputs) {
    this.#inputs = inputs;
  }

  get isEmpty(): boolean {
    return this.#record === this.#waiting.length;
  }

  /** Behind those that wait. */
  add(records: readonly InboxRecord[]): void {
    this.#waiting = this.isEmpty ? records : [...this.#waiting.slice(this.#record), ...records];
    this.#record = 0;
  }

  /** How many records were taken in to their end whose position is to be stored. */
  run(chain: SliceTarget, take: Take): number {
    let news = 0;
    while (!this.isEmpty && !chain.stretch.isOver) {
      const record = this.#waiting[this.#record] as InboxRecord;
      if (!this.#takeOf(record, chain, take)) break;
      if (this.#inputs.note(record)) news++;
      this.#record++;
      this.#segment = 0;
      this.#pass = null;
    }
    if (this.isEmpty) this.add([]);
    return news;
  }

  /** True: nothing of it is left. */
  #takeOf(record: InboxRecord, chain: SliceTarget, take: Take): boolean {
    const { segments, sequence } = record;
    this.#pass ??= new Map(segments.map(({ edge }) => [edge, this.#inputs.takenOf(edge, sequence)]));
    for (; this.#segment < segments.length; this.#segment++) {
      const { edge, bytes, count } = segments[this.#segment] as InboxRecord['segments'][number];
      if (sequence <= this.#inputs.positionOf(edge)) continue;
      const passed = this.#pass.get(edge) ?? 0;
      if (this.#open === null && passed >= count) {
        this.#pass.set(edge, passed - count);
        continue;
      }
      if (this.#open === null) {
        this.#open = { batch: decodeEvents(bytes), taken: passed };
        this.#pass.set(edge, 0);
      }
      const open = this.#open;
      const slice = (from: number, to: number): void => {
        take(edge, partOf(open.batch, from, to), record);
        this.#inputs.noteTaken(edge, sequence, to - from);
      };
      if (!takeSlices(open, chain, edge, slice)) return false;
      this.#open = null;
    }
    return true;
  }
}

/** False: the stretch was over before its end. */
function takeSlices(open: Open, chain: SliceTarget, edge: number, take: (from: number, to: number) => void): boolean {
  for (const count = open.batch.values.length; open.taken < count;) {
    if (chain.stretch.isOver) return false;
    const to = Math.min(count, open.taken + chain.portionOf(edge));
    take(open.taken, to);
    open.taken = to;
  }
  return true;
}
