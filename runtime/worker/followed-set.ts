// Keys that are followed now. Looked at with every heartbeat: so one whose time is over is left within that.
//
//   FS1. Who asked has another clock, which may be minutes off: a key is followed for as long as was asked, from when the worker first
//        hears of it.

import type { Clock } from '../base/clock.ts';
import type { Key } from '../event/batch.ts';
import type { FollowedKey, FollowedKeys } from './job-record.ts';

export class FollowedSet {
  keys: ReadonlySet<Key> = new Set();
  /** When each of what was asked is over, monotonic ms. */
  #ends: ReadonlyMap<string, number> = new Map();

  look(followed: FollowedKeys | null, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): void {
    if (followed === null && this.#ends.size === 0) return;
    const atMs = clock.monotonicMs();
    const asked = (followed?.keys ?? []).map((one) => {
      const sign = `${one.key} ${one.untilMs}`;
      return { key: one.key, sign, endMs: this.#ends.get(sign) ?? atMs + lengthMs(one, clock) };
    });
    this.#ends = new Map(asked.map(({ sign, endMs }) => [sign, endMs]));
    this.keys = new Set(asked.flatMap(({ key, endMs }) => (endMs > atMs ? [key] : [])));
  }
}

function lengthMs({ untilMs, forMs }: FollowedKey, clock: Pick<Clock, 'nowMs'>): number {
  return forMs ?? untilMs - clock.nowMs();
}
