// Which events of a batch are traced: sparse, and absent for nearly all batches.
//
//   T1. Marks ascend by place, one a place at most; a list of marks is never empty: a batch without has none.
//   T2. Whatever reorders, picks or cuts events does the same with their marks.

import type { TraceContext } from '../base/trace-context.ts';

/** The event at index `at` is traced, and its next span hangs below `context`. */
export type TraceMark = { readonly at: number; readonly context: TraceContext };

type Marked = { readonly traces?: readonly TraceMark[] };

/** `batch` with these marks; without any when there are none (T1). */
export function withTraces<B extends Marked>(batch: B, traces: readonly TraceMark[] | undefined): B {
  if (traces !== undefined && traces.length > 0) return { ...batch, traces };
  if (batch.traces === undefined) return batch;
  const { traces: _none, ...rest } = batch;
  return rest as unknown as B;
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

/** Marks of the events at `indices`, in that order. */
export function pickTraces(traces: readonly TraceMark[] | undefined, indices: readonly number[]): readonly TraceMark[] | undefined {
  if (traces === undefined) return undefined;
  const contexts = new Map(traces.map(({ at, context }) => [at, context]));
  const picked: TraceMark[] = [];
  for (let at = 0; at < indices.length; at++) {
    const context = contexts.get(indices[at]!);
    if (context !== undefined) picked.push({ at, context });
  }
  return picked;
}

/** Marks of the events in [from, to). */
export function sliceTraces(traces: readonly TraceMark[] | undefined, from: number, to: number): readonly TraceMark[] | undefined {
  return traces?.flatMap(({ at, context }) => (at >= from && at < to ? [{ at: at - from, context }] : []));
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
