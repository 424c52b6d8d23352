// Latencies in buckets that grow by 5 %: p50 and p99 within 5 %, a few hundred numbers, merges by adding.

const GROWTH = Math.log(1.05);
const LOWEST_MS = 0.01;

/** Counts by bucket, sparse, as plain data: what workers report. */
export type LatencyCounts = Readonly<Record<string, number>>;

/** How many latencies were added. */
export function countLatencies(counts: LatencyCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export class LatencyHistogram {
  readonly #counts = new Map<number, number>();

  /** Adds one latency in ms; below 0.01 ms counts as that. */
  add(latencyMs: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(Math.max(latencyMs, LOWEST_MS) / LOWEST_MS) / GROWTH));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
  }

  merge(counts: LatencyCounts): void {
    for (const [bucket, count] of Object.entries(counts)) this.#counts.set(Number(bucket), (this.#counts.get(Number(bucket)) ?? 0) + count);
  }

  counts(): LatencyCounts {
    return Object.fromEntries(this.#counts);
  }

  /** The latency in ms that a share `quantile` (0 … 1) does not exceed, or null when nothing was added. */
  quantile(quantile: number): number | null {
    const buckets = [...this.#counts].sort((a, b) => a[0] - b[0]);
    const total = buckets.reduce((sum, [, count]) => sum + count, 0);
    let seen = 0;
    for (const [bucket, count] of buckets) {
      seen += count;
      if (seen >= quantile * total) return LOWEST_MS * Math.exp(bucket * GROWTH);
    }
    return null;
  }
}
