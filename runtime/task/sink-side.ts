// The way out of a sink's task: events that were taken in, made into what its writer will apply, and how far the sink has come.
//
//   SS1. Nothing is prepared twice: what `prepare` gives is of the step that is made, and so is the state that comes of it.

import type { SinkState } from '../connectors/sink.ts';
import type { Batch, DeadLetter, Value } from '../event/batch.ts';
import type { TraceContext } from '../base/trace-context.ts';
import type { TraceMark } from '../event/trace-marks.ts';
import type { RecordHeader } from '../journal/record.ts';
import { sinkLetter } from './letters.ts';
import type { Segment } from './step-record.ts';
import type { TaskParts } from './task-parts.ts';

export type Prepared = {
  readonly segment: Segment;
  readonly deadLetters: readonly DeadLetter[];
  readonly traces: readonly TraceMark[] | undefined;
};

export class SinkSide {
  /** null: the task has no sink, or its partition was never run. */
  state: SinkState | null;
  readonly #parts: Pick<TaskParts, 'sink' | 'stage'>;
  #batches: Batch[] = [];
  /** Of events that come again, which attempt this is. */
  readonly #attempts = new Map<Value, number>();

  constructor(parts: Pick<TaskParts, 'sink' | 'stage'>) {
    this.#parts = parts;
    this.state = parts.sink?.initial ?? null;
  }

  take(batch: Batch): void {
    this.#batches.push(batch);
  }

  takeAgain(event: Value, batch: Batch, attempts: number): void {
    this.#attempts.set(event, attempts);
    this.take(batch);
  }

  /** What a record says that goes from `before` to what it is now. */
  header(before: SinkState | null): RecordHeader['sink'] {
    return this.state === null || before === null ? null : { before, after: this.state, appliedNumber: 0 };
  }

  /** null: there is nothing to write. `traced`: a letter as it is told, in the trace of its event. */
  prepare(traced: (letter: DeadLetter, from: TraceContext | undefined) => DeadLetter): Prepared | null {
    const { sink, stage } = this.#parts;
    if (sink === null || this.state === null || this.#batches.length === 0) return null;
    const { payload: bytes, count, after, failed, traces } = sink.writer.prepare(this.#batches, this.state);
    this.#batches = [];
    this.state = after;
    const deadLetters = failed.map((one) => traced(sinkLetter(stage.id, one, this.#attempts.get(one.value)), one.trace));
    this.#attempts.clear();
    return { segment: { kind: 'payload', edge: -1, partition: -1, count, bytes }, deadLetters, traces };
  }
}
