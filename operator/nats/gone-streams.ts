// Which streams are gone, and not only missing for a moment: a server that starts recovers its streams one by one, and a cluster that
// elects may not know them yet. Pure but for its own memory.
//
//   G1. A stream is gone when every look of GONE_AFTER_MS did not find it. A time without an answer is no look.

import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';

/** A stream by the account that it must be in. */
export type Wanted = { readonly stream: string; readonly account: keyof JobConnections };
export type Names = Readonly<Record<keyof JobConnections, ReadonlySet<string>>>;

/** Longer than a server needs between its first answer and its last stream; less than what drift may last (10 s), by far. */
export const GONE_AFTER_MS = 2_500;

export class GoneStreams {
  readonly #missingSinceMs = new Map<string, number>();

  /** Those of `wanted` that are gone, and those that are missing since a shorter time. */
  look(wanted: readonly Wanted[], names: Names, nowMs: number): { readonly gone: readonly string[]; readonly missing: readonly string[] } {
    const gone: string[] = [];
    const missing: string[] = [];
    for (const { stream: name, account } of wanted) {
      if (names[account].has(name)) {
        this.#missingSinceMs.delete(name);
        continue;
      }
      const sinceMs = this.#missingSinceMs.get(name) ?? nowMs;
      this.#missingSinceMs.set(name, sinceMs);
      (nowMs - sinceMs >= GONE_AFTER_MS ? gone : missing).push(name);
    }
    return { gone, missing };
  }

  /** Nobody answered: whatever was missing may have been missing because of that. */
  reset(): void {
    this.#missingSinceMs.clear();
  }

  /** Nobody asks for these any more. */
  forget(prefix: string): void {
    for (const name of this.#missingSinceMs.keys()) if (name.startsWith(prefix)) this.#missingSinceMs.delete(name);
  }
}
