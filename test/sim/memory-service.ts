// A service outside that is asked by lookups: slow, failing, silent or away, as drawn. Who is dead hears nothing of it.
//
//   MS1. Equal questions get equal answers but for `nonce`, which no other answer has: so results tell whether they saw the same one.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { StagePlan } from '../../runtime/plan/physical-plan.ts';
import { LookupDesk } from '../../runtime/worker/lookup-desk.ts';
import type { Try } from '../../runtime/worker/lookup-desk.ts';
import type { Outside } from '../../runtime/worker/waiting-side.ts';
import type { Mortal } from './mortal.ts';

const SILENT = 0.08;
const FAILING = 0.1;
/** Most answers are fast; a few take longer than a lookup waits. */
const ANSWER_MS = 250;
const SLOW = 0.05;
const SLOW_MS = 1_500;
/** Times at which nobody can be reached. */
const AWAY = 0.01;
const AWAY_MS = 1_500;

/** What is asked for such an `n` is wrong, and stays so. */
export function isRefused(n: number): boolean {
  return n % 17 === 0;
}

export class MemoryService {
  readonly #clock: Clock;
  readonly #random: Random;
  #isWell = false;
  #awayUntilMs = -Infinity;
  #answers = 0;
  /** Tries that gave nothing. */
  unanswered = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** From here on it only answers. */
  heal(): void {
    this.#isWell = true;
    this.#awayUntilMs = -Infinity;
  }

  /** For a stage of one worker: its partitions there share what they know. */
  outsideOf({ nodes }: StagePlan, life: Mortal): Outside {
    const clock = life.clock();
    const call = (question: unknown, signal: AbortSignal): Promise<Try> =>
      life.through(() => this.#ask(question as { readonly url: string }, signal));
    return new Map(
      nodes.flatMap(({ id, op }) =>
        op.kind === 'lookup' ? [[id, { desk: new LookupDesk({ op, call, clock }), maxInFlight: op.spec.maxInFlight }] as const] : [],
      ),
    );
  }

  async #ask({ url }: { readonly url: string }, signal: AbortSignal): Promise<Try> {
    const n = Number(new URL(url).searchParams.get('n'));
    const draw = this.#isWell ? 1 : this.#random.next();
    if (this.#clock.monotonicMs() < this.#awayUntilMs) return this.#failed('away');
    if (draw < AWAY) this.#awayUntilMs = this.#clock.monotonicMs() + this.#random.next() * AWAY_MS;
    else if (draw < AWAY + SILENT) return this.#silent(signal);
    else if (draw < AWAY + SILENT + FAILING) return this.#failed('failing');
    const isSlow = !this.#isWell && this.#random.next() < SLOW;
    await this.#clock.sleep(this.#random.next() * (isSlow ? SLOW_MS : ANSWER_MS));
    if (isRefused(n)) return { kind: 'failed', problem: 'no such thing', again: false };
    return { kind: 'answer', value: { of: n * 10, nonce: ++this.#answers } };
  }

  async #silent(signal: AbortSignal): Promise<Try> {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    return this.#failed('silent');
  }

  #failed(problem: string): Try {
    this.unanswered++;
    return { kind: 'failed', problem, again: true };
  }
}
