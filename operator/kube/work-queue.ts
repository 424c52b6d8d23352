// Keys that wait to be worked on, and the workers that take them. The order is in key-queue.ts (Q1, Q2, Q4, Q5).
//
//   Q3. A key that fails waits longer each time, with jitter; one success forgets it. Others are not held up.
//   Q6. Work never throws out of the queue: an error is a failure of its key.

import { assert } from '../../runtime/base/assert.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import { backoffMs } from './backoff.ts';
import { KeyQueue } from './key-queue.ts';
import { KEY_RETRY_MAX_MS, KEY_RETRY_MIN_MS } from './kube-limits.ts';
import { splitKey } from './kube-object.ts';

export type WorkOutcome =
  /** Nothing more to do until the key is added again. */
  | { readonly kind: 'done' }
  /** All well; look again after that at the latest. */
  | { readonly kind: 'again'; readonly afterMs: number }
  /** Not done: try again with backoff, and not before `retryAfterMs`. A thrown error counts as this. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number | null };

export type WorkFailure = {
  readonly key: string;
  readonly reason: string;
  /** How often in a row. */
  readonly failures: number;
  readonly retryMs: number;
  /** What was thrown, if it was. */
  readonly cause: unknown;
};

export type WorkQueueOptions = {
  readonly work: (key: string) => Promise<WorkOutcome>;
  /** Keys that are worked on at a time. */
  readonly workersMax: number;
  /** Keys of one group wait in one line; default: the namespace of `namespace/name`. */
  readonly groupOf?: (key: string) => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly onFailed?: (failure: WorkFailure) => void;
};

export type WorkQueueMetrics = {
  /** Keys that are due and wait for a worker. */
  readonly depth: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  readonly working: number;
  /** How long the key has waited that has waited longest, ms. */
  readonly longestWaitMs: number;
  /** How long the longest running work has run, ms. */
  readonly longestWorkMs: number;
  readonly added: number;
  readonly done: number;
  readonly failed: number;
};

type State = 'filling' | 'running' | 'draining';

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #keys: KeyQueue;
  readonly #failures = new Map<string, number>();
  readonly #running = new Set<Promise<void>>();
  #state: State = 'filling';
  #isPumpDue = false;
  #sleep: { readonly untilMs: number; readonly end: AbortController } | null = null;
  #added = 0;
  #done = 0;
  #failed = 0;

  constructor(options: WorkQueueOptions) {
    assert(options.workersMax >= 1, 'a queue has a worker');
    this.#options = options;
    this.#keys = new KeyQueue(options.groupOf ?? ((key) => splitKey(key).namespace ?? ''));
  }

  /** Work on `key` as soon as a worker is free, whatever it waited for. */
  add(key: string): void {
    if (this.#state === 'draining') return;
    this.#added++;
    this.#keys.add(key, this.#nowMs());
    this.#pumpSoon();
  }

  /** Work on `key` after `delayMs`, or earlier when something else asks for it. */
  addAfter(key: string, delayMs: number): void {
    if (this.#state === 'draining') return;
    this.#keys.addAt(key, this.#nowMs() + delayMs);
    this.#pumpSoon();
  }

  /** Lets the workers begin; keys may be added before. */
  start(): void {
    assert(this.#state === 'filling', 'a queue starts once');
    this.#state = 'running';
    this.#pumpSoon();
  }

  /** Takes no more keys and begins nothing; resolves when what runs has ended. */
  async drain(): Promise<void> {
    this.#state = 'draining';
    this.#sleep?.end.abort();
    await Promise.all(this.#running);
  }

  metrics(): WorkQueueMetrics {
    const nowMs = this.#nowMs();
    this.#keys.wake(nowMs);
    const { depth, delayed, working } = this.#keys;
    return {
      depth,
      delayed,
      working,
      longestWaitMs: this.#keys.longestWaitMs(nowMs),
      longestWorkMs: this.#keys.longestWorkMs(nowMs),
      added: this.#added,
      done: this.#done,
      failed: this.#failed,
    };
  }

  /** Not at once: whoever adds keys has not finished what it does. */
  #pumpSoon(): void {
    if (this.#isPumpDue || this.#state !== 'running') return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#state === 'running' && this.#running.size < this.#options.workersMax) {
      const key = this.#keys.take(this.#nowMs());
      if (key === null) return this.#sleepUntil(this.#keys.nextDueMs());
      const run = this.#work(key).finally(() => {
        this.#running.delete(run);
        this.#pumpSoon();
      });
      this.#running.add(run);
    }
  }

  async #work(key: string): Promise<void> {
    const next = await this.#attempt(key);
    const nowMs = this.#nowMs();
    this.#keys.end(key, next === null ? null : nowMs + next, nowMs);
  }

  /** Works on `key`; gives after how many ms to look again, or null. */
  async #attempt(key: string): Promise<number | null> {
    let outcome: WorkOutcome;
    let cause: unknown;
    try {
      outcome = await this.#options.work(key);
    } catch (error) {
      cause = error;
      outcome = { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }; // Q6
    }
    if (outcome.kind === 'failed') return this.#fail(key, outcome, cause);
    this.#done++;
    this.#failures.delete(key);
    return outcome.kind === 'again' ? outcome.afterMs : null;
  }

  /** Q3. */
  #fail(key: string, { reason, retryAfterMs }: Extract<WorkOutcome, { kind: 'failed' }>, cause: unknown): number {
    this.#failed++;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const backoff = backoffMs(failures, { minMs: KEY_RETRY_MIN_MS, maxMs: KEY_RETRY_MAX_MS }, this.#options.random);
    const retryMs = Math.max(backoff, retryAfterMs ?? 0);
    this.#options.onFailed?.({ key, reason, failures, retryMs, cause });
    return retryMs;
  }

  /** One sleeper at a time, for the next date. */
  #sleepUntil(dueMs: number | null): void {
    if (dueMs === null || (this.#sleep !== null && this.#sleep.untilMs <= dueMs)) return;
    this.#sleep?.end.abort();
    const sleep = { untilMs: dueMs, end: new AbortController() };
    this.#sleep = sleep;
    void this.#options.clock.sleep(dueMs - this.#nowMs(), sleep.end.signal).then(() => {
      if (this.#sleep === sleep) this.#sleep = null;
      if (!sleep.end.signal.aborted) this.#pumpSoon();
    });
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}
