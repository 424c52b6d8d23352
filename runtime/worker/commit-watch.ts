// Whether a task's commit hangs: in flight for long, and nothing comes back at all. A journal that says "not now" (J8) does answer.

import type { Clock } from '../base/clock.ts';
import type { Journal } from '../journal/journal.ts';

export class CommitWatch {
  readonly #clock: Clock;
  #sinceMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same journal, watched: each answer to an append is a sign of life. */
  journal(inner: Journal): Journal {
    const watch = this.#answered.bind(this);
    return {
      ensureLane: (config) => inner.ensureLane(config),
      append: (...asked) => inner.append(...asked).finally(watch),
      last: (...asked) => inner.last(...asked).finally(watch),
      read: (...asked) => inner.read(...asked),
      purge: (...asked) => inner.purge(...asked),
      figures: (stream) => inner.figures(stream),
      deleteLane: (stream) => inner.deleteLane(stream),
    };
  }

  /** Waits for `commit`, watched meanwhile. */
  async during<T>(commit: Promise<T>): Promise<T> {
    this.#sinceMs = this.#clock.monotonicMs();
    try {
      return await commit;
    } finally {
      this.#sinceMs = null;
    }
  }

  /** How long nothing has come back of the commit in flight; 0: none is. */
  silentMs(): number {
    return this.#sinceMs === null ? 0 : this.#clock.monotonicMs() - this.#sinceMs;
  }

  #answered(): void {
    if (this.#sinceMs !== null) this.#sinceMs = this.#clock.monotonicMs();
  }
}
