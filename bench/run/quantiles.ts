// Exact quantiles of what was measured. Pure.

export type LatencyQuantiles = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

/** Nearest rank: the smallest value that at least the share has reached. */
export function quantilesOf(values: Float64Array): LatencyQuantiles {
  if (values.length === 0) throw new Error('there are no quantiles of nothing');
  const sorted = values.toSorted();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] as number;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}
