// The port of tracing: finished spans as plain data, and who takes them.
//
//   P1. `end` never waits and never throws: what cannot be sent is counted and dropped, data flows on.
//   P2. A span ends when what it tells is durable: nothing that might not have happened is told.

import type { TraceContext } from '../base/trace-context.ts';

export type AttributeValue = string | number | boolean | readonly string[];
export type Attributes = Readonly<Record<string, AttributeValue>>;

export type SpanEvent = { readonly name: string; readonly atMs: number; readonly attributes: Attributes };
export type SpanKind = 'internal' | 'consumer' | 'producer' | 'client';

export type SpanData = TraceContext & {
  readonly parentId: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  /** `service.name`. */
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  /** What it says as many others do, as one object for all of them: it is written out once. No name is also in `attributes`. */
  readonly shared: Attributes;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly TraceContext[];
  /** What went wrong; null: nothing. */
  readonly error: string | null;
};

/** Spans since the tracer began. dropped: no room in the queue, or refused by the collector, or cut by a trace's budget. */
export type TracerFigures = { readonly sent: number; readonly dropped: number };

export interface Tracer {
  end(span: SpanData): void;
  /** Counts spans that were dropped before they came here. */
  lost(spans: number): void;
  figures(): TracerFigures;
  /** Sends what waits, for `limitMs` at the most; what is left then is dropped. */
  close(limitMs: number): Promise<void>;
}
