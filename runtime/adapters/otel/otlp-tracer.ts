// The tracer that sends spans to an OTLP collector, in the form that OpenTelemetry's own serializer gives them. The only file that
// knows OpenTelemetry. Sending is ours: the exporter's retries have timers that keep a worker from ending.
//
//   E1. At most QUEUE_MAX spans wait; what comes then is dropped and counted. One export is in flight at a time.
//   E2. What the collector refuses is dropped and counted. Where it says "later", or nothing within EXPORT_MS, it is asked again
//       TRIES_MAX times in all; meanwhile the queue fills, and overflows.
//   E3. `close` takes no longer than it may; nothing keeps a process alive afterwards.

import { setTimeout as sleep } from 'node:timers/promises';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { TraceContext } from '../../base/trace-context.ts';
import { SERVICE } from '../../telemetry/conventions.ts';
import type { Attributes, SpanData, Tracer, TracerFigures } from '../../telemetry/span.ts';
import type { TracingOptions } from '../../telemetry/tracing-options.ts';

export const QUEUE_MAX = 4_096;
const BATCH_MAX = 512;
/** Spans gather this long: an export is a request. */
const GATHER_MS = 200;
const EXPORT_MS = 2_000;
const TRIES_MAX = 3;
const AGAIN_MS = 250;
/** OTLP: the collector may take it later. */
const LATER: readonly number[] = [429, 502, 503, 504];
const SCOPE = { name: 'millrace' };
const KINDS = { internal: SpanKind.INTERNAL, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER, client: SpanKind.CLIENT };

export type OtlpTracerParts = Pick<TracingOptions, 'url' | 'headers'> & {
  /** `service.instance.id`. */
  readonly instance: string;
  /** The collector does not take spans, for the first time since it did. */
  readonly onTrouble: (message: string) => void;
};

export class OtlpTracer implements Tracer {
  readonly #parts: OtlpTracerParts;
  readonly #end = new AbortController();
  readonly #resources = new Map<string, ReadableSpan['resource']>();
  #queue: SpanData[] = [];
  #sent = 0;
  #dropped = 0;
  #sending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isTroubled = false;
  #closed = false;

  constructor(parts: OtlpTracerParts) {
    this.#parts = parts;
  }

  end(span: SpanData): void {
    if (this.#closed || this.#queue.length >= QUEUE_MAX) {
      this.#dropped++; // E1
      return;
    }
    this.#queue.push(span);
    if (this.#sending === null && this.#timer === null) this.#timer = setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  lost(spans: number): void {
    this.#dropped += spans;
  }

  figures(): TracerFigures {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  async close(limitMs: number): Promise<void> {
    this.#closed = true;
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, limitMs);
    this.#send();
    await Promise.race([limit.promise, this.#drained()]);
    clearTimeout(timer);
    this.#dropped += this.#queue.length;
    this.#queue = [];
    this.#end.abort();
  }

  async #drained(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#sending !== null || this.#queue.length === 0) return;
    const batch = this.#queue.splice(0, BATCH_MAX);
    this.#sending = this.#export(batch).then((error) => {
      this.#sending = null;
      if (error === null) this.#sent += batch.length;
      else this.#dropped += batch.length; // E2
      this.#tell(error);
      if (this.#queue.length > 0) this.#send();
    });
  }

  /** Null: the collector has taken it. */
  async #export(batch: readonly SpanData[]): Promise<Error | null> {
    try {
      const body = JsonTraceSerializer.serializeRequest(batch.map((span) => this.#readable(span)));
      if (body === undefined) return new Error('spans that cannot be written');
      for (let tries = 1; ; tries++) {
        const { error, isFinal } = await this.#post(body);
        if (error === null || isFinal || tries === TRIES_MAX) return error;
        await sleep(AGAIN_MS * 2 ** tries, undefined, { ref: false, signal: this.#end.signal });
      }
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  async #post(body: Uint8Array): Promise<{ readonly error: Error | null; readonly isFinal: boolean }> {
    const { url, headers } = this.#parts;
    const signal = AbortSignal.any([AbortSignal.timeout(EXPORT_MS), this.#end.signal]);
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: body as Uint8Array<ArrayBuffer>,
        redirect: 'error',
        signal,
      });
      await answer.body?.cancel();
      if (answer.ok) return { error: null, isFinal: true };
      return { error: new Error(`it answers ${answer.status}`), isFinal: !LATER.includes(answer.status) };
    } catch (error) {
      return { error: causeOf(error), isFinal: this.#closed };
    }
  }

  #tell(error: Error | null): void {
    if (error !== null && !this.#isTroubled)
      this.#parts.onTrouble(`traces do not reach ${withoutUser(this.#parts.url)} and are dropped: ${error.message}`);
    this.#isTroubled = error !== null;
  }

  #readable(span: SpanData): ReadableSpan {
    const startTime = hrTime(span.startMs);
    const endTime = hrTime(span.endMs);
    const context = contextOf(span);
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context,
      ...(span.parentId === null ? {} : { parentSpanContext: contextOf({ traceId: span.traceId, spanId: span.parentId }) }),
      startTime,
      endTime,
      duration: hrTime(span.endMs - span.startMs),
      status: span.error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes: plain(span.attributes),
      events: span.events.map(({ name, atMs, attributes }) => ({ name, time: hrTime(atMs), attributes: plain(attributes) })),
      links: span.links.map((link) => ({ context: contextOf(link) })),
      ended: true,
      resource: this.#resourceOf(span.service),
      instrumentationScope: SCOPE,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }

  #resourceOf(service: string): ReadableSpan['resource'] {
    let resource = this.#resources.get(service);
    if (resource === undefined) {
      resource = resourceFromAttributes({ [SERVICE.name]: service, [SERVICE.instance]: this.#parts.instance });
      this.#resources.set(service, resource);
    }
    return resource;
  }
}

function contextOf({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function plain(attributes: Attributes): ReadableSpan['attributes'] {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, Array.isArray(value) ? [...(value as readonly string[])] : (value as string)]),
  );
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}

/** `fetch failed` says nothing: its cause does. */
function causeOf(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause : error;
}

function withoutUser(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
