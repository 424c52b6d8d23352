// Spans as OTLP in JSON, by OpenTelemetry's own serializer: what a collector takes at /v1/traces. The only file that knows OpenTelemetry.
//
//   J1. What many spans share is turned into OpenTelemetry's form once (resources), what is a span's own when it is sent: never in a step.

import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { HrTime, SpanContext } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { assert } from '../../base/assert.ts';
import type { TraceContext } from '../../base/trace-context.ts';
import { SERVICE } from '../../telemetry/conventions.ts';
import type { Attributes, SpanData } from '../../telemetry/span.ts';

const NS_PER_MS = 1_000_000;
const SCOPE = { name: 'millrace' };
const KINDS = { internal: SpanKind.INTERNAL, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER, client: SpanKind.CLIENT };

export class OtlpJson {
  readonly #instance: string;
  readonly #resources = new Map<string, ReadableSpan['resource']>();

  /** `instance`: `service.instance.id` of all spans. */
  constructor(instance: string) {
    this.#instance = instance;
  }

  /** The body of one export request. */
  request(spans: readonly SpanData[]): Uint8Array {
    const body = JsonTraceSerializer.serializeRequest(spans.map((span) => this.#readable(span)));
    assert(body !== undefined, 'spans can be written');
    return body;
  }

  #readable(span: SpanData): ReadableSpan {
    const context = contextOf(span);
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context,
      ...(span.parentId === null ? {} : { parentSpanContext: contextOf({ traceId: span.traceId, spanId: span.parentId }) }),
      startTime: hrTime(span.startMs),
      endTime: hrTime(span.endMs),
      duration: hrTime(span.endMs - span.startMs),
      status: span.error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes: plain({ ...span.shared, ...span.attributes }),
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
      resource = resourceFromAttributes({ [SERVICE.name]: service, [SERVICE.instance]: this.#instance });
      this.#resources.set(service, resource);
    }
    return resource;
  }
}

function contextOf({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

/** OpenTelemetry's lists can be changed, ours can't; it changes none. */
function plain(attributes: Attributes): ReadableSpan['attributes'] {
  return attributes as ReadableSpan['attributes'];
}

/** Exact, and never of the next millisecond. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  const whole = Math.floor(ms);
  return [seconds, (whole - seconds * 1_000) * NS_PER_MS + Math.min(NS_PER_MS - 1, Math.round((ms - whole) * NS_PER_MS))];
}
