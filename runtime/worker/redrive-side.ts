// What of the dead letters that are put in again waits for one task.
//
//   D1. While the job is paused nothing of it goes into a step: a savepoint is then whole without it.
//   D2. A replay lets out only what it has read: letters of its source wait until it goes on as a source.

import type { StagePlan } from '../plan/physical-plan.ts';
import type { TaskCore } from '../task/step.ts';
import type { RedriveFeed, RedriveSubscriber, RedrivenLetter } from './redrive-feed.ts';

/** Letters of one step: each runs through the chain alone. */
const STEP_LETTERS_MAX = 1_000;
const BYTES_MAX = 4 * 1024 * 1024;

type TaskPlace = { readonly redrives: RedriveFeed | null; readonly stage: StagePlan; readonly partition: number };

export class RedriveSide {
  /** Id of the pause that holds it; null: none. */
  paused: string | null = null;
  readonly #letters: RedrivenLetter[] = [];
  readonly #notify: () => void;
  #bytes = 0;

  constructor(notify: () => void) {
    this.#notify = notify;
  }

  /** Takes what lies behind `afterSequence` for the task of `at`, until the returned function is called. */
  subscribe(at: TaskPlace, afterSequence: number): () => void {
    const subscriber: RedriveSubscriber = {
      stage: at.stage.id,
      partition: at.partition,
      hasRoom: () => this.#bytes < BYTES_MAX,
      offer: (letter) => {
        this.#letters.push(letter);
        this.#bytes += letter.bytes;
        this.#notify();
      },
    };
    return at.redrives?.subscribe(subscriber, afterSequence) ?? (() => undefined);
  }

  get isReady(): boolean {
    return this.paused === null && this.#letters.length > 0;
  }

  /** Gives what is there to a step. */
  feed(core: TaskCore, nowMs: number): void {
    if (!this.isReady) return;
    for (const letter of this.#letters.splice(0, STEP_LETTERS_MAX)) {
      this.#bytes -= letter.bytes;
      core.takeRedriven(letter, nowMs);
    }
  }
}
