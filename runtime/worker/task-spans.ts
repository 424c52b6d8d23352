// From the spans of a step to what the tracer gets: they end when the step's record is stored, of a sink when it is applied.
//
//   S1. Only what is stored is told. What a worker that dies had stored and not sent is missing from its traces; the steps behind
//       go on in the same trace, and nothing is told twice.
//   S2. A step that took long, or whose writing failed, is told also when nothing of it is sampled, within the budget.
//   S3. Clocks differ: a span never ends before it begins.
//   S4. So is the last step of events that were long in the job, though no step took long (docs/adr/0063): a task tells of one in
//       SLOW_AGAIN_MS, so that a job that lags leaves room for its errors.

import type { Clock, Random } from '../base/clock.ts';
import { deriveRoot } from '../base/trace-context.ts';
import type { Key } from '../event/batch.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { cleanText, EVENTS, EXCEPTION, MESSAGING, MILLRACE, serviceOf } from '../telemetry/conventions.ts';
import type { Why } from '../telemetry/conventions.ts';
import { RatioSampler } from '../telemetry/sampling.ts';
import type { Attributes, SpanData, SpanEvent, SpanKind, Tracer } from '../telemetry/span.ts';
import type { TraceBudget } from '../telemetry/trace-budget.ts';
import { StepTrace } from '../task/step-trace.ts';
import type { SpanDraft } from '../task/step-trace.ts';
import type { Step } from '../task/step-record.ts';

/** What traces need, for all tasks of a worker. */
export type Tracing = {
  readonly tracer: Tracer;
  readonly budget: TraceBudget;
  readonly random: Random;
  readonly runId: string;
  /** Share of a source's events that begin a trace, 0 … 1. */
  readonly ratio: number;
};

export type TaskSpansParts = {
  readonly tracing: Tracing;
  readonly job: string;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly worker: string;
  readonly revision: number;
  readonly clock: Clock;
  readonly followed: () => ReadonlySet<Key>;
};

/** The record of a step. */
export type Stored = { readonly number: number; readonly epoch: number };
/** A step on its way: wall-clock ms at which it began, and at which its record was stored; what writing it outside met. */
type Way = { readonly beganMs: number; committedMs: number; readonly retries: SpanEvent[]; endToEndMs: number };

/** What a task is given, as far as traces go. */
export type TracedTask = { readonly plan: Pick<PhysicalPlan, 'job'>; readonly tracing?: Tracing | null | undefined };

/** A step that takes longer than this, until it is stored and written, is told. */
export const SLOW_STEP_MS = 1_000;
/** Events that are longer in the job than this, until their results are stored and written, are told (S4). */
export const SLOW_END_TO_END_MS = 10_000;
const SLOW_AGAIN_MS = 10_000;
/** Retries that a span tells. */
const RETRIES_MAX = 16;

export class TaskSpans {
  readonly trace: StepTrace;
  readonly #parts: TaskSpansParts;
  readonly #about: Attributes;
  readonly #kind: SpanKind;
  readonly #name: string;
  readonly #service: string;
  #cut = 0;
  #preparedMs = 0;
  #way: Way = { beganMs: 0, committedMs: 0, retries: [], endToEndMs: 0 };
  #toldSlowMs = -Infinity;

  /** Null: nothing is traced. */
  static of(parts: Omit<TaskSpansParts, 'tracing' | 'job'> & TracedTask): TaskSpans | null {
    const { tracing = null, plan } = parts;
    return tracing === null ? null : new TaskSpans({ ...parts, tracing, job: plan.job });
  }

  constructor(parts: TaskSpansParts) {
    const { tracing, stage, partition, worker, job, revision, clock, followed } = parts;
    this.#parts = parts;
    const { runId, budget, random, ratio } = tracing;
    this.trace = new StepTrace({
      runId,
      stage: stage.id,
      partition,
      sampler: new RatioSampler(stage.kind === 'source' ? ratio : 0, random),
      followed,
      mayKeep: () => budget.keep(clock.monotonicMs()),
    });
    const { kind, verb, system, destination } = messagingOf(stage);
    this.#kind = kind;
    this.#name = `${verb} ${stage.id}`;
    this.#service = serviceOf(job, stage.id);
    this.#about = {
      [MESSAGING.system]: system,
      [MESSAGING.operationType]: verb,
      [MESSAGING.operationName]: verb,
      [MESSAGING.destination]: cleanText(destination),
      [MESSAGING.partition]: String(partition),
      [MILLRACE.job]: job,
      [MILLRACE.stage]: stage.id,
      [MILLRACE.partition]: partition,
      [MILLRACE.worker]: worker,
      [MILLRACE.revision]: revision,
    };
  }

  /** A step is made; the one before may be on its way still. */
  began(nowMs: number): void {
    this.#preparedMs = nowMs;
  }

  /** The step that was made last is on its way: one at a time. */
  sends(): void {
    this.#way = { beganMs: this.#preparedMs, committedMs: this.#preparedMs, retries: [], endToEndMs: 0 };
  }

  committed(): void {
    this.#way.committedMs = this.#parts.clock.nowMs();
  }

  /** Its results are visible: how long the oldest of its events was in the job; null: it is no end. */
  ended(endToEndMs: number | null): void {
    this.#way.endToEndMs = endToEndMs ?? 0;
  }

  /** Writing it outside failed, and is tried again. */
  retried(error: unknown): void {
    const { retries } = this.#way;
    if (retries.length < RETRIES_MAX) retries.push(retryNote(error, this.#parts.clock.nowMs()));
  }

  /** S1. */
  stored(step: Pick<Step, 'spans'>, stored: Stored): void {
    const { clock } = this.#parts;
    const endMs = clock.nowMs();
    const took = endMs - this.#way.beganMs;
    const failed = this.#way.retries.length > 0;
    const isSlow = took >= SLOW_STEP_MS || this.#isLong();
    const drafts = step.spans.length > 0 || (!isSlow && !failed) ? step.spans : this.#kept(failed ? 'error' : 'slow', stored);
    for (const draft of drafts) this.#end(draft, stored, endMs);
    const cut = this.trace.cut - this.#cut;
    this.#cut = this.trace.cut;
    if (cut > 0) this.#parts.tracing.tracer.lost(cut);
  }

  /** S4. */
  #isLong(): boolean {
    if (this.#way.endToEndMs < SLOW_END_TO_END_MS) return false;
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#toldSlowMs < SLOW_AGAIN_MS) return false;
    this.#toldSlowMs = nowMs;
    return true;
  }

  /** S2. */
  #kept(why: Why, { number, epoch }: Stored): readonly SpanDraft[] {
    const { beganMs, endToEndMs } = this.#way;
    const { tracing, stage, partition, clock } = this.#parts;
    if (!tracing.budget.keep(clock.monotonicMs())) return [];
    const context = deriveRoot(tracing.runId, taskName(stage.id, partition), why, epoch, number);
    const attributes = { [MILLRACE.why]: why, ...(endToEndMs > 0 ? { [MILLRACE.endToEndMs]: Math.round(endToEndMs) } : {}) };
    return [{ ...context, parentId: null, what: null, startMs: beganMs, events: 0, attributes, notes: [], links: [], error: null }];
  }

  #end(draft: SpanDraft, stored: Stored, endMs: number): void {
    const { tracing } = this.#parts;
    const room = tracing.budget.span(draft.traceId);
    if (room === 'no') return tracing.tracer.lost(1);
    const { traceId, spanId, parentId, what, links, startMs, notes } = draft;
    const { number, epoch } = stored;
    const { committedMs, retries } = this.#way;
    const failure = retries.at(-1)?.attributes[EXCEPTION.message];
    const attributes = draft.attributes;
    attributes[MESSAGING.batchCount] = draft.events;
    attributes[MILLRACE.record] = number;
    attributes[MILLRACE.epoch] = epoch;
    if (room === 'last') attributes[MILLRACE.truncated] = true;
    notes.push({ name: EVENTS.committed, atMs: committedMs, attributes: { [MILLRACE.record]: number } });
    if (retries.length > 0) notes.push(...retries);
    const span: SpanData = {
      traceId,
      spanId,
      parentId,
      name: what === null ? this.#name : `emit ${what}`,
      kind: what === null ? this.#kind : 'internal',
      service: this.#service,
      startMs,
      endMs: Math.max(startMs, endMs), // S3
      shared: this.#about,
      attributes,
      events: notes,
      links,
      error: draft.error ?? (typeof failure === 'string' ? `written after ${retries.length} tries that failed: ${failure}` : null),
    };
    tracing.tracer.end(span);
  }
}

/** What a span of this stage does with messages, in the words of the conventions. */
function messagingOf(stage: StagePlan): { kind: SpanKind; verb: string; system: string; destination: string } {
  for (const { op } of stage.nodes) {
    if (op.kind === 'source')
      return { kind: 'consumer', verb: 'receive', ...placeOf(op.spec.nats?.subjects.join(','), op.spec.file?.path) };
    if (op.kind === 'sink') return { kind: 'producer', verb: 'send', ...placeOf(op.spec.nats?.subject, op.spec.file?.path) };
  }
  return { kind: 'consumer', verb: 'process', system: 'nats', destination: stage.stream };
}

function placeOf(subject: string | undefined, path: string | undefined): { system: string; destination: string } {
  return subject === undefined ? { system: 'file', destination: path ?? '' } : { system: 'nats', destination: subject };
}

/** A try of a sink that failed, as an event of its span. */
function retryNote(error: unknown, atMs: number): SpanEvent {
  const [type, message] = error instanceof Error ? [codeOf(error) ?? error.name, error.message] : ['error', String(error)];
  return { name: EVENTS.retry, atMs, attributes: { [EXCEPTION.type]: cleanText(type), [EXCEPTION.message]: cleanText(message) } };
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}
