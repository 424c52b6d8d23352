import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AggregateSpec } from '../../../crds/stream-job/aggregates.ts';
import { DELETED_KEY_MS } from '../../base/limits.ts';
import type { Value } from '../../event/batch.ts';
import { encodeKey } from '../../event/key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeTransform } from '../make-transform.ts';
import { compileAggregates } from './aggregates.ts';

type Change = { readonly key: string; readonly id: number; readonly n: number | null; readonly timeMs: number };
type Aggregates = Readonly<Record<string, AggregateSpec>>;

const TOP: Aggregates = { best: { top: { limit: 2, by: 'event.n', value: 'event.n', ties: false } }, rows: { count: {} } };
const rows = { id: 'event.id', deleted: 'event.n == null' };

function table(aggregates: Aggregates, ttlMs?: number): StepHarness {
  const state = ttlMs === undefined ? {} : { state: { ttlMs, emits: true } };
  return new StepHarness({
    make: () => makeTransform({ id: 'node', inputs: [], op: { kind: 'aggregate', aggregates, keyNames: ['key'], rows, ...state } }),
    outputs: ['expired'],
  });
}

function push(harness: StepHarness, changes: readonly Change[]): void {
  const keys = changes.map(({ key }) => encodeKey(key));
  harness.pushBatch({ values: changes.map((change) => ({ ...change })), times: changes.map(({ timeMs }) => timeMs), keys, ingestMs: 0 });
}

/** `a1=5@3`: row 1 of a gets 5 at 3; `a1-@3`: it is deleted. A batch each. */
function play(harness: StepHarness, drawing: string): StepHarness {
  for (const token of drawing.split(' ')) {
    const [, key, id, n, time] = /^([a-z])(\d+)(?:=(-?\d+)|-)@(\d+)$/.exec(token) ?? [];
    if (token === 'R') harness.restart();
    else if (token.startsWith('W')) harness.advance(Number(token.slice(1)));
    else push(harness, [{ key: key!, id: Number(id), n: n === undefined ? null : Number(n), timeMs: Number(time) }]);
  }
  return harness;
}

const show = (value: Value, timeMs: number): string => {
  const { key, best, rows: count } = value as { key: string; best: readonly number[]; rows: number };
  return `${key}:${best.join(',')}/${count}@${timeMs}`;
};

describe('top-K with retraction of a former member: top 2 of a table', () => {
  test.each([
    { fact: 'when a row leaves the top because it fell, the next one moves up', changes: 'a1=9@1 a2=8@2 a3=7@3 a1=1@4', last: 'a:8,7/3@4' },
    { fact: 'when it is deleted, too', changes: 'a1=9@1 a2=8@2 a3=7@3 a1-@4', last: 'a:8,7/2@4' },
    { fact: 'after a restart, too', changes: 'a1=9@1 a2=8@2 a3=7@3 R a1-@4', last: 'a:8,7/2@4' },
    { fact: 'a row that rises comes in once', changes: 'a1=9@1 a2=8@2 a1=10@3', last: 'a:10,8/2@3' },
    { fact: 'what falls below the top leaves the top as it is', changes: 'a1=9@1 a2=8@2 a3=7@3 a3=6@4', last: 'a:9,8/3@4' },
    { fact: 'keys are apart', changes: 'a1=9@1 b1=8@2 a1-@3', last: 'a:/0@3' },
    { fact: 'the last row that goes leaves a result of no rows', changes: 'a1=9@1 a1-@2', last: 'a:/0@2' },
    { fact: 'and the key begins anew', changes: 'a1=9@7 a1-@8 a2=3@5', last: 'a:3/1@5' },
    { fact: 'an older change that comes later changes nothing', changes: 'a1=9@5 a1=1@3', last: 'a:9/1@5' },
    { fact: 'nor does it bring a deleted row back', changes: 'a1=9@5 a2=8@5 a1-@6 a1=9@4', last: 'a:8/1@6' },
  ])('$fact', ({ changes, last }) => expect(play(table(TOP), changes).drawn(show).split(' ').at(-1)).toBe(last));
});

test('older changes are counted as filtered; that a row goes that was not there gives no result', () => {
  const harness = play(table(TOP), 'a1=9@5 a1=1@3 a7-@6');
  expect(harness.filtered).toBe(1);
  expect(harness.drawn(show)).toBe('a:9/1@5');
});

test('nothing stays of rows that were deleted a day ago, and of keys without rows', () => {
  const harness = play(table(TOP), `a1=9@5 a1-@6 b1-@6 W${6 + DELETED_KEY_MS}`);
  expect(harness.state.cells('node').size()).toBe(0);
});

test('state that expires goes with its rows', () => {
  const harness = play(table(TOP, 10), 'a1=9@1 a2=8@2 W12 a3=1@20');
  expect(harness.drawn(show)).toBe('a:9/1@1 a:9,8/2@2 expired:a:9,8/2@12 W12 a:1/1@20');
});

test('a value that cannot be added is a dead letter, and the row stays as it was', () => {
  const harness = table({ sum: { sum: 'event.n' } });
  push(harness, [{ key: 'a', id: 1, n: 5, timeMs: 1 }]);
  push(harness, [{ key: 'a', id: 1, n: 'x' as never, timeMs: 2 }]);
  push(harness, [{ key: 'a', id: 2, n: 2, timeMs: 3 }]);
  expect(harness.deadLetters).toHaveLength(1);
  expect(harness.emissions.at(-1)).toMatchObject({ value: { sum: 7 } });
});

const OF = 'event.n';
const ALL: Aggregates = {
  count: { count: {} },
  large: { count: {}, where: 'event.n > 0.0' },
  sum: { sum: OF },
  min: { min: OF },
  max: { max: OF },
  mean: { mean: OF },
  first: { first: OF },
  last: { last: OF },
  collect: { collect: OF },
  distinct: { distinct: OF },
  approxDistinct: { approxDistinct: OF },
  quantiles: { quantiles: { of: OF, at: [0, 0.5, 1] } },
  heavy: { heavyHitters: { of: OF, share: 0.2 } },
  top: { top: { limit: 2, by: OF, value: OF, ties: false } },
  ties: { top: { limit: 2, by: OF, value: OF, ties: true } },
};

/** Several batches of changes of 2 keys with 4 rows each, no two of one time; null: a restart. */
const histories = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b'),
      id: fc.integer({ min: 0, max: 3 }),
      n: fc.oneof(fc.constant(null), fc.integer({ min: -3, max: 3 }), fc.constantFrom(0.1, 0.2, 1e16, -1e16)),
    }),
    { maxLength: 40 },
  )
  .chain((changes) =>
    fc.record({
      changes: fc
        .shuffledSubarray(
          changes.map((_, i) => i),
          { minLength: changes.length },
        )
        .map((times) => changes.map((change, i): Change => ({ ...change, timeMs: times[i]! }))),
      cuts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1 }),
      restarts: fc.array(fc.boolean(), { minLength: 1 }),
    }),
  );

/** What SQL says of the newest rows. */
function model(changes: readonly Change[], key: string): Record<string, unknown> {
  const newest = new Map<number, Change>();
  for (const change of changes.filter((each) => each.key === key)) {
    const known = newest.get(change.id);
    if (known === undefined || known.timeMs <= change.timeMs) newest.set(change.id, change);
  }
  const aggregates = compileAggregates(ALL);
  const cell = aggregates.init();
  for (const change of newest.values()) if (change.n !== null) aggregates.add(cell, change, key, change.timeMs, 0);
  return { key, ...aggregates.result(cell) };
}

test('after each batch the newest result of a key is that of its newest rows, whatever came before', () => {
  fc.assert(
    fc.property(histories, ({ changes, cuts, restarts }) => {
      const harness = table(ALL);
      for (let [at, turn] = [0, 0]; at < changes.length; turn++) {
        const to = at + cuts[turn % cuts.length]!;
        push(harness, changes.slice(at, to));
        at = to;
        if (restarts[turn % restarts.length]!) harness.restart();
        for (const key of ['a', 'b']) {
          const told = harness.emissions.filter((each) => each.kind === 'event' && each.key === encodeKey(key)).at(-1);
          if (told?.kind === 'event') expect(told.value).toEqual(model(changes.slice(0, to), key));
          else expect(model(changes.slice(0, to), key)['count']).toBe(0);
        }
      }
    }),
    { numRuns: 300 },
  );
});
