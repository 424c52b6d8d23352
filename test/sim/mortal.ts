// A life that can end or stand still at any moment: everything a worker hears from outside goes through it.
//
//   D1. After `kill` nothing that the worker awaits ever comes back, and nothing that it asks for is done: to the world it
//       is as if its process were gone. What was under way may still arrive, as a message on the line does.
//   D2. While it is suspended answers wait; then all of them come at once, to a worker that believes no time has passed.
//   D3. Its wall clock may go before or after those of others, by minutes.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { BlobContent, BlobStore, Journal, LaneReader } from '../../runtime/journal/journal.ts';
import type { Bus, Directory } from '../../runtime/worker/directory.ts';

const WALL_OFFSET_MAX_MS = 5 * 60_000;

/** Of one worker: minutes before or behind the world's clock. */
export function wallOffsetMs(random: Random): number {
  return Math.round((2 * random.next() - 1) * WALL_OFFSET_MAX_MS);
}

export class Mortal {
  readonly #clock: Clock;
  readonly #wallOffsetMs: number;
  #isDead = false;
  /** The server closes what a dead process had open. */
  readonly #hangUps: (() => void)[] = [];
  #suspendedUntilMs = 0;

  /** `wallOffsetMs`: how far its wall clock is ahead of the world's. Durations are measured by another clock, which all have. */
  constructor(clock: Clock, wallOffsetMs = 0) {
    this.#clock = clock;
    this.#wallOffsetMs = wallOffsetMs;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
    for (const hangUp of this.#hangUps.splice(0)) hangUp();
  }

  suspend(durationMs: number): void {
    this.#suspendedUntilMs = this.#clock.monotonicMs() + durationMs;
  }

  /** Asks, and hears the answer: or not (D1), or later (D2). */
  async through<T>(ask: () => Promise<T>): Promise<T> {
    await this.#awake();
    const settled = ask().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error;
      },
    );
    const answer = await settled;
    await this.#awake();
    return answer();
  }

  /** A message to the worker that nobody waits for. */
  hear(deliver: () => void): void {
    if (this.#isDead) return;
    if (this.#suspendedUntilMs <= this.#clock.monotonicMs()) deliver();
    else void this.#awake().then(deliver);
  }

  clock(): Clock {
    const inner = this.#clock;
    return {
      nowMs: () => inner.nowMs() + this.#wallOffsetMs, // D3
      monotonicMs: () => inner.monotonicMs(),
      sleep: (delayMs, signal) => this.through(() => inner.sleep(delayMs, signal)),
      turn: () => this.through(() => inner.turn()),
    };
  }

  journal(inner: Journal): Journal {
    return {
      ensureLane: (config) => this.through(() => inner.ensureLane(config)),
      append: (...asked) => this.through(() => inner.append(...asked)),
      last: (...asked) => this.through(() => inner.last(...asked)),
      read: (...asked) => this.#reader(inner.read(...asked)),
      purge: (...asked) => this.through(() => inner.purge(...asked)),
      figures: (stream) => this.through(() => inner.figures(stream)),
      deleteLane: (stream) => this.through(() => inner.deleteLane(stream)),
    };
  }

  blobs(inner: BlobStore): BlobStore {
    return {
      put: (name, content) => this.through(() => inner.put(name, this.#chunks(content))),
      get: (...asked) => this.through(async () => this.#whenThere(await inner.get(...asked))),
      has: (...asked) => this.through(() => inner.has(...asked)),
      delete: (name) => this.through(() => inner.delete(name)),
      deleteBefore: (...asked) => this.through(() => inner.deleteBefore(...asked)),
    };
  }

  directory(inner: Directory): Directory {
    return {
      get: (key) => this.through(() => inner.get(key)),
      put: (...asked) => this.through(() => inner.put(...asked)),
      update: (...asked) => this.through(() => inner.update(...asked)),
      delete: (key) => this.through(() => inner.delete(key)),
      watch: (onChange) => this.through(() => inner.watch((key, entry) => this.hear(() => onChange(key, entry)))),
    };
  }

  bus(inner: Bus): Bus {
    return {
      publish: (topic, value) => this.#isDead || inner.publish(topic, value),
      subscribe: (topic, onMessage) => {
        const hangUp = inner.subscribe(topic, (value) => this.hear(() => onMessage(value)));
        this.#hangUps.push(hangUp);
        return hangUp;
      },
      isHeard: (topic) => this.through(() => inner.isHeard(topic)),
    };
  }

  #reader(inner: LaneReader): LaneReader {
    return {
      next: (options) => this.through(() => inner.next(options)),
      wake: () => inner.wake(),
      close: () => inner.close(),
    };
  }

  #whenThere(chunks: AsyncIterable<Uint8Array> | null): AsyncIterable<Uint8Array> | null {
    return chunks === null ? null : this.#chunks(chunks);
  }

  /** A dead worker neither gives nor takes another one. */
  async *#chunks(chunks: BlobContent): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      await this.#awake();
      yield chunk;
      await this.#awake();
    }
  }

  async #awake(): Promise<void> {
    for (;;) {
      if (this.#isDead) await new Promise<never>(() => {});
      const leftMs = this.#suspendedUntilMs - this.#clock.monotonicMs();
      if (leftMs <= 0) return;
      await this.#clock.sleep(leftMs);
    }
  }
}
