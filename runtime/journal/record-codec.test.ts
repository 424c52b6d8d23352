import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerToList } from './record-header.ts';
import { makeCommit, makeHeader } from '../testing/sample-records.ts';
import { decodeHeader, decodeRecord, encodeRecord, recordHash, segmentBytes } from './record-codec.ts';

const full = makeHeader({
  stage: 'hourly',
  partition: 7,
  epoch: 3,
  owner: 'w-1',
  number: 42,
  more: true,
  previousHash: 'ab'.repeat(16),
  inputs: [
    { edge: 0, sequence: 9_007_199_254_740_991, watermarks: [null, -Infinity, Infinity, 1_700_000_000_000.0] },
    { edge: 2, sequence: 0, watermarks: [] },
  ],
  source: { offset: 2 ** 40, name: 'flights', done: false, none: null },
  sink: { before: { length: 10 }, after: { length: 20.5 }, appliedNumber: 41 },
  watermarks: [null, Infinity, -5],
  nodeWatermarks: { map: [-Infinity, Infinity], 'a b': [1, 2] },
  done: true,
  ingestMs: 1_700_000_000_000.5,
  counters: {
    eventsIn: 2 ** 45,
    made: 0,
    absorbed: 0,
    held: 0,
    eventsOut: 1,
    filtered: 2,
    late: 3,
    deadLetters: 4,
    recoveries: 5,
    edgesIn: [6, 7],
    edgesOut: [],
  },
  checkpoint: { name: 'hourly.7.40', sha256: 'cd'.repeat(32), number: 40, sequence: 12, bytes: 99 },
  tables: { planes: 'ef'.repeat(32) },
});
const segments = [
  { kind: 'events' as const, edge: 1, partition: 15, count: 3, bytes: new Uint8Array([1, 2, 3]) },
  { kind: 'delta' as const, edge: -1, partition: -1, count: 0, bytes: new Uint8Array(0) },
  { kind: 'image' as const, edge: -1, partition: -1, count: 0, bytes: new Uint8Array([4]) },
  { kind: 'payload' as const, edge: -1, partition: -1, count: 9, bytes: new Uint8Array([5, 6]) },
];

describe('a record', () => {
  test('of a step that ended inside of a record says where, and all others have the form that older releases read', () => {
    const inside = {
      ...full,
      inputs: [{ edge: 0, sequence: 7, watermarks: [null, 5], idle: [1], part: { sequence: 9, events: 1_234 } }, ...full.inputs],
    };
    expect(decodeHeader(encodeRecord(inside, segments).bytes).inputs).toEqual(inside.inputs);
    expect([inside, full].map((header) => headerToList({ ...header, bodyHash: '', segments: [] })[0])).toEqual([5, 4]);
  });

  test('comes back field for field, segment for segment', () => {
    const { bytes, hash } = encodeRecord(full, segments);
    const record = decodeRecord(bytes);
    const { bodyHash, segments: infos, ...header } = record.header;
    expect(header).toEqual(full);
    expect(bodyHash).toMatch(/^[0-9a-f]{32}$/);
    expect(infos.map(({ kind, edge, partition, count }) => ({ kind, edge, partition, count }))).toEqual(
      segments.map(({ bytes: _bytes, ...rest }) => rest),
    );
    expect(infos.map((info) => [...segmentBytes(record, info)])).toEqual([[1, 2, 3], [], [4], [5, 6]]);
    expect(record.hash).toBe(hash);
    expect(recordHash(bytes)).toBe(hash);
    expect(decodeHeader(bytes)).toEqual(record.header);
  });

  test('says where the clock of its task was, and an older release passes that over', () => {
    const told = [undefined, { ms: 1_700_000_000_000 }, { ms: 5, storedMs: 7 }];
    const headers = told.map((clock) => ({ ...full, clock }));
    expect(headers.map((header) => decodeHeader(encodeRecord(header, segments).bytes).clock)).toEqual(told);
    const lists = headers.map((header) => headerToList({ ...header, bodyHash: '', segments: [] }));
    const counts = 16; // place of the counts, which it reads up to those that it knows
    expect(lists.map((list) => list.toSpliced(counts, 1))).toEqual(lists.map(() => lists[0]?.toSpliced(counts, 1)));
    expect(lists.map((list) => (list[counts] as unknown[]).slice(0, 11))).toEqual(lists.map(() => lists[0]?.[counts]));
  });

  test('is read where it lies in a larger buffer', () => {
    const { bytes } = encodeRecord(full, segments);
    const larger = Buffer.concat([Buffer.from('xxx'), bytes, Buffer.from('yyy')]);
    expect(decodeRecord(larger.subarray(3, 3 + bytes.length)).header.number).toBe(42);
  });

  test('has a hash that depends on every byte of header and body', () => {
    const hashes = [
      makeCommit({ body: Buffer.from('a') }),
      makeCommit({ body: Buffer.from('b') }),
      makeCommit({ body: Buffer.from('a'), epoch: 2 }),
      makeCommit({ body: Buffer.from('a'), previousHash: 'x' }),
    ].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('costs few bytes beside its body', () => {
    const { bytes } = makeCommit({ body: new Uint8Array(0), stage: 'hourly', owner: 'worker-1' });
    expect(bytes.length).toBeLessThan(160);
  });
});

describe('damage is told (MR2105), never read over', () => {
  const { bytes } = encodeRecord(full, segments);

  test('any flipped bit', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        expect(() => decodeRecord(damaged, 'hourly.7')).toThrow(/MR2105.*hourly\.7/);
      }),
      { numRuns: 2_000 },
    );
  });

  test('any cut', () => {
    for (let length = 0; length < bytes.length; length++) expect(() => decodeRecord(bytes.subarray(0, length))).toThrow(/MR2105/);
  });

  test('bytes behind the body', () => {
    expect(() => decodeRecord(Buffer.concat([bytes, Buffer.from('x')]))).toThrow(/MR2105/);
  });

  test('a message that is no record', () => {
    expect(() => decodeHeader(Buffer.from('{"some":"json"}'))).toThrow(/15 bytes is no commit record/);
  });
});
