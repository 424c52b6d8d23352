// Traces of the operator's rounds: a span a round, with a child for each call of the API server that writes.
//
//   R1. A round that wrote nothing and met no trouble is not told: there are many, and they say nothing.
//   R2. Rounds run side by side; a call belongs to the round that made it (AsyncLocalStorage).
//   R3. Within the budget of trace-budget.ts; what the collector does is no business of a round.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock, Random } from '../runtime/base/clock.ts';
import { deriveRoot, deriveSpanId } from '../runtime/base/trace-context.ts';
import { cleanText, MESSAGING, MILLRACE } from '../runtime/telemetry/conventions.ts';
import type { Attributes, SpanData, Tracer } from '../runtime/telemetry/span.ts';
import type { TraceBudget } from '../runtime/telemetry/trace-budget.ts';
import type { Call } from './kube/call-meter.ts';
import type { WorkOutcome } from './kube/work-queue.ts';

export type RoundTracesParts = {
  readonly tracer: Tracer;
  readonly budget: TraceBudget;
  readonly clock: Clock;
  readonly random: Random;
};

type Seen = Call & { readonly endMs: number };
/** What is sent of a round. */
export type KeptTrace = { readonly traceId: string; readonly calls: readonly Seen[] };

const SERVICE = 'millrace-operator';
const NOTHING: Attributes = {};
/** Calls of one round that are told. */
const CALLS_MAX = 64;
const WRITES: readonly Call['verb'][] = ['create', 'apply', 'replace', 'patch', 'delete'];

export class RoundTraces {
  readonly #parts: RoundTracesParts;
  readonly #rounds = new AsyncLocalStorage<Seen[]>();

  constructor(parts: RoundTracesParts) {
    this.#parts = parts;
  }

  /** A call of the API server has ended. */
  called(call: Call): void {
    const calls = this.#rounds.getStore();
    if (calls === undefined || !WRITES.includes(call.verb) || calls.length === CALLS_MAX) return;
    calls.push({ ...call, endMs: this.#parts.clock.nowMs() });
  }

  /** Runs a round of `kind` (jobs, savepoints) and tells it, also when it throws. `onKept`: its trace is sent. */
  async round(
    kind: string,
    key: string,
    work: () => Promise<WorkOutcome>,
    onKept: (trace: KeptTrace) => void = () => undefined,
  ): Promise<WorkOutcome> {
    const { clock } = this.#parts;
    const calls: Seen[] = [];
    const startMs = clock.nowMs();
    const told = (outcome: WorkOutcome): WorkOutcome => {
      if (calls.length > 0 || outcome.kind === 'failed') this.#tell({ kind, key, startMs, calls, outcome }, onKept);
      return outcome;
    };
    try {
      return told(await this.#rounds.run(calls, work));
    } catch (error) {
      told({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  }

  #tell({ kind, key, startMs, calls, outcome }: Round, onKept: (trace: KeptTrace) => void): void {
    const { tracer, budget, clock, random } = this.#parts;
    if (!budget.keep(clock.monotonicMs())) return;
    const { traceId, spanId } = deriveRoot(random.id());
    const error = outcome.kind === 'failed' ? cleanText(outcome.reason) : null;
    const about = { [MILLRACE.kind]: kind, [MILLRACE.name]: cleanText(key) };
    const common = { traceId, service: SERVICE, shared: NOTHING, events: [], links: [] };
    const root: SpanData = {
      ...common,
      spanId,
      parentId: null,
      name: `reconcile ${kind}`,
      kind: 'internal',
      startMs,
      endMs: Math.max(startMs, clock.nowMs()),
      attributes: { ...about, [MILLRACE.outcome]: outcome.kind },
      error,
    };
    for (const [place, { verb, resource, outcome: ended, durationMs, endMs }] of calls.entries())
      tracer.end({
        ...common,
        spanId: deriveSpanId(traceId, spanId, place),
        parentId: spanId,
        name: `${verb} ${resource}`,
        kind: 'client',
        startMs: endMs - durationMs,
        endMs,
        attributes: {
          ...about,
          [MILLRACE.verb]: verb,
          [MILLRACE.kind]: resource,
          ...(ended === 'ok' ? {} : { [MESSAGING.errorType]: ended }),
        },
        error: ended === 'ok' ? null : ended,
      });
    tracer.end(root);
    onKept({ traceId, calls });
  }
}

type Round = {
  readonly kind: string;
  readonly key: string;
  readonly startMs: number;
  readonly calls: readonly Seen[];
  readonly outcome: WorkOutcome;
};
