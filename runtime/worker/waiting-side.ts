// What of one task waits for the clock and for the world outside, and wakes it: beside its input.
//
//   WS1. While the job is paused nothing of it goes into a step, as of dead letters that are put in again: a savepoint holds what waits.
//   WS2. Of each transform at most `maxInFlight` questions are asked at the same time; the others wait in their order.
//   WS3. When the task ends, answers that come are for nobody: who goes on with its state asks again.

import type { Clock } from '../base/clock.ts';
import { LOOKUP_RETRIES_TOLD_MAX } from '../base/limits.ts';
import type { TaskCore } from '../task/step.ts';
import type { Answer, Ask, FailedAsk } from '../transforms/outside.ts';
import { Alarm } from './alarm.ts';
import type { LookupDesk } from './lookup-desk.ts';

/** Of one transform that asks. */
export type Desk = { readonly desk: LookupDesk; readonly maxInFlight: number };
/** By the id of the transform. */
export type Outside = ReadonlyMap<string, Desk>;

export type WaitingSideParts = {
  readonly outside: Outside | undefined;
  readonly clock: Clock;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
  readonly notify: () => void;
};

type Line = Desk & { readonly waiting: Ask[]; inFlight: number };

export class WaitingSide {
  readonly #parts: WaitingSideParts;
  readonly #alarm: Alarm;
  readonly #lines = new Map<string, Line>();
  #answers: Answer[] = [];

  constructor(parts: WaitingSideParts) {
    this.#parts = parts;
    this.#alarm = new Alarm(parts);
    for (const [node, desk] of parts.outside ?? []) this.#lines.set(node, { ...desk, waiting: [], inFlight: 0 });
  }

  get isReady(): boolean {
    return this.#answers.length > 0 || this.#alarm.isDue;
  }

  /** Gives what is there to a step. */
  feed(core: TaskCore, nowMs: number): void {
    if (this.#alarm.isDue) core.wake(nowMs);
    const answers = this.#answers;
    this.#answers = [];
    if (answers.length > 0) core.takeAnswers(answers, nowMs);
  }

  /** After a step, and when the task was restored: asks what is to be asked, and waits for what waits. */
  look(core: TaskCore): void {
    this.#alarm.set(core.nextWakeMs);
    for (const ask of core.takeAsks()) this.#lines.get(ask.node)?.waiting.push(ask);
    for (const line of this.#lines.values()) this.#askOn(line);
  }

  #askOn(line: Line): void {
    while (line.inFlight < line.maxInFlight) {
      const ask = line.waiting.shift();
      if (ask === undefined || this.#parts.signal.aborted) return;
      line.inFlight++;
      void this.#ask(line, ask);
    }
  }

  async #ask(line: Line, { node, id, question }: Ask): Promise<void> {
    const sinceMs = this.#parts.clock.nowMs();
    const failed: FailedAsk[] = [];
    const hear = (one: FailedAsk): void => {
      if (failed.length === LOOKUP_RETRIES_TOLD_MAX) failed.shift();
      failed.push(one);
    };
    const reply = await line.desk.ask(question, this.#parts.signal, hear);
    line.inFlight--;
    if (reply === null || this.#parts.signal.aborted) return; // WS3
    this.#answers.push({ node, id, reply, retried: failed.length === 0 ? undefined : { sinceMs, failed } });
    this.#parts.notify();
    this.#askOn(line);
  }
}
