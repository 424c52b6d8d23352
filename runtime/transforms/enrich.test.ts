import { describe, expect, test } from 'vitest';
import type { EnrichSpec } from '../../crds/stream-job/joins.ts';
import { encodeKey } from '../event/key.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeTable } from './enrich-table.ts';
import { makeEnrich } from './enrich.ts';

const planes = makeTable(
  [
    { tail: 'a', model: 'A1' },
    { tail: 'b', model: 'B1' },
    { tail: 'b', model: 'B2' },
  ],
  { key: 'row.tail', at: null, validForMs: null, version: '' },
).table;
const weather = makeTable(
  [
    { at: 10, rain: 1 },
    { at: 20, rain: 2 },
  ],
  { key: "'jfk'", at: 'row.at', validForMs: 5, version: '' },
).table;

describe('a look-up', () => {
  const plane: EnrichSpec = { table: 'planes', key: 'event.id', as: 'plane' };
  const rain: EnrichSpec = { table: 'weather', key: "'jfk'", as: 'rain' };
  test.each([
    { fact: 'puts the row into the event', lookups: [plane], events: 'a1', gives: [{ id: 'a', n: 1, plane: { tail: 'a', model: 'A1' } }] },
    { fact: 'puts null where there is no row', lookups: [plane], events: 'q1', gives: [{ id: 'q', n: 1, plane: null }] },
    {
      fact: 'puts null where the key is null',
      lookups: [{ ...plane, key: 'null' }],
      events: 'a1',
      gives: [{ id: 'a', n: 1, plane: null }],
    },
    {
      fact: 'passes events by for which `when` does not hold',
      lookups: [{ ...plane, when: 'event.n > 1' }],
      events: 'a1',
      gives: [{ id: 'a', n: 1 }],
    },
    {
      fact: 'of a temporal table asks for the event time',
      lookups: [rain],
      events: 'a21',
      gives: [{ id: 'a', n: 21, rain: { at: 20, rain: 2 } }],
    },
    {
      fact: 'or for a time of its own',
      lookups: [{ ...rain, at: 'event.n - 10' }],
      events: 'a21',
      gives: [{ id: 'a', n: 21, rain: { at: 10, rain: 1 } }],
    },
    { fact: 'finds nothing at no time', lookups: [{ ...rain, at: 'null' }], events: 'a21', gives: [{ id: 'a', n: 21, rain: null }] },
    {
      fact: 'sees what the one before it found',
      lookups: [plane, { table: 'planes', key: "event.plane == null ? null : 'b'", as: 'next' }],
      events: 'a1',
      gives: [{ id: 'a', n: 1, plane: { tail: 'a', model: 'A1' }, next: { tail: 'b', model: 'B2' } }],
    },
  ])('$fact', ({ lookups, events, gives }) => {
    const played = play(lookups, events, ({ id, n }) => ({ id, n }));
    expect(played.deadLetters).toEqual([]);
    expect(played.emissions.map((each) => each.kind === 'event' && each.value)).toEqual(gives);
  });

  test('refuses an event that is no object', () => {
    expect(play([plane], 'a7', ({ n }) => n).deadLetters.map(({ message }) => message)).toEqual([
      'MR3002 TransformFailed: node: a row can be put into an object only, the event is 7',
    ]);
  });

  function play(lookups: readonly EnrichSpec[], events: string, value: (drawn: { id: string; n: number }) => unknown): StepHarness {
    return new StepHarness({ make: () => makeEnrich({ kind: 'enrich', lookups }), tables: { planes, weather }, value }).play(events);
  }
});

describe('a table', () => {
  test('has the last row of a key', () => expect(planes.lookup('b', 0)).toEqual({ tail: 'b', model: 'B2' }));

  test.each([
    { fact: 'before the first version there is none', atMs: 9, rain: null },
    { fact: 'a version holds from its own time on', atMs: 10, rain: 1 },
    { fact: 'and up to, not at, the end of its validity', atMs: 14, rain: 1 },
    { fact: 'after that there is none, not an older one', atMs: 15, rain: null },
    { fact: 'the next one takes over', atMs: 20, rain: 2 },
    { fact: 'no time finds nothing', atMs: NaN, rain: null },
  ])('with times: $fact', ({ atMs, rain }) => expect((weather.lookup('jfk', atMs) as { rain: number } | null)?.rain ?? null).toBe(rain));

  test('C6 with times and no validity keeps a version until the next, whatever the order of rows; of equal times the later row', () => {
    const rows = [
      { at: 20, v: 'c' },
      { at: 10, v: 'a' },
      { at: 10, v: 'b' },
    ];
    const { table } = makeTable(rows, { key: '1', at: 'row.at', validForMs: null, version: 'sha' });
    const seen = [9, 10, 19, 20, 9e15].map((atMs) => (table.lookup(encodeKey(1), atMs) as { v: string } | null)?.v ?? '-');
    expect(seen.join('')).toBe('-bbcc');
    expect(table).toMatchObject({ rowCount: 3, version: 'sha' });
  });

  test('leaves rows out whose key or time fails, and says which', () => {
    const rows = [
      { k: 'a', at: 1 },
      { k: null, at: 1 },
      { k: 'a', at: 'noon' },
    ];
    const { table, issues } = makeTable(rows, { key: 'row.k', at: 'row.at', validForMs: null, version: '' });
    expect(issues).toEqual([
      { row: 1, message: 'the key of the row is null' },
      { row: 2, message: 'the time of the row is "noon", not a timestamp or ms' },
    ]);
    expect(table.rowCount).toBe(1);
  });
});
