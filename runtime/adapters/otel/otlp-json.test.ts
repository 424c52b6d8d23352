// What a collector is told of a span, by the bytes of the request.

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

test('a span is told with all that it says', () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 6 }), (spans) => {
      const byService = spans.toSorted((a, b) => order(spans, a) - order(spans, b));
      const written = told(spans);
      expect(written.map(([service]) => service)).toEqual(byService.map(({ service }) => service));
      for (const [at, one] of byService.entries()) {
        const { traceId, spanId, parentId, name, kind } = one;
        const got = written[at]![1];
        expect(got).toMatchObject({ traceId, spanId, name, kind: KINDS[kind] });
        expect(got.parentSpanId ?? null).toBe(parentId);
        expect(plain(got.attributes)).toEqual({ ...one.shared, ...one.attributes });
        expect(got.events.map((event) => [event.name, plain(event.attributes)])).toEqual(one.events.map((e) => [e.name, e.attributes]));
        expect(got.links.map((link) => [link.traceId, link.spanId])).toEqual(one.links.map((link) => [link.traceId, link.spanId]));
        expect(got.status).toEqual(one.error === null ? { code: 0 } : { code: 2, message: one.error });
      }
    }),
  );
});

/** Spans of one service come together, in the order in which the services came. */
function order(spans: readonly SpanData[], { service }: SpanData): number {
  return spans.findIndex((one) => one.service === service);
}

test('a time is exact to the nanosecond, and never of the next millisecond', () => {
  const one = fc.sample(span, { numRuns: 1, seed: 1 })[0]!;
  const [[, written]] = told([{ ...one, startMs: 1_700_000_000_000.25, endMs: 1_999.999_999_9 }]) as [readonly [string, Told]];
  expect(written).toMatchObject({ startTimeUnixNano: '1700000000000250000', endTimeUnixNano: '1999999999' });
});

type Told = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly ToldAttribute[];
  readonly events: readonly { readonly name: string; readonly attributes: readonly ToldAttribute[] }[];
  readonly links: readonly TraceContext[];
  readonly status: { readonly code: number; readonly message?: string };
};
type ToldAttribute = { readonly key: string; readonly value: ToldValue };
type ToldValue = Readonly<Record<string, unknown>> & { readonly arrayValue?: { readonly values: readonly ToldValue[] } };
type Request = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly ToldAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Told[] }[];
  }[];
};

/** Numbers of opentelemetry-proto, trace.proto. */
const KINDS = { internal: 1, client: 3, producer: 4, consumer: 5 };

function told(spans: readonly SpanData[]): readonly (readonly [string, Told])[] {
  const { resourceSpans } = JSON.parse(Buffer.from(new OtlpJson('w-1').request(spans)).toString()) as Request;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) => scope.spans.map((one) => [String(plain(resource.attributes)['service.name']), one] as const)),
  );
}

function plain(attributes: readonly ToldAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, valueOf(value)]));
}

function valueOf({ arrayValue, ...single }: ToldValue): unknown {
  return arrayValue === undefined ? Object.values(single)[0] : arrayValue.values.map(valueOf);
}
