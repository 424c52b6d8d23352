import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DELETED_KEY_MS } from '../base/limits.ts';
import { encodeKey } from '../event/key.ts';
import { LiveCells } from '../state/live-cells.ts';
import { applyRows, type VersionChange } from './side-tables.ts';
import { TableVersions, type VersionOptions } from './table-versions.ts';

const KEEP: VersionOptions = { keepForMs: 100, validForMs: null };

class Kept {
  cells = new LiveCells();
  readonly #options: VersionOptions;
  #table: TableVersions;
  #watermark = -Infinity;

  constructor(options = KEEP) {
    this.#options = options;
    this.#table = new TableVersions(this.cells, 't', options);
  }

  get size(): number {
    return this.#table.size;
  }

  /** A version of `id` from `atMs` on, told at `timeMs`; without a value: deleted. */
  put(id: string, atMs: number, timeMs: number, ...value: unknown[]): this {
    const change = ['t', atMs, ...value] as unknown as VersionChange;
    const versions = new Map([['t', this.#table]]);
    applyRows(this.cells, { values: [change], times: [timeMs], keys: [encodeKey(id)], ingestMs: 0 }, this.#watermark, versions);
    return this;
  }

  rise(watermark: number): this {
    this.#watermark = watermark;
    return this;
  }

  /** From the cells alone. */
  restart(): this {
    const image = this.cells.image();
    this.cells = new LiveCells();
    this.cells.applyChanges(image);
    this.#table = new TableVersions(this.cells, 't', this.#options);
    return this;
  }

  at(id: string, atMs: number): unknown {
    return this.#table.asOf(this.#watermark).lookup(encodeKey(id), atMs);
  }
}

describe('versions of a table that is a stream', () => {
  test('are found by their time, in whatever order they came', () => {
    const kept = new Kept().put('a', 20, 50, 'two').put('a', 10, 60, 'one').put('a', 30, 55, 'three').restart();
    expect([9, 10, 19, 20, 29, 30, 1e12].map((atMs) => kept.at('a', atMs))).toEqual([null, 'one', 'one', 'two', 'two', 'three', 'three']);
  });

  test('of one time are corrected by what has the later event time, or came last', () => {
    const kept = new Kept()
      .put('a', 10, 5, 'first')
      .put('a', 10, 7, 'newer')
      .put('a', 10, 6, 'older')
      .put('b', 10, 5, 1)
      .put('b', 10, 5, 2);
    expect([kept.at('a', 10), kept.at('b', 10), kept.size]).toEqual(['newer', 2, 2]);
  });

  test('may say that the key is gone from a time on', () => {
    const kept = new Kept().put('a', 10, 1, 'x').put('a', 20, 2).put('a', 30, 3, 'y').restart();
    expect([15, 25, 35].map((atMs) => kept.at('a', atMs))).toEqual(['x', null, 'y']);
  });

  test('are valid for validFor at most: after that there is none, not an older one', () => {
    const kept = new Kept({ keepForMs: 100, validForMs: 5 }).put('a', 10, 1, 'x').put('a', 12, 1, 'y');
    expect([11, 12, 16, 17].map((atMs) => kept.at('a', atMs))).toEqual(['x', 'y', 'y', null]);
  });

  test('that may still be looked up are kept, the others are forgotten when rows come, and a time before is refused', () => {
    const kept = new Kept().put('a', 10, 10, 'x').put('a', 20, 20, 'y').put('a', 30, 30, 'z').rise(125).put('b', 120, 120, 'b');
    expect([kept.size, kept.at('a', 25), kept.at('a', 29)]).toEqual([3, 'y', 'y']);
    expect(() => kept.at('a', 24)).toThrow(
      'the time to look up is 1970-01-01T00:00:00.024Z, and table "t" keeps versions for keepFor, 100ms before the watermark, which is 1970-01-01T00:00:00.125Z',
    );
  });

  test('a row that is over stays no longer than it can be looked up, the newest without validFor stays', () => {
    const over = new Kept({ keepForMs: 100, validForMs: 5 }).put('a', 10, 10, 'x').rise(114).put('b', 114, 114, 1);
    expect([over.size, over.rise(115).put('c', 115, 115, 1).size]).toEqual([2, 2]);
    expect(new Kept().put('a', 10, 10, 'x').rise(1e9).put('b', 1e9, 1e9, 1).size).toBe(2);
  });

  test('a deletion is remembered for a day, and does not let an older row come back until then', () => {
    const kept = new Kept()
      .put('a', 10, 10)
      .rise(DELETED_KEY_MS + 9)
      .put('b', 1, 1, 1)
      .restart();
    expect([kept.put('a', 5, 5, 'old').at('a', DELETED_KEY_MS), kept.size]).toEqual([null, 2]);
    expect(kept.rise(DELETED_KEY_MS + 10).put('b', 1, 2, 2).size).toBe(1);
  });

  test('keys may be any text, and tables do not see versions of each other', () => {
    const kept = new Kept().put('1:a:b', 10, 1, 'x').put('__proto__', 10, 1, 'p').put('', 10, 1, 'empty').restart();
    expect(['1:a:b', '__proto__', '', 'a'].map((id) => kept.at(id, 10))).toEqual(['x', 'p', 'empty', null]);
    expect(new TableVersions(kept.cells, 'u', KEEP).size).toBe(0);
  });
});

test('C6 a look-up finds what all versions that ever came say, whatever came when, was forgotten and restarted', () => {
  const change = fc.record({
    id: fc.constantFrom('a', 'b'),
    atMs: fc.nat(80),
    timeMs: fc.nat(80),
    isDeletion: fc.boolean(),
    rise: fc.nat(6),
    restart: fc.boolean(),
    ask: fc.nat(40),
  });
  const options = fc.record({ keepForMs: fc.nat(30), validForMs: fc.option(fc.integer({ min: 1, max: 20 })) });
  fc.assert(
    fc.property(options, fc.array(change, { maxLength: 60 }), (each, changes) => {
      const kept = new Kept(each);
      const all: { id: string; atMs: number; timeMs: number; place: number; row: number | null }[] = [];
      let watermark = 0;
      changes.forEach(({ id, atMs, timeMs, isDeletion, rise, restart, ask }, place) => {
        kept.rise((watermark += rise));
        kept.put(id, atMs, timeMs, ...(isDeletion ? [] : [place]));
        all.push({ id, atMs, timeMs, place, row: isDeletion ? null : place });
        if (restart) kept.restart();
        const askedMs = watermark - each.keepForMs + ask;
        const before = all.filter((one) => one.id === id && one.atMs <= askedMs);
        const last = before.sort((x, y) => x.atMs - y.atMs || x.timeMs - y.timeMs || x.place - y.place).at(-1);
        const isOver = last !== undefined && each.validForMs !== null && askedMs >= last.atMs + each.validForMs;
        expect(kept.at(id, askedMs)).toBe(last === undefined || isOver ? null : last.row);
      });
      const reachable = new Set(all.filter(({ atMs }) => atMs > watermark - each.keepForMs).map(({ id, atMs }) => `${id} ${atMs}`));
      expect(kept.size).toBeLessThanOrEqual(reachable.size + 2); // of each key the one before the horizon
    }),
    { numRuns: 500 },
  );
});
