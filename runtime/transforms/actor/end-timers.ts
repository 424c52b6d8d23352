// Lets an ended input end: a timer that sets itself again would go on for ever once the watermark is Infinity.
//
//   ET1. After the end, a timer whose id has fired since is not set again; chains of different timers run to their end.
//   ET2. Ids may be made up without end too: after CHAIN_MAX firings of one key no timer is set any more.

import { type Key, WATERMARK_MAX } from '../../event/batch.ts';

const CHAIN_MAX = 10_000;
const MARK = '\u0000';

/** Id of a timer that was given none: its event's type, which is what repeats, and a number. */
export function namedTimer(type: string, count: number): string {
  return `${type}${MARK}${count}`;
}

export class EndTimers {
  readonly #fired = new Map<Key, Set<string>>();

  /** A timer fired during a rise to `watermark`. */
  fired(key: Key, id: string, watermark: number): void {
    if (watermark !== WATERMARK_MAX) return;
    const ids = this.#fired.get(key) ?? new Set();
    this.#fired.set(key, ids.add(id.split(MARK)[0] as string));
  }

  /** True when the timer must not be set. */
  isOver(key: Key, id: string, watermark: number): boolean {
    if (watermark !== WATERMARK_MAX) return false;
    const ids = this.#fired.get(key);
    return ids !== undefined && (ids.has(id) || ids.size > CHAIN_MAX);
  }

  clear(): void {
    this.#fired.clear();
  }
}
