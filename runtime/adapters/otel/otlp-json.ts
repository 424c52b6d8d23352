// Spans as OTLP in JSON: the text of what a collector takes at /v1/traces. Its form is that of opentelemetry-proto, which no release may break.
//
//   J1. Text is made of each span at once, without OpenTelemetry's objects between: a worker sends some thousand spans in its first minute,
//       and what would be loaded and compiled for them costs more than they do (ADR 47). It says what OpenTelemetry's own serializer says
//       (otlp-json.test.ts holds them against each other); of numbers also those that have no integer of 64 bits, or are none.
//   J2. What many spans share is written once, as long as they are the same object.

import type { TraceContext } from '../../base/trace-context.ts';
import { SERVICE } from '../../telemetry/conventions.ts';
import type { Attributes, AttributeValue, SpanData, SpanEvent } from '../../telemetry/span.ts';

const NS_PER_MS = 1_000_000;
const NS_DIGITS = 6;
/** opentelemetry-proto, trace.proto. */
const KINDS = { internal: 1, client: 3, producer: 4, consumer: 5 } as const;
const STATUS_UNSET = '{"code":0}';
const STATUS_ERROR = 2;
/** Sampled (1), and what OpenTelemetry says of a parent that it does not know to be remote (256). */
const FLAGS = 0x101;

export class OtlpJson {
  readonly #instance: string;
  /** Names of attributes, as text: some dozen (telemetry/conventions.ts). */
  readonly #names = new Map<string, string>();
  readonly #resources = new Map<string, string>();
  readonly #shared = new WeakMap<Attributes, string>();

  /** `instance`: `service.instance.id` of all spans. */
  constructor(instance: string) {
    this.#instance = instance;
  }

  /** The body of one export request. Spans of one service come together. */
  request(spans: readonly SpanData[]): Uint8Array {
    const byService = new Map<string, string>();
    for (const span of spans) {
      const before = byService.get(span.service);
      byService.set(span.service, before === undefined ? this.#span(span) : `${before},${this.#span(span)}`);
    }
    const parts: string[] = [];
    for (const [service, texts] of byService)
      parts.push(`{"resource":${this.#resourceOf(service)},"scopeSpans":[{"scope":{"name":"millrace"},"spans":[${texts}]}]}`);
    return Buffer.from(`{"resourceSpans":[${parts.join()}]}`);
  }

  #span(span: SpanData): string {
    const parent = span.parentId === null ? '' : `"parentSpanId":"${span.parentId}",`;
    const status = span.error === null ? STATUS_UNSET : `{"code":${STATUS_ERROR},"message":${JSON.stringify(span.error)}}`;
    return (
      `{"traceId":"${span.traceId}","spanId":"${span.spanId}",${parent}"name":${JSON.stringify(span.name)},"kind":${KINDS[span.kind]},` +
      `"startTimeUnixNano":"${nanoseconds(span.startMs)}","endTimeUnixNano":"${nanoseconds(span.endMs)}",` +
      `"attributes":[${joined(this.#sharedOf(span.shared), this.#attributes(span.attributes))}],"events":[${this.#events(span.events)}],` +
      `"links":[${links(span.links)}],"status":${status},"flags":${FLAGS}}`
    );
  }

  #events(events: readonly SpanEvent[]): string {
    let text = '';
    for (const { name, atMs, attributes } of events)
      text = joined(
        text,
        `{"timeUnixNano":"${nanoseconds(atMs)}","name":${JSON.stringify(name)},"attributes":[${this.#attributes(attributes)}]}`,
      );
    return text;
  }

  #attributes(attributes: Attributes): string {
    let text = '';
    for (const [name, value] of Object.entries(attributes)) text = joined(text, `{"key":${this.#name(name)},"value":${valueOf(value)}}`);
    return text;
  }

  /** J2. */
  #sharedOf(attributes: Attributes): string {
    let text = this.#shared.get(attributes);
    if (text === undefined) this.#shared.set(attributes, (text = this.#attributes(attributes)));
    return text;
  }

  #name(name: string): string {
    let text = this.#names.get(name);
    if (text === undefined) this.#names.set(name, (text = JSON.stringify(name)));
    return text;
  }

  #resourceOf(service: string): string {
    let text = this.#resources.get(service);
    if (text === undefined) {
      text = `{"attributes":[${this.#attributes({ [SERVICE.name]: service, [SERVICE.instance]: this.#instance })}]}`;
      this.#resources.set(service, text);
    }
    return text;
  }
}

function joined(before: string, text: string): string {
  if (before === '') return text;
  return text === '' ? before : `${before},${text}`;
}

function valueOf(value: AttributeValue): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value)}}`;
    case 'number':
      if (Number.isSafeInteger(value)) return `{"intValue":${value}}`;
      return `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    default:
      return `{"arrayValue":{"values":[${value.map(valueOf).join()}]}}`;
  }
}

function links(contexts: readonly TraceContext[]): string {
  let text = '';
  for (const { traceId, spanId } of contexts) text = joined(text, `{"traceId":"${traceId}","spanId":"${spanId}","flags":${FLAGS}}`);
  return text;
}

/** Exact, and never of the next millisecond. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  if (whole === 0) return String(Math.min(NS_PER_MS - 1, Math.round(ms * NS_PER_MS)));
  const rest = ms === whole ? 0 : Math.min(NS_PER_MS - 1, Math.round((ms - whole) * NS_PER_MS));
  return `${whole}${String(rest).padStart(NS_DIGITS, '0')}`;
}
