// Asks the world outside for one transform on this worker: how often, how long, and what need not be asked again.
//
//   LD1. It answers every question, unless it is asked to end: with what came, or with why nothing did.
//   LD2. A question waits while the breaker is open; that is no try. Then one tries, and closes or opens it; if it is asked to end
//        meanwhile, another one tries.
//   LD3. Cache and breaker live as long as this worker runs this revision: for speed only, no answer depends on them but by its age.

import type { Clock } from '../base/clock.ts';
import { doublingMs } from '../base/doubling.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import type { FailedAsk, Question, Reply } from '../transforms/outside.ts';

/** What one try gave. `again`: another may give more. */
export type Try =
  | { readonly kind: 'answer'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly problem: string; readonly again: boolean; readonly stack?: string | undefined };

/** One try; ends soon after `signal`. Never rejects. */
export type CallOutside = (question: Question, signal: AbortSignal) => Promise<Try>;

export type LookupDeskParts = {
  readonly op: Pick<Extract<OpPlan, { kind: 'lookup' }>, 'spec' | 'timeoutMs' | 'backoffMs' | 'backoffMaxMs' | 'cache' | 'breaker'>;
  readonly call: CallOutside;
  readonly clock: Clock;
};

/** Hears of each try that is followed by another one. */
type Hear = (failed: FailedAsk) => void;
type Cached = { readonly reply: Promise<Reply | null>; untilMs: number };

type Keeping = {
  readonly signal: AbortSignal;
  readonly hear: Hear;
  readonly cache: { readonly size: number; readonly ttlMs: number };
};

export class LookupDesk {
  readonly #parts: LookupDeskParts;
  /** In the order of their last use. */
  readonly #cache = new Map<string, Cached>();
  #failures = 0;
  #openUntilMs = -Infinity;
  #isProbing = false;

  constructor(parts: LookupDeskParts) {
    this.#parts = parts;
  }

  /** null: it was asked to end. `hear`: of the tries of this question; who gets the answer of somebody else's hears of none. */
  async ask(question: Question, signal: AbortSignal, hear: Hear = () => undefined): Promise<Reply | null> {
    const { cache } = this.#parts.op;
    if (cache === null) return this.#askAnew(question, signal, hear);
    const name = nameOf(question);
    const known = this.#cache.get(name);
    if (known !== undefined && known.untilMs > this.#parts.clock.monotonicMs()) {
      this.#cache.delete(name);
      this.#cache.set(name, known);
      const reply = await known.reply;
      if (reply !== null || signal.aborted) return reply; // null: who asked has ended meanwhile
    }
    return this.#askAndKeep(name, question, { signal, hear, cache });
  }

  async #askAndKeep(name: string, question: Question, { signal, hear, cache: { size, ttlMs } }: Keeping): Promise<Reply | null> {
    const entry: Cached = { reply: this.#askAnew(question, signal, hear), untilMs: Infinity };
    this.#cache.set(name, entry);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= size) break;
      this.#cache.delete(oldest);
    }
    const reply = await entry.reply;
    entry.untilMs = reply?.kind === 'answer' ? this.#parts.clock.monotonicMs() + ttlMs : -Infinity;
    return reply;
  }

  async #askAnew(question: Question, signal: AbortSignal, hear: Hear): Promise<Reply | null> {
    const { clock, op } = this.#parts;
    for (let attempts = 1; ; attempts++) {
      const isProbe = await this.#untilClosed(signal);
      const tried = signal.aborted ? null : await this.#try(question, signal);
      if (isProbe) this.#isProbing = false; // also when who asked has ended: others wait for it
      if (tried === null || signal.aborted) return null;
      this.#note(tried);
      if (tried.kind === 'answer') return tried;
      const { problem, again, stack } = tried;
      if (!again || attempts > op.spec.retries) return { kind: 'failed', problem, attempts, stack };
      const waitMs = doublingMs(attempts, { firstMs: op.backoffMs, maxMs: op.backoffMaxMs });
      hear({ attempt: attempts, problem, atMs: clock.nowMs(), waitMs });
      await clock.sleep(waitMs, signal);
    }
  }

  async #try(question: Question, signal: AbortSignal): Promise<Try> {
    const { clock, op, call } = this.#parts;
    const ends = new AbortController();
    const end = (): void => ends.abort();
    signal.addEventListener('abort', end, { once: true });
    const late = clock.sleep(op.timeoutMs, ends.signal).then((): Try => ({
      kind: 'failed',
      problem: `no answer within ${op.spec.timeout}`,
      again: true,
    }));
    try {
      return await Promise.race([call(question, ends.signal), late]);
    } finally {
      signal.removeEventListener('abort', end);
      ends.abort();
    }
  }

  /** LD2. True: whoever asked is the one that tries, and says when that is over. */
  async #untilClosed(signal: AbortSignal): Promise<boolean> {
    const { clock, op } = this.#parts;
    if (op.breaker === null) return false;
    while (!signal.aborted && this.#failures >= op.breaker.failures) {
      const leftMs = this.#openUntilMs - clock.monotonicMs();
      if (leftMs <= 0 && !this.#isProbing) return (this.#isProbing = true);
      await clock.sleep(leftMs > 0 ? leftMs : LOOK_MS, signal);
    }
    return false;
  }

  #note({ kind, again }: { readonly kind: Try['kind']; readonly again?: boolean }): void {
    const { breaker } = this.#parts.op;
    // Who says that the question is wrong is there.
    this.#failures = kind === 'answer' || again === false ? 0 : this.#failures + 1;
    if (breaker !== null && this.#failures >= breaker.failures) this.#openUntilMs = this.#parts.clock.monotonicMs() + breaker.openMs;
  }
}

/** How often those look that wait for the one that tries. */
const LOOK_MS = 50;

function nameOf(question: Question): string {
  if (question.kind === 'code')
    return JSON.stringify([question.key, question.event], (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
  const { method, url, headers, body } = question;
  return JSON.stringify([method, url, headers, body]);
}
