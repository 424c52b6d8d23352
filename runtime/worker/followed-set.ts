// Keys that are followed now. Looked at with every heartbeat: so one whose time is over is left within that.

import type { Key } from '../event/batch.ts';
import type { FollowedKeys } from './job-record.ts';

export class FollowedSet {
  keys: ReadonlySet<Key> = new Set();
  #isEmpty = true;

  look(followed: FollowedKeys | null, nowMs: number): void {
    if (followed === null && this.#isEmpty) return;
    this.#isEmpty = followed === null;
    this.keys = new Set((followed?.keys ?? []).flatMap(({ key, untilMs }) => (untilMs > nowMs ? [key] : [])));
  }
}
