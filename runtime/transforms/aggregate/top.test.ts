import { expect, test } from 'vitest';
import type { TopSpec } from '../../../crds/stream-job/aggregates.ts';
import { CELL_VALUES_MAX } from './accumulators.ts';
import { compileAggregates } from './aggregates.ts';
import type { Aggregates } from './aggregates.ts';

type Drawn = { readonly name: string; readonly rank: unknown; readonly t: number };

function top(options: Partial<TopSpec>): Aggregates {
  return compileAggregates({ top: { top: { limit: 2, by: 'event.rank', value: 'event.name', ties: false, ...options } } });
}

/** `a5 b3@7`: rank 5 at time 0, rank 3 at time 7; ranks of several parts are `5/1`, no rank is `-`. */
function draw(text: string): Drawn[] {
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map((one) => {
      const [, name = '', rank = '', t = '0'] = /^([a-z])([^@]*)@?(\d*)$/.exec(one) ?? [];
      const parts = rank.split('/').map(Number);
      return { name, rank: rank === '-' ? null : parts.length === 1 ? parts[0] : parts, t: Number(t) };
    });
}

function check(options: Partial<TopSpec>, events: string, gives: string): void {
  const aggregates = top(options);
  const cell = aggregates.init();
  for (const event of draw(events)) aggregates.add(cell, event, 'k', event.t, 0);
  expect((aggregates.result(cell)['top'] as string[]).join('')).toBe(gives);
}

test.each<{ fact: string; options?: Partial<TopSpec>; events: string; gives: string }>([
  { fact: 'of nothing it is empty', events: '', gives: '' },
  { fact: 'the highest ranks, the highest first', events: 'a1 b5 c3 d2', gives: 'bc' },
  { fact: 'fewer than the limit are all there', events: 'a1', gives: 'a' },
  { fact: 'of equal ranks the earlier event counts, whenever it comes', events: 'a1@9 b1@8 c1@7', gives: 'cb' },
  { fact: 'of equal ranks and times the one that came first', events: 'a1@9 b1@9 c1@9', gives: 'ab' },
  { fact: 'ties are all kept', options: { limit: 1, ties: true }, events: 'a1 b5 c5 d4 e5', gives: 'bce' },
  { fact: 'ties of what is no longer last are not', options: { limit: 1, ties: true }, events: 'a5 b5 c6', gives: 'c' },
  { fact: 'ties above the last one take places', options: { ties: true }, events: 'a5 b5 c4 d5', gives: 'abd' },
  { fact: 'of a list the first parts that differ decide', events: 'a1/9 b2/1 c2/3 d2/2', gives: 'cd' },
  { fact: 'a list ranks above its beginning', events: 'a2 b2/0 c1/9', gives: 'ba' },
  { fact: 'an event without rank is none', events: 'a- b1', gives: 'b' },
])('$fact', ({ options = {}, events, gives }) => check(options, events, gives));

test('H4 merged cells give what one cell of all gives, and go on by themselves', () => {
  const aggregates = top({ limit: 2, ties: true });
  const [whole, left, right] = [aggregates.init(), aggregates.init(), aggregates.init()];
  draw('a1@1 b5@2 c5@3 d4@4 e5@5 f7@6').forEach((event, i) => {
    for (const cell of [whole, i % 2 === 0 ? left : right]) aggregates.add(cell, event, 'k', event.t, 0);
  });
  const before = structuredClone(right);
  aggregates.merge(left, right);
  expect(left).toStrictEqual(whole);
  aggregates.add(left, { name: 'z', rank: 9 }, 'k', 0, 0);
  expect(right).toStrictEqual(before);
});

test.each([
  { fact: 'an object is no rank', rank: { a: 1 }, message: /top: top ranks by a number, string or boolean, .* not by \{"a":1\}/ },
  { fact: 'nor is a list with one in it', rank: [1, { a: 1 }], message: /not by a list of 1, \{"a":1\}/ },
  { fact: 'nor an empty list', rank: [], message: /not by a list of nothing/ },
])('$fact: the event is refused and the cell stays as it was', ({ rank, message }) => {
  const aggregates = top({});
  const cell = aggregates.init();
  expect(() => aggregates.add(cell, { name: 'a', rank }, 'k', 0, 0)).toThrow(message);
  expect(cell).toStrictEqual(aggregates.init());
});

test('ties are bounded', () => {
  const aggregates = top({ limit: 1, ties: true });
  const cell = aggregates.init();
  for (let t = 0; t < CELL_VALUES_MAX; t++) aggregates.add(cell, { name: 'a', rank: 1 }, 'k', t, 0);
  expect(() => aggregates.add(cell, { name: 'a', rank: 1 }, 'k', 0, 0)).toThrow(/keeps at most 65536 values of equal rank/);
});
