// Keys that wait to be worked on, and the workers that take them.
//
//   Q1. At most one worker has a key; a key added meanwhile is worked on again afterwards, once.
//   Q2. A key waits once, however often it was added.
//   Q3. A key that fails waits longer each time, with jitter; one success forgets it. Others are not held up.
//   Q4. Work on a key looks at everything: taking it drops the date at which it would have been woken.
//   Q5. Namespaces take turns: a thousand keys of one hold up no other.

export type WorkOutcome =
  /** Nothing more to do until the key is added again. */
  | { readonly kind: 'done' }
  /** All well; look again at that time at the latest. */
  | { readonly kind: 'again'; readonly afterMs: number }
  /** Not done: try again with backoff, and not before `retryAfterMs`. A thrown error counts as this. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number | null };

export type WorkQueueMetrics = {
  /** Keys that are due and wait for a worker. */
  readonly depth: number;
  /** Keys that wait for their time. */
  readonly delayed: number;
  readonly working: number;
  /** How long the key at the head has waited, ms. */
  readonly longestWaitMs: number;
  /** How long the longest running work has run, ms. */
  readonly longestWorkMs: number;
  readonly added: number;
  readonly done: number;
  readonly failed: number;
};

export declare class WorkQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Starts the workers; keys may be added before. */
  start(): void;
  /** Takes no more keys and starts nothing; resolves when what runs has ended. */
  drain(): Promise<void>;
  metrics(): WorkQueueMetrics;
}
