// What is written means what OpenTelemetry's own serializer gives for the same span.

import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TraceContext } from '../../base/trace-context.ts';
import type { Attributes, SpanData } from '../../telemetry/span.ts';
import { OtlpJson } from './otlp-json.ts';

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits }).map((all) => all.join(''));
const text = fc.string({ unit: 'binary', maxLength: 20 });
const context = fc.record({ traceId: hex(32), spanId: hex(16) });
const ms = fc.oneof(fc.nat(2 ** 42), fc.double({ min: 0, max: 2 ** 42, noNaN: true }));
const attributes = (prefix: string): fc.Arbitrary<Attributes> =>
  fc.dictionary(
    fc.stringMatching(/^[a-z._]{1,8}$/).map((name) => `${prefix}.${name}`),
    fc.oneof(text, fc.boolean(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true, noInteger: true }), fc.array(text)),
    { maxKeys: 5 },
  );
const shared = fc.oneof(fc.constant({}), fc.constant({ 'shared.job': 'j', 'shared.partition': 3 }), attributes('shared'));
const span: fc.Arbitrary<SpanData> = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  parentId: fc.option(hex(16)),
  name: text,
  kind: fc.constantFrom('internal', 'consumer', 'producer', 'client'),
  service: fc.constantFrom('j/a', 'j/b', 'with "quotes"'),
  startMs: ms,
  endMs: ms,
  shared,
  attributes: attributes('own'),
  events: fc.array(fc.record({ name: text, atMs: ms, attributes: attributes('note') }), { maxLength: 3 }),
  links: fc.array(context, { maxLength: 3 }),
  error: fc.option(text),
});

test('spans are written as OpenTelemetry writes them', () => {
  const json = new OtlpJson('w-1');
  fc.assert(
    fc.property(fc.array(span, { maxLength: 6 }), (spans) => {
      expect(telling(JSON.parse(json.request(spans)))).toEqual(telling(JSON.parse(expected(spans))));
    }),
  );
});

test('what many spans share is written alike in each of them', () => {
  const one = fc.sample(span, { numRuns: 1, seed: 1 })[0]!;
  const common = { 'shared.worker': 'a "worker"' };
  const spans = [1, 2, 3].map((n) => ({ ...one, service: 's', shared: common, attributes: { 'own.n': n } }));
  const told = JSON.parse(new OtlpJson('w-1').request(spans)) as {
    readonly resourceSpans: readonly [{ readonly scopeSpans: readonly [{ readonly spans: readonly { readonly attributes: unknown }[] }] }];
  };
  expect(told.resourceSpans[0].scopeSpans[0].spans.map((written) => written.attributes)).toEqual(
    [1, 2, 3].map((n) => [
      { key: 'shared.worker', value: { stringValue: 'a "worker"' } },
      { key: 'own.n', value: { intValue: n } },
    ]),
  );
});

test('a time is exact to the nanosecond, and never of the next millisecond', () => {
  const one = fc.sample(span, { numRuns: 1, seed: 1 })[0]!;
  const text = new OtlpJson('w-1').request([{ ...one, startMs: 1_700_000_000_000.25, endMs: 1.999_999_999_9 }]);
  expect(text).toContain('"startTimeUnixNano":"1700000000000250000"');
  expect(text).toContain('"endTimeUnixNano":"1999999"');
});

/** Without what says nothing (J1), and with the flags of a context, which are the same for all that is sent. */
function telling(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(telling);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, one]) => (saysNothing(name, one) ? [] : [[name, telling(one)]])));
}

function saysNothing(name: string, value: unknown): boolean {
  if (name === 'flags') return true;
  if (name.startsWith('dropped')) return value === 0;
  if (name === 'status') return (value as { readonly code: number }).code === SpanStatusCode.UNSET;
  return Array.isArray(value) && value.length === 0 && name !== 'values';
}

const KINDS = { internal: SpanKind.INTERNAL, consumer: SpanKind.CONSUMER, producer: SpanKind.PRODUCER, client: SpanKind.CLIENT };
const SCOPE = { name: 'millrace' };

function expected(spans: readonly SpanData[]): string {
  const resources = new Map(
    spans.map(({ service }) => [service, resourceFromAttributes({ 'service.name': service, 'service.instance.id': 'w-1' })]),
  );
  return Buffer.from(JsonTraceSerializer.serializeRequest(spans.map((one) => readable(one, resources.get(one.service)!)))!).toString();
}

function readable(one: SpanData, resource: ReadableSpan['resource']): ReadableSpan {
  const own = contextOf(one);
  return {
    name: one.name,
    kind: KINDS[one.kind],
    spanContext: () => own,
    ...(one.parentId === null ? {} : { parentSpanContext: contextOf({ traceId: one.traceId, spanId: one.parentId }) }),
    startTime: hrTime(one.startMs),
    endTime: hrTime(one.endMs),
    duration: [0, 0],
    status: one.error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: one.error },
    attributes: plain({ ...one.shared, ...one.attributes }),
    events: one.events.map(({ name, atMs, attributes: noted }) => ({ name, time: hrTime(atMs), attributes: plain(noted) })),
    links: one.links.map((link) => ({ context: contextOf(link) })),
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: TraceFlags.SAMPLED };
}

function plain(all: Attributes): ReadableSpan['attributes'] {
  return all as ReadableSpan['attributes'];
}

function hrTime(at: number): HrTime {
  const seconds = Math.floor(at / 1_000);
  const nanos = (Math.floor(at) - seconds * 1_000) * 1_000_000;
  return [seconds, nanos + Math.min(999_999, Math.round((at - Math.floor(at)) * 1_000_000))];
}
