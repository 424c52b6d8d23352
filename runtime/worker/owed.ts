// What waits to be stored and need not hurry: a moved watermark or position, which may ride with events that come soon.
//
//   W1. A timer says when it has waited long enough, not the clock: it may come a little early.

import type { Clock } from '../base/clock.ts';
import type { StagePlan } from '../plan/physical-plan.ts';

/** How long a moved watermark or position may wait for events to ride with. */
const OWED_MS = 25;
const OWED_SINK_MS = 250;

export type OwedParts = {
  readonly stage: Pick<StagePlan, 'kind'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** It is due now. */
  readonly notify: () => void;
};

export class Owed {
  readonly #parts: OwedParts;
  #state: 'nothing' | 'waits' | 'due' = 'nothing';
  #turn = 0;

  constructor(parts: OwedParts) {
    this.#parts = parts;
  }

  get isDue(): boolean {
    return this.#state === 'due';
  }

  /** Something waits from now on, if nothing did before. */
  begin(): void {
    if (this.#state !== 'nothing') return;
    const { stage, clock, signal, notify } = this.#parts;
    const turn = ++this.#turn;
    this.#state = 'waits';
    void clock.sleep(stage.kind === 'sink' ? OWED_SINK_MS : OWED_MS, signal).then(() => {
      if (this.#state !== 'waits' || turn !== this.#turn) return;
      this.#state = 'due';
      notify();
    });
  }

  /** All that waited is stored, or on its way. */
  settle(): void {
    this.#state = 'nothing';
  }
}
