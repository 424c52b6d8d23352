// lookup: each event gets an answer from outside into one of its fields.
//
//   K1. An event waits in cells until it has its answer; the answer and its going on are one record (outside.ts, OU2).
//   K2. Ordered: an answer that came before that of an earlier event of its key is kept with its event, and not asked for again.
//   K3. The watermark stays behind what waits.
//   K4. What cannot be asked, or got no answer, goes to the output `failed` when something reads it, else by the stage's onError.

import type { Batch, Key, Value } from '../event/batch.ts';
import { MillraceError } from '../base/errors.ts';
import { decodeKey } from '../event/key.ts';
import { compileCode } from '../expression/expression.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { EVENT_NAMES } from './event-names.ts';
import { describeValue, EventRefused, failEvent, LOOKUP_FAILED } from './failure.ts';
import type { Answer, Ask, Asks, AsyncCode, Question, Reply } from './outside.ts';
import { WaitingEvents, waitingBatch, type WaitingEvent } from './waiting-events.ts';
import type { RestoreContext, StepContext, Transform, Waits } from './transform.ts';

type LookupOp = Extract<OpPlan, { kind: 'lookup' }>;
/** null: no answer yet. */
type Note = Reply | null;
type Waiting = WaitingEvent<Note>;

/** Output of a lookup: events that got no answer. */
export const FAILED = 'failed';

/** What did not come from outside: its stack, where there is one, is that of the user's code there. */
class LookupFailed extends Error {
  override readonly name = LOOKUP_FAILED;

  constructor(message: string, stack: string | undefined) {
    super(message);
    this.stack = stack ?? '';
  }
}

export function makeLookup(op: LookupOp): Transform {
  return new Lookup(op);
}

class Lookup implements Transform {
  readonly carriesTraces = true;
  readonly waits: Waits;
  readonly asks: Asks;
  readonly #op: LookupOp;
  readonly #questionOf: (value: Value, key: Key | null, timeMs: number, nowMs: number) => Question;
  #waiting!: WaitingEvents<Note>;
  /** Events of a key in their order; ordered only. */
  readonly #queues = new Map<Key | null, Waiting[]>();
  /** Events whose questions were not given out yet. */
  #unasked: Ask[] = [];
  #wanted = -Infinity;

  constructor(op: LookupOp) {
    this.#op = op;
    this.#questionOf = compileQuestion(op);
    this.asks = { take: () => this.#unasked.splice(0), answer: (answer, context) => this.#answer(answer, context) };
    const size = (): number => this.#waiting.size;
    this.waits = {
      nextMs: () => Infinity,
      wake: () => undefined,
      get isHolding() {
        return size() > 0;
      },
      get isFull() {
        return size() >= op.spec.maxInFlight;
      },
    };
  }

  held(): number {
    return this.#waiting.size;
  }

  restored({ nodeId, cells, watermark }: RestoreContext): void {
    this.#waiting = new WaitingEvents(cells);
    this.#wanted = watermark;
    for (const event of this.#waiting.all()) {
      if (this.#op.spec.ordered) this.#queueOf(event.key).push(event);
      if (event.note !== null) continue;
      try {
        const question = this.#questionOf(event.value, event.key, event.timeMs, event.ingestMs);
        this.#unasked.push({ node: nodeId, id: event.sequence, question });
      } catch {
        // Another declaration asks otherwise, and cannot ask for this one: told as an answer would be.
        this.#unasked.push({ node: nodeId, id: event.sequence, question: { kind: 'code', code: cannotAsk, event: null, key: null } });
      }
    }
  }

  onBatch(batch: Batch, context: StepContext): void {
    for (let i = 0; i < batch.values.length; i++) {
      try {
        const question = this.#questionOf(batch.values[i], batch.keys?.[i] ?? null, batch.times[i]!, context.nowMs);
        const event = this.#waiting.add(batch, i, null, context.placeOf(batch.values[i]));
        if (this.#op.spec.ordered) this.#queueOf(event.key).push(event);
        this.#unasked.push({ node: context.nodeId, id: event.sequence, question });
      } catch (error) {
        failEvent(context, batch, i, error);
      }
    }
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#wanted = watermark;
    this.#advance(context);
  }

  #answer(answer: Answer, context: StepContext): void {
    const { id, reply } = answer;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || waiting.note !== null) return; // asked by an owner before, and answered twice
    const event = { ...waiting, trace: context.asked(waiting.trace, answer) };
    if (!this.#op.spec.ordered) {
      this.#goOn(event, reply, context);
      this.#advance(context);
      return;
    }
    const queue = this.#queueOf(event.key);
    if (queue[0]?.sequence === id) {
      queue.shift();
      this.#goOn(event, reply, context);
    } else queue[queue.findIndex(({ sequence }) => sequence === id)] = this.#waiting.note(waiting, reply, event.trace);
    for (let first = queue[0]; first !== undefined && first.note !== null; first = queue[0]) {
      queue.shift();
      this.#goOn(first, first.note, context);
    }
    if (queue.length === 0) this.#queues.delete(event.key);
    this.#advance(context);
  }

  /** It has its answer: it is given on, or told as a failure. */
  #goOn(event: Waiting, reply: Reply, context: StepContext): void {
    this.#waiting.remove(event);
    context.cameFrom(event.place);
    const same = (trace: NonNullable<Waiting['trace']>): typeof trace => trace;
    if (reply.kind === 'answer') {
      const value = { ...(event.value as object), [this.#op.spec.as]: reply.value ?? null };
      context.emit(waitingBatch(event, same, value));
      return;
    }
    const { problem, attempts, stack } = reply;
    const { message } = new MillraceError('MR3009', { transform: context.nodeId, problem, attempts });
    if (this.#op.failed === 'output') context.emit(waitingBatch(event, same, { event: event.value, problem: message }), FAILED);
    else {
      const { value, timeMs, key, place, trace } = event;
      const letter = { code: 'MR3009', message, issues: [], event: value, place, timeMs, key, attempts };
      context.deadLetter(letter, trace ?? undefined, new LookupFailed(message, stack));
    }
  }

  /** K3. */
  #advance(context: StepContext): void {
    context.emitWatermark(this.#waiting.bound(this.#wanted, context.emitted));
  }

  #queueOf(key: Key | null): Waiting[] {
    const found = this.#queues.get(key) ?? [];
    this.#queues.set(key, found);
    return found;
  }
}

function cannotAsk(): never {
  throw new Error('the lookup, as it is declared now, cannot ask for this event');
}

function compileQuestion({ spec }: LookupOp): (value: Value, key: Key | null, timeMs: number, nowMs: number) => Question {
  const { http, code } = spec;
  const make = http === undefined ? questionOfCode(code as unknown as AsyncCode) : compileRequest(http);
  return (value, key, timeMs, nowMs) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new EventRefused(`an answer can be put into an object only, the event is ${describeValue(value)}`);
    return make(value, key === null ? null : decodeKey(key), timeMs, nowMs);
  };
}

function questionOfCode(code: AsyncCode): (...args: Parameters<Run>) => Question {
  return (event, key) => ({ kind: 'code', code, event, key });
}

type Http = NonNullable<LookupOp['spec']['http']>;
/** `key`: its value. */
type Run = (value: Value, key: Value, timeMs: number, nowMs: number) => unknown;

function compileRequest({ url, query, method, headers, secretHeaders, body }: Http): (...args: Parameters<Run>) => Question {
  const urlOf = compileCode(url, EVENT_NAMES) as Run;
  const [queryOf, headersOf] = [compileEach(query), compileEach(headers)];
  const bodyOf = body === undefined ? null : (compileCode(body, EVENT_NAMES) as Run);
  return (...args) => {
    const address = addressOf(urlOf(...args));
    for (const [name, value] of queryOf(args)) if (value !== null && value !== undefined) address.searchParams.set(name, textOf(value));
    const given = Object.fromEntries(headersOf(args).map(([name, value]) => [name.toLowerCase(), textOf(value)]));
    const type: Record<string, string> = bodyOf === null ? {} : { 'content-type': 'application/json' };
    return {
      kind: 'http',
      url: address.href,
      method,
      headers: { ...type, ...given },
      ...(secretHeaders === undefined ? {} : { secrets: secretHeaders }),
      body: bodyOf === null ? null : JSON.stringify(bodyOf(...args)),
    };
  };
}

function compileEach(fields: Http['query']): (args: Parameters<Run>) => readonly (readonly [name: string, value: unknown])[] {
  const compiled = Object.entries(fields ?? {}).map(([name, code]) => [name, compileCode(code, EVENT_NAMES) as Run] as const);
  return (args) => compiled.map(([name, run]) => [name, run(...args)] as const);
}

function addressOf(value: unknown): URL {
  const address = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
  if (address === null || !['http:', 'https:'].includes(address.protocol))
    throw new EventRefused(`the address to ask is ${describeValue(value)}, not one that begins with http:// or https://`);
  return address;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new EventRefused(`a parameter or header is ${describeValue(value)}, not a text, number or bool`);
}
