// Spans as OTLP in JSON: what a collector takes at /v1/traces.
//
//   J1. It means what OpenTelemetry's own serializer gives (a property test compares them), without the fields that say nothing.
//   J2. Attributes that many spans share are written once for all of them: they are most of a span.

import { SERVICE } from '../../telemetry/conventions.ts';
import type { Attributes, AttributeValue, SpanData, SpanEvent, SpanKind } from '../../telemetry/span.ts';

/** Numbers of the protocol (opentelemetry-proto, trace.proto). */
const KINDS: Readonly<Record<SpanKind, number>> = { internal: 1, client: 3, producer: 4, consumer: 5 };
const STATUS_ERROR = 2;
const SCOPE = '{"name":"millrace"}';
const NS_PER_MS = 1_000_000;

export class OtlpJson {
  readonly #instance: string;
  readonly #shared = new WeakMap<Attributes, string>();

  /** `instance`: `service.instance.id` of all spans. */
  constructor(instance: string) {
    this.#instance = instance;
  }

  /** One export request. */
  request(spans: readonly SpanData[]): string {
    const byService = new Map<string, string[]>();
    for (const span of spans) {
      const written = byService.get(span.service);
      if (written === undefined) byService.set(span.service, [this.#span(span)]);
      else written.push(this.#span(span));
    }
    return `{"resourceSpans":[${[...byService].map(([service, written]) => this.#ofService(service, written)).join()}]}`;
  }

  #ofService(service: string, spans: readonly string[]): string {
    const attributes = attributesOf({ [SERVICE.name]: service, [SERVICE.instance]: this.#instance });
    return `{"resource":{"attributes":[${attributes}]},"scopeSpans":[{"scope":${SCOPE},"spans":[${spans.join()}]}]}`;
  }

  #span({ traceId, spanId, parentId, name, kind, startMs, endMs, shared, attributes, events, links, error }: SpanData): string {
    let text = `{"traceId":"${traceId}","spanId":"${spanId}"`;
    if (parentId !== null) text += `,"parentSpanId":"${parentId}"`;
    text += `,"name":${JSON.stringify(name)},"kind":${KINDS[kind]},"startTimeUnixNano":"${nanos(startMs)}","endTimeUnixNano":"${nanos(endMs)}"`;
    text += `,"attributes":[${joined(this.#sharedOf(shared), attributesOf(attributes))}]`;
    if (events.length > 0) text += `,"events":[${events.map(eventOf).join()}]`;
    if (links.length > 0) text += `,"links":[${links.map((link) => `{"traceId":"${link.traceId}","spanId":"${link.spanId}"}`).join()}]`;
    return error === null ? `${text}}` : `${text},"status":{"code":${STATUS_ERROR},"message":${JSON.stringify(error)}}}`;
  }

  /** J2. */
  #sharedOf(attributes: Attributes): string {
    let text = this.#shared.get(attributes);
    if (text === undefined) this.#shared.set(attributes, (text = attributesOf(attributes)));
    return text;
  }
}

function joined(some: string, more: string): string {
  return some === '' || more === '' ? some + more : `${some},${more}`;
}

function eventOf({ name, atMs, attributes }: SpanEvent): string {
  return `{"timeUnixNano":"${nanos(atMs)}","name":${JSON.stringify(name)},"attributes":[${attributesOf(attributes)}]}`;
}

function attributesOf(attributes: Attributes): string {
  let text = '';
  for (const name in attributes) {
    if (text !== '') text += ',';
    text += `{"key":"${name}","value":${valueOf(attributes[name] as AttributeValue)}}`;
  }
  return text;
}

/** Numbers that JSON does not know are text, as OTLP has 64-bit ones; none of ours is. */
function valueOf(value: AttributeValue): string {
  switch (typeof value) {
    case 'string':
      return `{"stringValue":${JSON.stringify(value)}}`;
    case 'number':
      return Number.isSafeInteger(value) ? `{"intValue":${value}}` : `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`;
    case 'boolean':
      return `{"boolValue":${value}}`;
    default:
      return `{"arrayValue":{"values":[${value.map(valueOf).join()}]}}`;
  }
}

/** Exact for any ms: nanoseconds since 1970 are beyond what a number holds. */
function nanos(ms: number): string {
  const whole = Math.floor(ms);
  const rest = Math.min(NS_PER_MS - 1, Math.round((ms - whole) * NS_PER_MS));
  if (whole === 0) return String(rest);
  return `${whole}${rest === 0 ? '000000' : String(rest).padStart(6, '0')}`;
}
