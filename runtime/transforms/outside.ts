// What a transform asks of the world outside, and what comes back: its only way to something that takes time.
//
//   OU1. A step gives questions out and never waits: an answer comes with a later step, as an input like any other.
//   OU2. Questions that have no recorded answer are given out again by whoever goes on with the state. So they must only read.

import type { Value } from '../event/batch.ts';
import type { StepContext } from './transform.ts';

/** `env`: a variable of the worker's environment. */
export type SecretHeader = { readonly env: string; readonly prefix?: string | undefined };

export type Question =
  | {
      readonly kind: 'http';
      readonly url: string;
      readonly method: 'GET' | 'POST';
      readonly headers: Readonly<Record<string, string>>;
      /** Name → where its value is. Who asks puts it in; it is nowhere else. */ readonly secrets?: Readonly<Record<string, SecretHeader>>;
      readonly body: string | null;
    }
  | { readonly kind: 'code'; readonly code: AsyncCode; readonly event: Value; readonly key: Value };

export type AsyncCode = (event: Value, key: Value, context: { readonly signal: AbortSignal }) => Value | Promise<Value>;

/** `id`: of the event that asks, within its transform. */
export type Ask = { readonly node: string; readonly id: number; readonly question: Question };

export type Reply =
  | { readonly kind: 'answer'; readonly value: Value }
  /** `attempts`: tries that were made; `stack`: where code of the user's threw. */
  | { readonly kind: 'failed'; readonly problem: string; readonly attempts: number; readonly stack?: string | undefined };

/** A try that failed and was followed by another one. `waitMs`: between the two. */
export type FailedAsk = { readonly attempt: number; readonly problem: string; readonly atMs: number; readonly waitMs: number };
/** Of a question that was asked more than once, for its trace only: `sinceMs` is when it was asked first. */
export type Retried = { readonly sinceMs: number; readonly failed: readonly FailedAsk[] };

export type Answer = { readonly node: string; readonly id: number; readonly reply: Reply; readonly retried?: Retried | undefined };

/** The side of a transform that asks. */
export interface Asks {
  /** Questions since the last call; after a restore all that have no answer. */
  take(): readonly Ask[];
  answer(answer: Answer, context: StepContext): void;
}
