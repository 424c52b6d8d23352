// Gives the event loop back between steps, so that heartbeats, answers and other tasks have their turn.
//
//   T1. Who waits goes on one after the other, in the order of asking, and the loop has its turn again as soon as they have taken
//       TURN_EVERY_MS of it. Tasks that begin together, or whose commits are acknowledged together, would else all step in one turn:
//       of eight steps of 200 ms none is stored, and no heartbeat sent or heard, before the last has ended.
//   T2. Pieces of long work (copies, images) and steps take turns: neither waits for all that wait of the other kind.
//   T3. A task that is to end waits for no turn: whoever takes it over is waiting for it.
//   T4. While several wait to step, each takes its share of one stretch: results of a worker that is behind, and partitions that begin
//       on it, do not wait for a long step of each of the others.

import type { Clock } from '../base/clock.ts';
import { STRETCH_MS } from '../task/agenda.ts';

/** Shorter than anybody waits for, longer than a turn costs. */
const TURN_EVERY_MS = 8;
/** About what a source that catches up takes for a record full of events: shorter steps would store more of them for the same. */
const STRETCH_MIN_MS = 50;

type Waiting = PromiseWithResolvers<void> & { readonly task: object | null };

export class Turns {
  readonly #clock: Clock;
  readonly #steps: Waiting[] = [];
  readonly #pieces: Waiting[] = [];
  #isForPieces = false;
  #lastMs = 0;
  #isGiving = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives them one after the other, with turns between. */
  async *between<T>(items: Iterable<T>): AsyncGenerator<T> {
    for (const item of items) {
      yield item;
      await this.give();
    }
  }

  /** For a piece of long work. Resolves at once when the loop had its turn a moment ago and nobody waits. */
  give(): Promise<void> {
    return this.#wait(this.#pieces, null);
  }

  /** The same for a step: whoever awaits this steps at once. */
  toStep(task: object): Promise<void> {
    return this.#wait(this.#steps, task);
  }

  /** What the step that begins now may take (T4). */
  get stretchMs(): number {
    return Math.max(STRETCH_MIN_MS, STRETCH_MS / (1 + this.#steps.length));
  }

  /** A task that waits to step goes on now, and does not step (T3). */
  leave(task: object): void {
    const at = this.#steps.findIndex((waiting) => waiting.task === task);
    if (at >= 0) this.#steps.splice(at, 1)[0]?.resolve();
  }

  #wait(queue: Waiting[], task: object | null): Promise<void> {
    if (!this.#isGiving && !this.#isDue()) return Promise.resolve();
    const waiting = { ...Promise.withResolvers<void>(), task };
    queue.push(waiting);
    if (!this.#isGiving) void this.#giveAll();
    return waiting.promise;
  }

  #isDue(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs >= TURN_EVERY_MS;
  }

  async #giveAll(): Promise<void> {
    this.#isGiving = true;
    while (this.#steps.length + this.#pieces.length > 0) {
      if (this.#isDue()) {
        await this.#clock.turn();
        this.#lastMs = this.#clock.monotonicMs();
      }
      const next = this.#next();
      next?.resolve();
      await next?.promise; // behind who awaits it, and steps now
    }
    this.#isGiving = false;
  }

  /** Undefined: who waited has left. */
  #next(): Waiting | undefined {
    this.#isForPieces = !this.#isForPieces;
    const [first, second] = this.#isForPieces ? [this.#pieces, this.#steps] : [this.#steps, this.#pieces];
    return first.shift() ?? second.shift();
  }
}
