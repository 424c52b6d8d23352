// Rates of counts that are looked at now and then: their rise over the last seconds.

const RATE_WINDOW_MS = 3_000;

type Look = { readonly atMs: number; readonly counts: Map<string, number> };

export class CountRates {
  #looks: Look[] = [];

  /** A look at all counts begins. */
  begin(nowMs: number): void {
    if (this.#looks.at(-1)?.atMs === nowMs) this.#looks.pop();
    this.#looks.push({ atMs: nowMs, counts: new Map() });
    while ((this.#looks[1]?.atMs ?? nowMs) <= nowMs - RATE_WINDOW_MS) this.#looks.shift();
  }

  /** A second's rise of a count, over the window; 0 for one that was not seen before, or fell. */
  perS(name: string, count: number): number {
    const now = this.#looks.at(-1);
    now?.counts.set(name, count);
    const first = this.#looks.find(({ counts }) => counts.has(name));
    if (first === undefined || now === undefined || now.atMs <= first.atMs) return 0;
    return (Math.max(0, count - (first.counts.get(name) ?? 0)) / (now.atMs - first.atMs)) * 1000;
  }
}
