// Which events of a batch are traced: sparse, and absent for nearly all batches.
//
//   T1. Marks ascend by place, one a place at most; a list of marks is never empty: a batch without has none.
//   T2. Whatever reorders, picks or cuts events does the same with their marks.

import type { TraceContext } from '../base/trace-context.ts';

/** The event at index `at` is traced, and its next span hangs below `context`. */
export type TraceMark = { readonly at: number; readonly context: TraceContext };

type Marked = { readonly traces?: readonly TraceMark[] | undefined };

/** `batch` with these marks; without any when there are none (T1). */
export function withTraces<B extends Marked>(batch: B, traces: readonly TraceMark[] | undefined): B {
  if (traces !== undefined && traces.length > 0) return { ...batch, traces };
  return batch.traces === undefined ? batch : { ...batch, traces: undefined };
}

/** Context of the event at `index`. */
export function traceAt(batch: Marked, index: number): TraceContext | undefined {
  const { traces } = batch;
  if (traces === undefined) return undefined;
  let low = 0;
  let high = traces.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const mark = traces[middle] as TraceMark;
    if (mark.at === index) return mark.context;
    if (mark.at < index) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}

/** Marks of the events at `indices`, which ascend. */
export function pickTraces(traces: readonly TraceMark[] | undefined, indices: readonly number[]): readonly TraceMark[] | undefined {
  if (traces === undefined) return undefined;
  const picked: TraceMark[] = [];
  let at = 0;
  for (const mark of traces) {
    while (at < indices.length && indices[at]! < mark.at) at++;
    if (indices[at] === mark.at) picked.push({ at, context: mark.context });
  }
  return anyOf(picked);
}

/** Marks of the events in [from, to). */
export function sliceTraces(traces: readonly TraceMark[] | undefined, from: number, to: number): readonly TraceMark[] | undefined {
  return traces && anyOf(traces.flatMap(({ at, context }) => (at >= from && at < to ? [{ at: at - from, context }] : [])));
}

/** T1. */
function anyOf(marks: readonly TraceMark[]): readonly TraceMark[] | undefined {
  return marks.length === 0 ? undefined : marks;
}

/** Marks of the events of all batches, one behind the other. */
export function concatTraces(batches: readonly (Marked & { readonly times: readonly unknown[] })[]): readonly TraceMark[] | undefined {
  if (batches.every(({ traces }) => traces === undefined)) return undefined;
  let before = 0;
  return batches.flatMap(({ traces = [], times }) => {
    const from = before;
    before += times.length;
    return traces.map(({ at, context }) => ({ at: from + at, context }));
  });
}
