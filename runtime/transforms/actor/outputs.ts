// Collects what actors emit and sends it on as one batch per output.
//
//   O1. The main output carries all emissions in order; a named one those that name it.
//   O2. What a timer causes leaves later than the timer fired: each emission remembers its trace.

import type { TraceContext } from '../../base/trace-context.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import type { TraceMark } from '../../event/trace-marks.ts';
import { SENT, type StepContext } from '../transform.ts';

type Columns = { values: Value[]; times: number[]; keys: Key[]; traces: TraceMark[] | undefined };

export class Outputs {
  #main: Columns = columns();
  #named = new Map<string, Columns>();
  #sent: Columns | null = null;

  add(value: Value, output: string | null, timeMs: number, key: Key, trace: TraceContext | null): void {
    push(this.#main, value, timeMs, key, trace);
    if (output === null) return;
    let named = this.#named.get(output);
    if (named === undefined) this.#named.set(output, (named = columns()));
    push(named, value, timeMs, key, trace);
  }

  /** An event for the actor of another key: only the stage's own exchange takes it. */
  send(value: Value, timeMs: number, to: Key, trace: TraceContext | null): void {
    push((this.#sent ??= columns()), value, timeMs, to, trace);
  }

  /** Emits all that was added since the last flush. */
  flush(context: StepContext, ingestMs: number): void {
    if (this.#sent !== null) {
      context.emit(batchOf(this.#sent, ingestMs), SENT);
      this.#sent = null;
    }
    if (this.#main.values.length === 0) return;
    const [main, named] = [this.#main, this.#named];
    this.#main = columns();
    this.#named = new Map();
    context.emit(batchOf(main, ingestMs));
    for (const [output, batch] of named) context.emit(batchOf(batch, ingestMs), output);
  }
}

function batchOf({ values, times, keys, traces }: Columns, ingestMs: number): Batch {
  return { values, times, keys, ingestMs, traces };
}

function columns(): Columns {
  return { values: [], times: [], keys: [], traces: undefined };
}

function push(to: Columns, value: Value, timeMs: number, key: Key, trace: TraceContext | null): void {
  if (trace !== null) (to.traces ??= []).push({ at: to.values.length, context: trace });
  to.values.push(value);
  to.times.push(timeMs);
  to.keys.push(key);
}
