// How much tracing may cost: spans per trace, and traces that nobody asked for by a ratio (errors, slow ones, a followed key).
//
//   B1. Of one trace at most SPANS_PER_TRACE_MAX spans leave one worker; the last one says that it was cut.
//   B2. Traces kept because of what happened are at most KEPT_PER_SECOND a second, after a burst: an outage that fails every
//       event costs no more than that.

export const SPANS_PER_TRACE_MAX = 500;
export const KEPT_PER_SECOND = 10;
export const KEPT_BURST = 100;
/** Traces of one generation. Of the last one and the one before spans are counted: what began longer ago is forgotten. */
const GENERATION = 2_048;

export class TraceBudget {
  #spans = new Map<string, number>();
  #older: ReadonlyMap<string, number> = new Map();
  #tokens = KEPT_BURST;
  #filledMs = -Infinity;

  /** B1: whether one more span of the trace may go, and whether it is the last. */
  span(traceId: string): 'yes' | 'last' | 'no' {
    const count = (this.#spans.get(traceId) ?? this.#older.get(traceId) ?? 0) + 1;
    if (count > SPANS_PER_TRACE_MAX) return 'no';
    if (this.#spans.size === GENERATION) [this.#older, this.#spans] = [this.#spans, new Map()];
    this.#spans.set(traceId, count);
    return count === SPANS_PER_TRACE_MAX ? 'last' : 'yes';
  }

  /** B2; `monotonicMs`: now. */
  keep(monotonicMs: number): boolean {
    if (this.#filledMs > -Infinity) {
      const grown = ((monotonicMs - this.#filledMs) / 1_000) * KEPT_PER_SECOND;
      this.#tokens = Math.min(KEPT_BURST, this.#tokens + Math.max(0, grown));
    }
    this.#filledMs = Math.max(this.#filledMs, monotonicMs);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
