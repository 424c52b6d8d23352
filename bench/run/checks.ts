// What the results of a job must be, added up from its input by plain loops that know nothing of the engine.
//
//   C1. The order of results is free; each is there exactly once.

import { Tally } from './tally.ts';

/** Takes the events in, then the results; `problem` tells the first thing that is wrong, or null. */
export interface Check {
  event(line: string): void;
  result(line: string): void;
  readonly results: number;
  problem(): string | null;
  /** Forgets the results, not the events. */
  again(): void;
}

export type CheckName = 'passthrough' | 'count';

export function makeCheck(name: CheckName): Check {
  return name === 'passthrough' ? new SameLines() : new BidCounts();
}

/** The results are the events: as many, and with the same checksums. */
class SameLines implements Check {
  readonly #events = new Tally();
  #results = new Tally();

  get results(): number {
    return this.#results.count;
  }

  event(line: string): void {
    this.#events.add(line);
  }

  result(line: string): void {
    this.#results.add(line);
  }

  problem(): string | null {
    const [from, to] = [this.#events, this.#results];
    if (from.count !== to.count) return `${from.count} events gave ${to.count} results`;
    return from.equals(to) ? null : `the texts of the ${to.count} results are not those of the events`;
  }

  again(): void {
    this.#results = new Tally();
  }
}

const WINDOW_MS = 10_000;
type Bid = { readonly type: string; readonly ts: number; readonly value: { readonly auction: number } };
type Counted = { readonly auction: number; readonly windowStartMs: number; readonly windowEndMs: number; readonly bids: number };

/** Each auction and window with a bid gives one result, with as many bids. */
class BidCounts implements Check {
  readonly #expected = new Map<string, number>();
  #found = new Set<string>();
  #results = 0;
  #wrong: string | null = null;

  get results(): number {
    return this.#results;
  }

  event(line: string): void {
    const { type, ts, value } = JSON.parse(line) as Bid;
    if (type !== 'bid') return;
    const place = `${value.auction} in ${Math.floor(ts / WINDOW_MS) * WINDOW_MS}`;
    this.#expected.set(place, (this.#expected.get(place) ?? 0) + 1);
  }

  result(line: string): void {
    const { auction, windowStartMs, windowEndMs, bids } = JSON.parse(line) as Counted;
    const place = `${auction} in ${windowStartMs}`;
    const expected = this.#expected.get(place) ?? 0;
    if (bids !== expected || windowEndMs !== windowStartMs + WINDOW_MS) this.#wrong ??= `${line} is wrong: there were ${expected} bids`;
    if (this.#found.has(place)) this.#wrong ??= `${line} came twice`;
    this.#found.add(place);
    this.#results++;
  }

  problem(): string | null {
    if (this.#wrong !== null) return this.#wrong;
    return this.#results === this.#expected.size ? null : `${this.#expected.size} auctions and windows gave ${this.#results} results`;
  }

  again(): void {
    this.#found = new Set();
    this.#results = 0;
    this.#wrong = null;
  }
}
