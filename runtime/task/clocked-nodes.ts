// The transforms of a chain that follow the clock, and those behind them, whose time it is.

/** How often windows and joins that work by the clock look whether something is to close or to be dropped. */
export const CLOCK_TICK_MS = 1_000;

/** What is asked of a node of the chain. */
export interface ClockedNode {
  readonly isClock: boolean;
  /** Gives out the time of now. */
  tick(): void;
  /** Wall-clock ms at which something of it is due, if its time is the clock's: then the watermark is 1 ms behind it. */
  wakeMs(): number;
}

export class ClockedNodes {
  readonly #clocks: ClockedNode[] = [];
  readonly #behind = new Set<ClockedNode>();

  add(node: ClockedNode): void {
    if (node.isClock) this.#clocks.push(node);
  }

  /** `node` reads `from`. To be told in topological order. */
  reads(node: ClockedNode, from: ClockedNode): void {
    if (from.isClock || this.#behind.has(from)) this.#behind.add(node);
  }

  /** The time of now is given out: timers fire. False: nothing follows the clock. */
  tick(): boolean {
    for (const node of this.#clocks) node.tick();
    return this.#clocks.length > 0;
  }

  /** Wall-clock ms at which something is due; Infinity: nothing is. */
  nextWakeMs(): number {
    let wakeMs = Infinity;
    for (const node of this.#behind) wakeMs = Math.min(wakeMs, node.wakeMs());
    return wakeMs;
  }
}
