// validate, compress, decompress: what is in an event is as declared, and fields are packed and unpacked.

import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compressSchema, decompressSchema, validateSchema } from '../../crds/stream-job/contents.ts';
import type { Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeTransform } from './make-transform.ts';

/** The only stage of a job behind a source of events with a field id. */
function planned(stage: object): OpPlan {
  const node = planOfSpec({
    sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.t' } }],
    stages: [{ name: 'v', from: 's', ...stage }],
    sinks: [{ name: 'out', from: 'v', file: { path: 'out.ndjson' } }],
  })
    .stages.flatMap(({ nodes }) => nodes)
    .find(({ id }) => id === 'v');
  return node!.op;
}

type Played = {
  readonly main: readonly Value[];
  readonly invalid: readonly Value[];
  readonly dead: readonly string[];
  readonly harness: StepHarness;
};

function play(op: OpPlan, ...values: readonly Value[]): Played {
  const harness = new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }), outputs: ['invalid'] });
  harness.pushBatch({ values, times: values.map((_, i) => i), keys: null, ingestMs: 0 });
  const of = (output: string | null): Value[] =>
    harness.emissions.flatMap((each) => (each.kind === 'event' && each.output === output ? [each.value] : []));
  const dead = harness.deadLetters.map(({ message }) => message.replace('MR3002 TransformFailed: node: ', ''));
  return { main: of(null), invalid: of('invalid'), dead, harness };
}

const validating = (spec: object, invalid: 'output' | 'deadLetter' = 'output'): OpPlan => ({
  kind: 'validate',
  spec: validateSchema.parse(spec),
  invalid,
});
const packing = (spec: object): OpPlan => ({ kind: 'compress', spec: compressSchema.parse(spec) });
const unpacking = (spec: object): OpPlan => ({ kind: 'decompress', spec: decompressSchema.parse(spec) });

describe('schema validation', () => {
  const schema = { id: 'string', n: 'int' };

  test('what is as declared goes on as it came, and nothing is made of it', () => {
    const event = { id: 'a', n: 1, other: [] };
    const { main, dead } = play(validating({ schema }), event);
    expect(main[0]).toBe(event);
    expect(dead).toEqual([]);
  });

  test('all that is wrong with an event is told at once; the rules only of one whose fields are right', () => {
    const rules = [{ holds: 'event.n > 0', message: 'n must be positive' }, { holds: 'event.id.startsWith("x")' }];
    const { main, invalid } = play(validating({ schema, rules }), { id: 7, n: 'two' }, { id: 'a', n: 0 }, { id: 'x', n: 1 });
    expect(main).toEqual([{ id: 'x', n: 1 }]);
    expect(invalid).toEqual([
      { event: { id: 7, n: 'two' }, problems: ['id: found 7, expected a text', 'n: found "two", expected a whole number'] },
      { event: { id: 'a', n: 0 }, problems: ['n must be positive', 'does not hold: event.id.startsWith("x")'] },
    ]);
  });

  test('nothing reads the output: a dead letter with each problem, and no event is without an end', () => {
    const { dead, harness } = play(validating({ schema }, 'deadLetter'), { n: 1.5 }, { id: 'a', n: 1 });
    expect(dead).toEqual(['2 problems: id: found nothing, expected a text; n: found 1.5, expected a whole number']);
    expect(harness.deadLetters[0]).toMatchObject({
      issues: ['id: found nothing, expected a text', 'n: found 1.5, expected a whole number'],
      event: { n: 1.5 },
    });
    expect(harness.filtered).toBe(0);
  });

  test.each([
    { others: 'keep', gives: [{ id: 'a', n: 1, more: 2 }], problems: [] },
    { others: 'remove', gives: [{ id: 'a', n: 1 }], problems: [] },
    { others: 'refuse', gives: [], problems: ['not declared: more'] },
  ])('fields that are not declared, $others', ({ others, gives, problems }) => {
    const { main, invalid } = play(validating({ schema, others }), { id: 'a', n: 1, more: 2 });
    expect(main).toEqual(gives);
    expect(invalid.flatMap((each) => (each as { problems: string[] }).problems)).toEqual(problems);
  });

  test('names such as __proto__ are fields like others, and nothing is inherited', () => {
    const event = JSON.parse('{"__proto__":{"n":1},"id":"a"}') as Value;
    const { invalid } = play(validating({ schema: { id: 'string', n: 'int', toString: 'string' } }), event);
    expect(invalid).toEqual([
      { event, problems: ['n: found nothing, expected a whole number', 'toString: found nothing, expected a text'] },
    ]);
    const kept = play(validating({ schema: { id: 'int' }, coerce: true }), JSON.parse('{"__proto__":{"n":1},"id":"5"}') as Value).main[0];
    expect(JSON.stringify(kept)).toBe('{"__proto__":{"n":1},"id":5}');
  });

  test('what is no object has no fields', () => {
    const { invalid } = play(validating({ schema }), 'text', [1], null);
    expect(invalid.map((each) => (each as { problems: string[] }).problems)).toEqual([
      ['the event is "text", expected an object'],
      ['the event is [1], expected an object'],
      ['the event is null, expected an object'],
    ]);
  });

  test('a rule that cannot be asked of an event does not hold, and says why', () => {
    const { invalid } = play(validating({ rules: [{ holds: 'event.n > 0' }] }), { n: 'text' });
    expect((invalid[0] as { problems: string[] }).problems[0]).toMatch(/^does not hold: event\.n > 0 \(.+\)$/);
  });
});

describe('schema coercion', () => {
  const coerced = (type: string | object, value: Value): Value | undefined => {
    const { main } = play(validating({ schema: { x: type }, coerce: true }), { x: value });
    return main.length === 0 ? 'refused' : (main[0] as { x: Value }).x;
  };

  test.each([
    { type: 'int', value: '12', gives: 12 },
    { type: 'int', value: '9007199254740993', gives: 9007199254740993n },
    { type: 'int', value: 12, gives: 12 },
    { type: 'int', value: '1.5', gives: 'refused' },
    { type: 'int', value: '', gives: 'refused' },
    { type: 'int', value: true, gives: 'refused' },
    { type: 'double', value: '-1.5e3', gives: -1500 },
    { type: 'double', value: 'NaN', gives: 'refused' },
    { type: 'bool', value: 'true', gives: true },
    { type: 'bool', value: 1, gives: 'refused' },
    { type: 'string', value: 12, gives: '12' },
    { type: 'string', value: 9007199254740993n, gives: '9007199254740993' },
    { type: 'string', value: false, gives: 'false' },
    { type: 'string', value: NaN, gives: 'refused' },
    { type: 'string', value: { a: 1 }, gives: 'refused' },
    { type: 'timestamp', value: '2013-01-01T10:00:00Z', gives: 1357034400000 },
    { type: 'timestamp', value: '1357034400000', gives: 1357034400000 },
    { type: { type: 'int', nullable: true }, value: '', gives: null },
    { type: { type: 'string', nullable: true }, value: '', gives: '' },
  ])('$value as $type gives $gives', ({ type, value, gives }) => expect(coerced(type, value)).toEqual(gives));

  test('the event that came is left as it was', () => {
    const event = Object.freeze({ x: '12', y: 1 });
    expect(play(validating({ schema: { x: 'int' }, coerce: true }), event).main).toEqual([{ x: 12, y: 1 }]);
    expect(event).toEqual({ x: '12', y: 1 });
  });

  test('without it a text is no number', () => {
    expect(play(validating({ schema: { x: 'int' } }), { x: '12' }).main).toEqual([]);
  });
});

describe('B2 compress and decompress', () => {
  test.each(['gzip', 'deflate', 'brotli', 'zstd'])('%s: what is unpacked is what was packed', (codec) => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom('base64', 'bytes'), (text, to) => {
        const packed = play(packing({ field: 'x', codec, to }), { id: 1, x: text }).main[0] as { x: Value };
        expect(typeof packed.x).toBe(to === 'base64' ? 'string' : 'object');
        expect(play(unpacking({ field: 'x', codec }), packed).main).toEqual([{ id: 1, x: text }]);
      }),
      { numRuns: 50 },
    );
  });

  test('bytes stay bytes, and what is neither goes as JSON, large integers too', () => {
    const bytes = new Uint8Array([0, 255, 128]);
    const [packed] = play(packing({ field: 'x' }), { x: bytes }).main;
    expect(play(unpacking({ field: 'x', to: 'bytes' }), packed).main).toEqual([{ x: bytes }]);
    const value = { n: 9007199254740993n, list: [1, null] };
    const [json] = play(packing({ field: 'x' }), { x: value }).main;
    expect(play(unpacking({ field: 'x', to: 'json' }), json).main).toEqual([{ x: value }]);
  });

  test('what another program packed is unpacked', () => {
    const packed = [gzipSync('é'), zstdCompressSync('é'), brotliCompressSync('é')].map((bytes) => ({ x: bytes.toString('base64') }));
    const read = ['gzip', 'zstd', 'brotli'].map((codec, i) => play(unpacking({ field: 'x', codec }), packed[i]).main[0]);
    expect(read).toEqual([{ x: 'é' }, { x: 'é' }, { x: 'é' }]);
  });

  test('a bomb is refused before it takes memory', () => {
    const bomb = { x: gzipSync(Buffer.alloc(8 * 1024 * 1024)).toString('base64') };
    expect(play(unpacking({ field: 'x' }), bomb).dead).toEqual(['it holds more than 1048576 bytes (bytesMax)']);
    expect(play(unpacking({ field: 'x', bytesMax: 8 * 1024 * 1024 }), bomb).dead).toEqual([]);
    const zstd = { x: zstdCompressSync(Buffer.alloc(8 * 1024 * 1024)).toString('base64') };
    expect(play(unpacking({ field: 'x', codec: 'zstd' }), zstd).dead).toEqual(['it holds more than 1048576 bytes (bytesMax)']);
  });

  test.each([
    { fact: 'no such field', op: unpacking({ field: 'x' }), event: { y: 1 }, dead: 'the event has no field x: {"y":1}' },
    {
      fact: 'no base64',
      op: unpacking({ field: 'x' }),
      event: { x: 'no base64!' },
      dead: 'x is "no base64!", where bytes or a text of base64 are needed',
    },
    { fact: 'another codec', op: unpacking({ field: 'x' }), event: { x: 'AAAA' }, dead: 'it is no gzip: incorrect header check' },
    {
      fact: 'no UTF-8',
      op: unpacking({ field: 'x' }),
      event: { x: gzipSync(new Uint8Array([255])).toString('base64') },
      dead: expect.stringMatching(/^what was unpacked of x is no UTF-8: .*; take to: bytes$/) as string,
    },
    {
      fact: 'no JSON',
      op: unpacking({ field: 'x', to: 'json' }),
      event: { x: gzipSync('{').toString('base64') },
      dead: expect.stringMatching(/^what was unpacked of x is no JSON: /) as string,
    },
    {
      fact: 'half of a pair of surrogates',
      op: packing({ field: 'x' }),
      event: { x: '\ud800' },
      dead: 'the text has a surrogate without its pair, which UTF-8 cannot write',
    },
  ])('$fact is a dead letter that says so', ({ op, event, dead }) => expect(play(op, event).dead).toEqual([dead]));
});

test('fold and unfold batches: lists by number or time, of which the same events come again in their order', () => {
  const folded = new StepHarness({
    make: () =>
      makeTransform({
        id: 'node',
        inputs: [],
        op: planned({ keyBy: 'event.id', window: { count: { size: 3, orAfter: '10ms' } }, aggregate: { events: { collect: 'event' } } }),
      }),
  }).play('a1 a2 a3 b4 R a5 W20');
  const lists = folded.emissions.flatMap((each) => (each.kind === 'event' ? [each.value as { readonly events: readonly Value[] }] : []));
  const events = lists.map((list) => list.events.map((event) => `${(event as { id: string }).id}${(event as { t: number }).t}`));
  expect(new Set(events)).toEqual(new Set([['a1', 'a2', 'a3'], ['a5'], ['b4']]));
  const unfolded = play(planned({ flatMap: 'event.events' }), ...lists);
  expect(unfolded.main).toEqual(lists.flatMap(({ events: held }) => held));
});
