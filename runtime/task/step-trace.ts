// The spans of one step: one for each traced event, or group of events, that it works on.
//
// Owns: spans that are open, between `begin` and `take`. Does not own: when they count. That is when the step's record is stored
// (worker/task-runner.ts); a step that is thrown away has no spans.
//
//   S1. Ids come from what the step goes on from and from the task, never from chance or the clock: the same step again has the same.
//   S2. A context of this step's own is given back as it is; of another one a span of this step below it is begun.
//   S3. A step has at most SPANS_MAX spans; what is beyond goes on below the span before, and is counted.

import { deriveRoot, deriveSpanId } from '../base/trace-context.ts';
import type { TraceContext } from '../base/trace-context.ts';
import type { Batch, DeadLetter, Key } from '../event/batch.ts';
import { withTraces, type TraceMark } from '../event/trace-marks.ts';
import { cleanText, EVENTS, EXCEPTION, MESSAGING, MILLRACE } from '../telemetry/conventions.ts';
import { LOOKUP_FAILED, problemOf } from '../transforms/failure.ts';
import type { Answer } from '../transforms/outside.ts';
import type { Why } from '../telemetry/conventions.ts';
import type { RatioSampler } from '../telemetry/sampling.ts';
import type { AttributeValue, Attributes, SpanEvent } from '../telemetry/span.ts';

/** A span that ends with its step's record. */
export type SpanDraft = TraceContext & {
  readonly parentId: string | null;
  /** What it is besides its stage: the transform that gave a result. */
  readonly what: string | null;
  startMs: number;
  /** Events of the step that it stands for. */
  events: number;
  readonly attributes: Record<string, AttributeValue>;
  readonly notes: SpanEvent[];
  readonly links: readonly TraceContext[];
  error: string | null;
};

/** What an event's try met; `trace`: of the event. */
export type FailedTry = { readonly cause: unknown; readonly trace: TraceContext | null };
/** `attempt`: which one failed. `identity`: as of `root`. */
export type NextTry = { readonly attempt: number; readonly waitMs: number; readonly identity: string };

export type StepTraceParts = {
  /** The same for all workers and restarts of one run. */
  readonly runId: string;
  readonly stage: string;
  readonly partition: number;
  /** Of a source: which of its events begin a trace. */
  readonly sampler: Pick<RatioSampler, 'next'>;
  /** Keys that somebody follows now. */
  readonly followed: () => ReadonlySet<Key>;
  /** Whether one more trace may be kept because of what happened, or who asked (trace-budget.ts). */
  readonly mayKeep: () => boolean;
};

const SPANS_MAX = 256;
const NOTES_MAX = 128;

export class StepTrace {
  readonly #parts: StepTraceParts;
  #drafts = new Map<string, SpanDraft>();
  #nowMs = 0;
  /** How many events the task had taken in, let go and given before this step: tells its steps apart, now and when they are made again. */
  #place = 0;
  #letters = 0;
  #dead = new Map<DeadLetter, TraceContext>();
  /** Spans that S3 has cut. */
  cut = 0;

  constructor(parts: StepTraceParts) {
    this.#parts = parts;
  }

  begin(nowMs: number, place: number): void {
    this.#nowMs = nowMs;
    if (this.#drafts.size === 0) this.#place = place;
  }

  /** Indices of the events that begin a trace, among `count` that a source has read. */
  sample(count: number): readonly number[] {
    return this.#parts.sampler.next(count);
  }

  get followed(): ReadonlySet<Key> {
    return this.#parts.followed();
  }

  /** The span of this step below `from` (S2). `why`: what goes on without an event that comes, told apart from all else that does below it:
   *  a step of timers or retries alone has the place of the one before. */
  enter(from: TraceContext, ...why: readonly (string | number)[]): TraceContext {
    if (this.#drafts.get(from.spanId)?.traceId === from.traceId) return from;
    const { traceId, spanId: parentId } = from;
    const { stage, partition } = this.#parts;
    const spanId = deriveSpanId(traceId, parentId, stage, partition, this.#place, ...why); // two events of one parent may come in two steps
    return this.#open({ traceId, spanId, parentId, what: null, links: NO_LINKS, attributes: {} }) ?? from;
  }

  /** The batch with spans of this step: itself when it has them already, as between two transforms. */
  entered(batch: Batch): Batch {
    let isOfThis = true;
    const traces = batch.traces?.map((mark) => {
      const context = this.enter(mark.context);
      if (context === mark.context) return mark;
      isOfThis = false;
      return { at: mark.at, context };
    });
    return isOfThis ? batch : { ...batch, traces };
  }

  /** A trace that begins in this step. `identity`: what is the same when the step is made again. Null: no room. */
  root(why: Why, identity: string): TraceContext | null {
    const { runId, stage, partition } = this.#parts;
    const { traceId, spanId } = deriveRoot(runId, stage, partition, this.#place, why, identity);
    return this.#open({ traceId, spanId, parentId: null, what: null, links: NO_LINKS, attributes: { [MILLRACE.why]: why } });
  }

  /** A trace of its own for a followed key, an error: within the budget. */
  kept(why: Why, identity: string): TraceContext | null {
    return this.#parts.mayKeep() ? this.root(why, identity) : null;
  }

  /** An event that waited is tried for the `attempt`th time; 1: it only stood behind one that waits. */
  enterAgain(from: TraceContext, attempt: number): TraceContext {
    const context = this.enter(from, 'try', attempt);
    if (attempt > 1) this.describe(context, { [MILLRACE.attempt]: attempt });
    return context;
  }

  /** A try has failed, and there will be another one: noted in its event's span. An event without one gets a trace of its own, as every error. */
  retried({ cause, trace }: FailedTry, nodeId: string, { attempt, waitMs, identity }: NextTry): TraceContext | null {
    const context = trace ?? this.kept('error', `${nodeId} ${identity}`);
    if (context === null) return null;
    this.note(context, EVENTS.retry, {
      [MILLRACE.attempt]: attempt,
      [MILLRACE.nextTryMs]: waitMs,
      [EXCEPTION.type]: cause instanceof Error ? cleanText(cause.name) : 'error',
      [EXCEPTION.message]: cleanText(problemOf(cause)),
    });
    return context;
  }

  /** An answer has come for an event, from outside, after tries that failed: noted in a span of its own below the event's, from the first time
   *  that it was asked. An event without one gets a trace of its own, as every error. One that came at once changes nothing. */
  asked(from: TraceContext | null, nodeId: string, { id, retried }: Answer): TraceContext | null {
    if (retried === undefined) return from;
    const identity = String(id);
    const context = from === null ? this.kept('error', `${nodeId} ${identity}`) : this.enter(from, 'asked', nodeId, identity);
    const draft = context === null ? undefined : this.#drafts.get(context.spanId);
    if (draft === undefined) return context;
    draft.startMs = Math.min(draft.startMs, retried.sinceMs);
    draft.attributes[MILLRACE.node] = nodeId;
    for (const { attempt, problem, atMs, waitMs } of retried.failed) {
      if (draft.notes.length === NOTES_MAX) break;
      const attributes = {
        [MILLRACE.attempt]: attempt,
        [MILLRACE.nextTryMs]: waitMs,
        [EXCEPTION.type]: LOOKUP_FAILED,
        [EXCEPTION.message]: cleanText(problem),
      };
      draft.notes.push({ name: EVENTS.retry, atMs, attributes });
    }
    return context;
  }

  /** A result of many events: below the first, with links to the others. (Jaeger takes a link to the parent for the parent's place.) */
  gathered(from: readonly TraceContext[], what: string, identity: string): TraceContext {
    const [first] = from as [TraceContext, ...TraceContext[]];
    const { stage, partition } = this.#parts;
    const { traceId, spanId: parentId } = first;
    const spanId = deriveSpanId(traceId, parentId, stage, partition, what, identity);
    const attributes = { [MILLRACE.node]: what, [MILLRACE.contributors]: from.length };
    return this.#open({ traceId, spanId, parentId, what, links: from.slice(1), attributes }) ?? first;
  }

  /** Says more of the span of `context`, when it is one of this step. */
  describe(context: TraceContext, attributes: Attributes): void {
    Object.assign(this.#drafts.get(context.spanId)?.attributes ?? {}, attributes);
  }

  /** Notes what happened to the event of `context`. */
  note(context: TraceContext, name: string, attributes: Attributes): void {
    const draft = this.#drafts.get(context.spanId);
    if (draft !== undefined && draft.notes.length < NOTES_MAX) draft.notes.push({ name, atMs: this.#nowMs, attributes });
  }

  /** The letter with its trace, which is kept whatever was sampled. */
  deadLetter(letter: DeadLetter, from: TraceContext | undefined): DeadLetter {
    const context = from === undefined ? this.kept('dead letter', String(this.#letters++)) : this.enter(from);
    if (context === null) return letter;
    const draft = this.#drafts.get(context.spanId);
    if (draft === undefined) return letter;
    draft.error = cleanText(letter.message);
    draft.attributes[MESSAGING.errorType] = letter.code;
    draft.attributes[MILLRACE.deadLetterCode] = letter.code;
    draft.attributes[MILLRACE.node] = letter.at;
    if (letter.place !== null) draft.attributes[MILLRACE.deadLetterPlace] = cleanText(letter.place);
    if (letter.key !== null) draft.attributes[MILLRACE.key] = cleanText(letter.key);
    const attributes = { [EXCEPTION.type]: letter.code, [EXCEPTION.message]: cleanText(letter.message) };
    this.note(context, EVENTS.exception, attributes);
    const traced = { ...letter, ...context };
    this.#dead.set(traced, context);
    return traced;
  }

  /** Marks of the letters that `deadLetter` gave, in this order. */
  letterTraces(letters: readonly DeadLetter[]): readonly TraceMark[] {
    return letters.flatMap((letter, at) => {
      const context = this.#dead.get(letter);
      return context === undefined ? [] : [{ at, context }];
    });
  }

  /** All spans since the last call. */
  take(): readonly SpanDraft[] {
    if (this.#dead.size > 0) this.#dead = new Map();
    this.#letters = 0;
    if (this.#drafts.size === 0) return NONE;
    const drafts = [...this.#drafts.values()];
    this.#drafts = new Map();
    return drafts;
  }

  /** Field by field: a few thousand spans are told by code that was not compiled, and there each copy of a record costs. */
  #open(opening: Opening): TraceContext | null {
    const { traceId, spanId } = opening;
    const known = this.#drafts.get(spanId);
    if (known !== undefined) {
      known.events++;
      return { traceId: known.traceId, spanId };
    }
    if (this.#drafts.size === SPANS_MAX) {
      this.cut++;
      return null;
    }
    this.#drafts.set(spanId, {
      traceId,
      spanId,
      parentId: opening.parentId,
      what: opening.what,
      startMs: this.#nowMs,
      events: 1,
      attributes: opening.attributes,
      notes: [],
      links: opening.links,
      error: null,
    });
    return { traceId, spanId };
  }
}

/** A span about to begin; its attributes are its own. */
type Opening = Pick<SpanDraft, 'traceId' | 'spanId' | 'parentId' | 'what' | 'links' | 'attributes'>;

const NO_LINKS: readonly TraceContext[] = [];
const NONE: readonly SpanDraft[] = [];

/** The traced ones among `count` events of a source: those of producers that trace, and those that are sampled here. */
export function sourceTraces(trace: StepTrace, count: number, remote: readonly TraceMark[] | undefined): readonly TraceMark[] | undefined {
  const sampled = trace.sample(count);
  if (sampled.length === 0 && remote === undefined) return undefined;
  const marks: TraceMark[] = [];
  for (const at of sampled) {
    const context = trace.root('ratio', String(at));
    if (context !== null) marks.push({ at, context });
  }
  if (remote === undefined) return marks.length === 0 ? undefined : marks;
  const byPlace = new Map(marks.map((mark) => [mark.at, mark]));
  for (const { at, context } of remote) byPlace.set(at, { at, context: trace.enter(context) });
  return [...byPlace.values()].toSorted((a, b) => a.at - b.at);
}

/** Events that enter the job now, whenever they were read: that is where end-to-end latency starts. */
export function enteringNow(batch: Batch, nowMs: number, trace: StepTrace | null): Batch {
  const now = { ...batch, ingestMs: nowMs };
  return trace === null ? now : withTraces(now, sourceTraces(trace, batch.times.length, undefined));
}
