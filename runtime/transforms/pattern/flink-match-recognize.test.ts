// What Flink SQL's tests of MATCH_RECOGNIZE expect (MatchRecognizeITCase), written as patterns: rows follow at once, what repeats is
// greedy, a match ends what began by its last row. Their conditions look at earlier rows, which is what CEL over `matched` does here.

import { expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { drawPattern, patternHarness, pushDrawn } from './pattern-drawing.ts';

type Step = PatternInput['steps'][number];
type Fields = Readonly<Record<string, unknown>>;

const many = { times: { min: 1 }, inner: 'next', greedy: true } as const;
const twoOrMore = { ...many, times: { min: 2 } } as const;
const named = (name: string): Step => ({ name, where: `event.name == "${name}"` });
/** Lower than the one before it, of those that fell. */
const falling = 'size(matched.down) == 0 || event.price < matched.down[size(matched.down) - 1].price';
const priced = (...prices: readonly number[]): Fields[] => prices.map((price) => ({ price }));
const calls = (names: string): Fields[] => [...names].map((name) => ({ name }));

/** The numbers of the rows of each match, or what `select` gives. */
function play(steps: readonly Step[], rows: readonly Fields[], select?: PatternInput['select']): unknown[] {
  const following = steps.map((step, i) => (i === 0 ? step : { ...step, contiguity: 'next' as const }));
  const options = { within: '1h', afterMatch: 'skipPastLastEvent', ...(select === undefined ? {} : { select }) } as const;
  const spec = drawPattern('', { steps: following, ...options });
  const harness = patternHarness(spec);
  pushDrawn(
    harness,
    rows.map((fields, i) => ({ name: '', ...fields, id: `${i + 1}`, timeMs: i + 1 })),
  );
  return harness.emissions.flatMap((each) => {
    if (each.kind !== 'event' || each.output !== null) return [];
    if (select !== undefined) return [each.value];
    const { matched } = each.value as { matched: Record<string, { id: string }[]> };
    const numbers = Object.values(matched).flatMap((events) => events.map(({ id }) => Number(id)));
    return [numbers.toSorted((a, b) => a - b).join(' ')];
  });
}

const prices = '(matched.a.map(e, e.price).sum() + event.price)';
const ofB = 'matched.b.map(e, e.price * e.rate).sum() + event.price * event.rate';
const sumOfB = '(matched.b.map(e, e.price).sum() + event.price)';
const weighed = ['a', 'b'].map((step) => `matched.${step}.map(e, e.price * e.weight).sum()`).join(' + ');
const weights = ['a', 'b'].map((step) => `matched.${step}.map(e, e.weight).sum()`).join(' + ');
const rated = (...rows: readonly (readonly [price: number, rate: number, weight: number])[]): Fields[] =>
  rows.map(([price, rate, weight]) => ({ price, rate, weight }));

test.each<{ fact: string; steps: readonly Step[]; rows: readonly Fields[]; matches: readonly string[] }>([
  { fact: 'three that follow at once', steps: ['a', 'b', 'c'].map(named), rows: calls('azbcdabch'), matches: ['6 7 8'] },
  {
    fact: 'with fields that are null',
    steps: [
      { name: 'a', where: 'event.name == "a" && event.none == null' },
      { name: 'b', where: 'event.name == "b" && matched.a[0].none == null' },
      named('c'),
    ],
    rows: [...calls('abcd'), { name: null }, ...calls('abc'), { name: null }].map((row) => ({ ...row, none: null })),
    matches: ['1 2 3', '6 7 8'],
  },
  {
    fact: 'those that fall, then one that is lower than the first',
    steps: [
      { name: 'down', where: falling, ...twoOrMore },
      { name: 'up', where: 'event.price < matched.down[0].price' },
    ],
    rows: priced(19, 17, 13, 20, 20, 26, 20, 25),
    matches: ['6 7 8'],
  },
  {
    fact: 'those that fall, then one as high as the first',
    steps: [
      { name: 'down', where: falling, ...twoOrMore },
      {
        name: 'up',
        where:
          'size(matched.down) >= 7 && event.price == matched.down[0].price && event.price > matched.down[3].price && ' +
          'event.price == matched.down[size(matched.down) - 7].price',
      },
    ],
    rows: priced(20, 19, 18, 17, 16, 15, 14, 20),
    matches: ['1 2 3 4 5 6 7 8'],
  },
  {
    fact: 'constants',
    steps: [
      { name: 'down', where: 'event.price == 13.0' },
      { name: 'up', where: 'event.price == 20.0' },
    ],
    rows: priced(19, 17, 13, 20),
    matches: ['3 4'],
  },
  {
    fact: 'sums, means and weighted means of several steps',
    steps: [
      { name: 'a', where: `${prices} < 6.0`, ...many },
      {
        name: 'b',
        where:
          `(${ofB}) < matched.a.map(e, e.price).sum() && (${ofB}) > 0.2 && ${sumOfB} >= 1.0 && ` +
          `${sumOfB} / double(size(matched.b) + 1) >= 1.0 && ` +
          `(${weighed} + event.price * event.weight) / (${weights} + event.weight) > 1.0`,
        ...many,
      },
      { name: 'c' },
      { name: 'd', optional: true },
      { name: 'e' },
    ],
    rows: rated(
      [1, 0.8, 1],
      [2, 0.8, 3],
      [1, 0.8, 2],
      [1, 0.8, 5],
      [4, 0.1, 5],
      [2, 1.5, 2],
      [2, 0.8, 3],
      [1, 0.8, 2],
      [4, 0.8, 3],
      [4, 0.8, 3],
      [2, 0.8, 3],
      [2, 0.8, 3],
    ),
    matches: ['1 2 3 4 5 6 7 8', '9 10 11 12'],
  },
  {
    fact: 'a sum over values of which some are null',
    steps: [
      {
        name: 'a',
        where: 'matched.a.filter(e, e.price != null).map(e, e.price).sum() + (event.price == null ? 0.0 : event.price) < 30.0',
        ...many,
      },
      named('c'),
    ],
    rows: [
      ['a', 10],
      ['z', 10],
      ['b', null],
      ['c', null],
      ['d', 3],
      ['c', 3],
      ['c', 3],
      ['c', 3],
      ['c', 2],
    ].map(([name, price]) => ({ name, price })),
    matches: ['1 2 3 4 5 6 7 8'],
  },
  {
    fact: 'at most so many',
    steps: [{ name: 'a', where: 'event.name == "a" && size(matched.a) < 4', ...many }, { name: 'c' }],
    rows: calls('aaaaabaaf'),
    matches: ['1 2 3 4 5', '7 8 9'],
  },
])('I1 $fact', ({ steps, rows, matches }) => {
  expect(play(steps, rows)).toEqual(matches);
});

test('I1 a result names the first and the last of a step, and null where there are not so many', () => {
  const steps: readonly Step[] = [
    { name: 'down', where: falling, ...twoOrMore },
    { name: 'up', where: 'event.price > matched.down[size(matched.down) - 1].price' },
  ];
  const select = {
    first: 'matched.down[0].price',
    last: 'matched.down[size(matched.down) - 1].price',
    sixth: 'size(matched.down) > 5 ? matched.down[5].price : null',
  };
  expect(play(steps, priced(19, 17, 13, 20), select)).toEqual([{ first: 19, last: 13, sixth: null }]);
});
