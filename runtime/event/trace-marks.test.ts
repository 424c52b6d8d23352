import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch } from './batch.ts';
import { decodeEvents, encodeEvents, SegmentBroken } from './segment.ts';
import { concatTraces, pickTraces, sliceTraces, traceAt, withTraces } from './trace-marks.ts';
import type { TraceMark } from './trace-marks.ts';

const hex = (digits: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: digits, maxLength: digits }).map((all) => all.join(''));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16) });
/** Events whose value is their place, some of them traced. */
const batches: fc.Arbitrary<Batch> = fc.array(fc.option(contexts), { minLength: 1, maxLength: 40 }).map((drawn) => {
  const places = drawn.map((_, at) => at);
  const traces = drawn.flatMap((context, at): TraceMark[] => (context === null ? [] : [{ at, context }]));
  return withTraces<Batch>({ values: places, times: places, keys: null, ingestMs: 1 }, traces);
});

/** Each event with its context: what must stay together. */
function pairs(batch: Batch): unknown[] {
  return batch.values.map((value, at) => [value, traceAt(batch, at) ?? null]);
}

describe('an event keeps its trace', () => {
  test('in a segment', () => {
    fc.assert(
      fc.property(batches, (batch) => {
        expect(decodeEvents(encodeEvents([batch]))).toEqual(batch);
      }),
    );
  });

  test('when batches are put together in a segment', () => {
    fc.assert(
      fc.property(fc.array(batches, { minLength: 1, maxLength: 5 }), (all) => {
        const decoded = decodeEvents(encodeEvents(all));
        expect(pairs(decoded)).toEqual(all.flatMap(pairs));
        expect(decoded.traces ?? []).toEqual(concatTraces(all) ?? []);
      }),
    );
  });

  test('when events are picked and cut', () => {
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), (batch, draw) => {
        const count = batch.values.length;
        const indices = [...new Set([...draw.take(count)].map((n) => n % count))].toSorted((a, b) => a - b);
        const picked = withTraces({ ...batch, values: indices.map((i) => batch.values[i]) }, pickTraces(batch.traces, indices));
        expect(pairs(picked)).toEqual(indices.map((i) => pairs(batch)[i]));
        const [from, to] = [Math.min(...indices), Math.max(...indices)];
        const cut = withTraces({ ...batch, values: batch.values.slice(from, to) }, sliceTraces(batch.traces, from, to));
        expect(pairs(cut)).toEqual(pairs(batch).slice(from, to));
      }),
    );
  });
});

test('a segment without traces has the bytes that it always had, and none is paid for', () => {
  const batch: Batch = { values: [{ a: 1 }], times: [5], keys: ['k'], ingestMs: 2 };
  const bytes = encodeEvents([batch]);
  expect(Buffer.from(bytes).toString('hex')).toBe(
    '01000000000000004001000000010000000000000014400000000000000000f03f040000006b09010000000000000000000000f03f04000000610300000000000000f03f',
  );
  expect(decodeEvents(bytes).traces).toBeUndefined();
});

test('marks that lead nowhere are no segment', () => {
  const context = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const bytes = Buffer.from(encodeEvents([{ values: [1], times: [5], keys: null, ingestMs: 2, traces: [{ at: 0, context }] }]));
  bytes.writeUInt32LE(1, bytes.length - 28);
  expect(() => decodeEvents(bytes)).toThrow(SegmentBroken);
  for (let length = 0; length < bytes.length; length++) expect(() => decodeEvents(bytes.subarray(0, length))).toThrow(SegmentBroken);
});
