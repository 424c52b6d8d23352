// How long a task did not read something that was there, because it is ahead of what it waits for.

import type { Clock } from '../base/clock.ts';
import type { TaskFigures } from './task-figures.ts';

export type HeldFigures = Pick<TaskFigures, 'heldMs' | 'held'>;

export class HeldTime {
  readonly #clock: Clock;
  #heldMs = 0;
  #sinceMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#sinceMs !== null;
  }

  set(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.#heldMs = this.#tillNowMs();
    this.#sinceMs = isHeld ? this.#clock.monotonicMs() : null;
  }

  figures(): HeldFigures {
    return { heldMs: this.#tillNowMs(), ...(this.isHeld ? { held: true as const } : {}) };
  }

  #tillNowMs(): number {
    return this.#heldMs + (this.#sinceMs === null ? 0 : this.#clock.monotonicMs() - this.#sinceMs);
  }
}
