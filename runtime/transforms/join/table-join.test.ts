import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JoinSpec } from '../../../crds/stream-job/joins.ts';
import { DELETED_KEY_MS } from '../../base/limits.ts';
import type { Value } from '../../event/batch.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTableJoin } from './table-join.ts';

type Type = JoinSpec['type'];
type Options = { type?: Type; emit?: 'rows' | 'changes'; ids?: boolean; select?: JoinSpec['select'] };

/** Rows with n = 0 are deletions. With ids, those of one key are told apart by the tens of n. */
function join({ type = 'inner', emit = 'changes', ids = false, select }: Options = {}): StepHarness {
  const side = { deleted: ids ? 'event.n % 10.0 == 0' : 'event.n == 0', ...(ids ? { id: '(event.n - event.n % 10.0) / 10.0' } : {}) };
  const spec = { with: 'other', type, select };
  return new StepHarness({ make: () => makeTableJoin({ kind: 'tableJoin', spec, table: { left: side, right: side, emit } }) });
}

type Row = { id: string; n: number } | null;
/** What holds as `a:1+2@5` (left, right, time), what no longer does as `-a:1+2@5`. */
function show(value: Value, timeMs: number): string {
  const { left, right, change } = value as { left: Row; right: Row; change: string };
  return `${change === 'retract' ? '-' : ''}${(left ?? right)!.id}:${left?.n ?? ''}+${right?.n ?? ''}@${timeMs}`;
}

describe('a table-table join', () => {
  test.each<{ fact: string; events: string; emits: string } & Options>([
    { fact: 'inner: a row when both sides have one', events: 'a1=1 >b2=2 >a3=3', emits: 'a:1+3@3' },
    {
      fact: 'a change of the left side gives the new row, and the old one before',
      events: 'a1=1 >a3=3 a5=5',
      emits: 'a:1+3@3 -a:1+3@5 a:5+3@5',
    },
    { fact: 'so does one of the right side', events: 'a1=1 >a3=3 >a5=5', emits: 'a:1+3@3 -a:1+3@5 a:1+5@5' },
    { fact: 'only what is new, where nobody asks for more', emit: 'rows', events: 'a1=1 >a3=3 >a5=5', emits: 'a:1+3@3 a:1+5@5' },
    { fact: 'a deletion takes the row away', events: 'a1=1 >a3=3 >a5=0', emits: 'a:1+3@3 -a:1+3@5' },
    {
      fact: 'left: without a match the right side is null',
      type: 'left',
      events: 'a1=1 >a3=3 >a5=0',
      emits: 'a:1+@1 -a:1+@3 a:1+3@3 -a:1+3@5 a:1+@5',
    },
    { fact: 'right: the other way round', type: 'right', events: 'a1=1 >a3=3 a5=0', emits: 'a:1+3@3 -a:1+3@5 a:+3@5' },
    { fact: 'full: both', type: 'full', events: 'a1=1 a2=0 >a3=3', emits: 'a:1+@1 -a:1+@2 a:+3@3' },
    { fact: 'an older change that comes later changes nothing', events: 'a5=5 >a6=6 a3=3', emits: 'a:5+6@6' },
    { fact: 'nor does it bring a deleted row back', events: 'a5=0 >a6=6 a3=3', emits: '' },
    { fact: 'of two of one time the later one counts', events: 'a5=5 >a6=6 a5=7', emits: 'a:5+6@6 -a:5+6@6 a:7+6@6' },
    { fact: 'rows survive a restart', type: 'full', events: 'a1=1 R >a3=3 R a5=5', emits: 'a:1+@1 -a:1+@3 a:1+3@3 -a:1+3@5 a:5+3@5' },
    { fact: 'with ids every row of a key is joined', ids: true, events: 'a1=11 a2=21 >a3=31', emits: 'a:11+31@3 a:21+31@3' },
    {
      fact: 'with ids one row goes, the others stay',
      ids: true,
      type: 'right',
      events: 'a1=11 a2=21 >a3=31 a4=10 a5=20',
      emits: 'a:11+31@3 a:21+31@3 -a:11+31@4 -a:21+31@5 a:+31@5',
    },
  ])('$fact', ({ events, emits, ...options }) => expect(join(options).play(events).drawn(show)).toBe(emits));
});

test('older changes are counted as filtered, all others as taken in', () => {
  const harness = join().play('a5=5 a3=3 a4=4');
  expect(harness.filtered).toBe(2);
});

test('a deleted row is forgotten after a day, one that came back is not', () => {
  const harness = join().play('a5=5 a6=0 b5=0 b7=7');
  harness.advance(6 + DELETED_KEY_MS);
  expect(harness.state.cells('node').size()).toBe(1);
  harness.restart();
  harness.play('>b9=9');
  expect(harness.drawn(show)).toBe(`W${6 + DELETED_KEY_MS} b:7+9@9`);
});

test('a row of which select fails is one dead letter, which cannot be put in again; that it no longer holds is none', () => {
  const harness = join({ select: '12 / int(left.n - 1.0)' }).play('a1=1 >a3=3 a5=5');
  expect(harness.deadLetters).toMatchObject([{ code: 'MR3002', event: { left: { n: 1 }, right: { n: 3 } }, input: null }]);
  expect(harness.emissions).toMatchObject([{ value: 3 }]);
});

test('an id that is no key is a dead letter', () => {
  const side = { id: 'event.missing' };
  const table = { left: side, right: {}, emit: 'rows' } as const;
  const harness = new StepHarness({ make: () => makeTableJoin({ kind: 'tableJoin', spec: { with: 'other', type: 'inner' }, table }) });
  expect(harness.play('a1').deadLetters).toMatchObject([{ code: 'MR3002', event: { id: 'a' } }]);
});

// ---- against SQL's join of the newest rows

type Play = { side: 0 | 1; id: string; t: number; n: number } | 'restart';

/** The join of all rows that are known, computed anew. */
function slowJoin(type: Type, ids: boolean, plays: readonly Play[]): string[] {
  const idOf = (n: number): number => (ids ? Math.floor(n / 10) : 0);
  const newest = new Map<string, Exclude<Play, 'restart'>>();
  for (const play of plays) {
    if (play === 'restart') continue;
    const name = `${play.side} ${play.id} ${idOf(play.n)}`;
    if ((newest.get(name)?.t ?? -Infinity) <= play.t) newest.set(name, play);
  }
  const live = [...newest.values()].filter(({ n }) => (ids ? n % 10 !== 0 : n !== 0));
  const [left, right] = [0, 1].map((side) => live.filter((row) => row.side === side)) as [typeof live, typeof live];
  const rows = left.flatMap((one) => right.filter(({ id }) => id === one.id).map((other) => `${one.id}:${one.n}+${other.n}`));
  if (type === 'left' || type === 'full') for (const { id, n } of left) if (!right.some((row) => row.id === id)) rows.push(`${id}:${n}+`);
  if (type === 'right' || type === 'full') for (const { id, n } of right) if (!left.some((row) => row.id === id)) rows.push(`${id}:+${n}`);
  return rows.sort();
}

test('G4 after every change of either side the changes add up to the SQL join of the newest rows, and so do the newest of each result', () => {
  const play: fc.Arbitrary<Play> = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        side: fc.constantFrom<(0 | 1)[]>(0, 1),
        id: fc.constantFrom('a', 'b'),
        t: fc.integer({ min: 0, max: 40 }),
        n: fc.oneof(fc.constantFrom(0, 10, 20), fc.integer({ min: 0, max: 29 })), // every second is a deletion, about
      }),
    },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  );
  fc.assert(
    fc.property(
      fc.constantFrom<Type[]>('inner', 'left', 'right', 'full'),
      fc.boolean(),
      fc.array(play, { maxLength: 40 }),
      (type, ids, plays) => {
        const harness = join({ type, ids });
        const holds = new Map<string, number>();
        const newest = new Map<string, { readonly timeMs: number; readonly row: string | null }>();
        plays.forEach((one, i) => {
          if (one === 'restart') return harness.restart();
          harness.push([{ id: one.id, timeMs: one.t, n: one.n }], one.side);
          for (const emission of harness.emissions) {
            if (emission.kind !== 'event') continue;
            const [row = ''] = show(emission.value, 0).replace(/^-/, '').split('@');
            const count = (holds.get(row) ?? 0) + ((emission.value as { change: string }).change === 'insert' ? 1 : -1);
            if (count < 0) throw new Error(`${row} is taken back before it was given`);
            if (count === 0) holds.delete(row);
            else holds.set(row, count);
            const isGone = (emission.value as { change: string }).change === 'retract';
            const identity = row.replace(/\d+/g, (n) => String(ids ? Math.floor(Number(n) / 10) : ''));
            if ((newest.get(identity)?.timeMs ?? -Infinity) <= emission.timeMs)
              newest.set(identity, { timeMs: emission.timeMs, row: isGone ? null : row });
          }
          harness.emissions.length = 0;
          const joined = slowJoin(type, ids, plays.slice(0, i + 1));
          expect([...holds].flatMap(([row, count]) => Array.from({ length: count }, () => row)).sort()).toEqual(joined);
          expect([...newest.values()].flatMap(({ row }) => row ?? []).sort()).toEqual(joined); // T3
        });
      },
    ),
    {
      numRuns: 300,
      examples: [
        [
          'left',
          false,
          [
            { side: 0, id: 'a', t: 10, n: 1 },
            { side: 1, id: 'a', t: 20, n: 2 },
            { side: 1, id: 'a', t: 30, n: 0 },
            { side: 0, id: 'a', t: 15, n: 0 },
          ],
        ],
      ],
    },
  );
});
