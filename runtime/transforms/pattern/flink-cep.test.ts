// What the documentation of Apache Flink CEP says (docs/libs/cep), section by section (of matches: flink-cep-matches.test.ts): what it lists as the outcome of an example
// is listed here; where it has a sentence only, a small example of it. Where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { planOfSpec } from '../../testing/plan-of.ts';
import { drawPattern, drawSteps, findMatches, matchSet, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput>; isBounded?: boolean };

function check({ pattern, events, matches, options, isBounded }: Row): void {
  expect(findMatches(drawPattern(pattern, options), events, isBounded === undefined ? {} : { isBounded })).toBe(matches);
}

describe('I1 individual patterns: quantifiers, each as the documentation says what it expects', () => {
  // `start` stands between a step that begins and one that ends, so that none at all can be seen.
  const outcomes = {
    0: 'x e',
    1: 'x a1 e',
    2: 'x a1 a2 e',
    3: 'x a1 a2 a3 e',
    4: 'x a1 a2 a3 a4 e',
    5: 'x a1 a2 a3 a4 a5 e',
  } as const;
  const matched = (...counts: readonly (keyof typeof outcomes)[]): string => counts.map((count) => `{${outcomes[count]}}`).join(' ');

  describe.each<{ says: string; start: string; by: readonly string[] }>([
    { says: 'times(4)', start: 'a{4}', by: ['', '', '', '', matched(4), matched(4)] },
    {
      says: 'times(4).optional(): 0 or 4',
      start: 'a{4}?',
      by: [matched(0), matched(0), matched(0), matched(0), matched(0, 4), matched(0, 4)],
    },
    { says: 'times(2, 4)', start: 'a{2,4}', by: ['', '', matched(2), matched(2, 3), matched(2, 3, 4), matched(2, 3, 4)] },
    { says: 'times(2, 4).greedy()', start: 'a{2,4}g', by: ['', '', matched(2), matched(3), matched(4)] },
    {
      says: 'times(2, 4).optional(): 0, 2, 3 or 4',
      start: 'a{2,4}?',
      by: [matched(0), matched(0), matched(0, 2), matched(0, 2, 3), matched(0, 2, 3, 4), matched(0, 2, 3, 4)],
    },
    { says: 'times(2, 4).optional().greedy()', start: 'a{2,4}?g', by: [matched(0), '', matched(2), matched(3), matched(4)] },
    { says: 'oneOrMore()', start: 'a+', by: ['', matched(1), matched(1, 2), matched(1, 2, 3)] },
    { says: 'oneOrMore().greedy()', start: 'a+g', by: ['', matched(1), matched(2), matched(3)] },
    { says: 'oneOrMore().optional()', start: 'a+?', by: [matched(0), matched(0, 1), matched(0, 1, 2), matched(0, 1, 2, 3)] },
    { says: 'oneOrMore().optional().greedy()', start: 'a+?g', by: [matched(0), matched(1), matched(2), matched(3)] },
    { says: 'timesOrMore(2)', start: 'a{2,}', by: ['', '', matched(2), matched(2, 3), matched(2, 3, 4)] },
    { says: 'timesOrMore(2).greedy()', start: 'a{2,}g', by: ['', '', matched(2), matched(3), matched(4)] },
    {
      says: 'timesOrMore(2).optional(): 0, 2 or more',
      start: 'a{2,}?',
      by: [matched(0), matched(0), matched(0, 2), matched(0, 2, 3), matched(0, 2, 3, 4)],
    },
    { says: 'timesOrMore(2).optional().greedy()', start: 'a{2,}?g', by: [matched(0), '', matched(2), matched(3), matched(4)] },
    { says: 'optional() of a singleton', start: 'a?', by: [matched(0), matched(0, 1), matched(0, 1)] },
  ])('$says', ({ start, by }) => {
    test.each(by.map((matches, count) => ({ count, matches })))('$count of them', ({ count, matches }) => {
      const events = outcomes[count as keyof typeof outcomes];
      expect(matchSet(findMatches(drawPattern(`x .. ${start} .. e`), events))).toEqual(matchSet(matches));
    });
  });

  test('"a b+ c? d": each part with the next', () => {
    const found = findMatches(drawPattern('a .. b+ .. c? .. d'), 'a b1 b2 c d');
    expect(matchSet(found)).toEqual(matchSet('{a b1 d} {a b1 b2 d} {a b1 c d} {a b1 b2 c d}'));
  });
});

describe('I1 individual patterns: conditions', () => {
  type Reading = { name: string; id: string; timeMs: number; volume?: number };
  const play = (steps: PatternInput['steps'], readings: readonly Omit<Reading, 'timeMs'>[]): string => {
    const harness = patternHarness(drawPattern('', { steps }));
    pushDrawn(
      harness,
      readings.map((reading, i) => ({ ...reading, timeMs: i + 1 })),
    );
    return shown(harness);
  };
  const start = { name: 'start', where: 'event.name == "s"' };
  const sub = (id: string, volume: number): Omit<Reading, 'timeMs'> => ({ name: 'm', id, volume });

  test.each([
    { fact: 'where once', where: 'event.volume >= 10.0', matches: '{s m10} {s m12}' },
    { fact: 'where twice is AND', where: '(event.volume >= 10.0) && (event.volume < 12.0)', matches: '{s m10}' },
    { fact: 'or', where: '(event.volume >= 12.0) || (event.volume == 3.0)', matches: '{s m3} {s m12}' },
    { fact: 'subtype: those that have its fields', where: 'has(event.volume)', matches: '{s m3} {s m10} {s m12}' },
    { fact: 'no condition: each event', where: 'true', matches: '{s m3} {s x} {s m10} {s m12}' },
  ])('$fact', ({ where, matches }) => {
    const readings = [{ name: 's', id: 's' }, sub('m3', 3), { name: 'x', id: 'x' }, sub('m10', 10), sub('m12', 12)];
    const middle = { name: 'middle', contiguity: 'followedByAny' as const, where: `has(event.volume) && (${where})` };
    const any = { ...middle, where };
    expect(play([start, where === 'true' ? any : middle], readings)).toBe(matches);
  });

  test('the first example of the page: start by id, next a subtype with its volume, followedBy an end by name', () => {
    const steps: PatternInput['steps'] = [
      { name: 'start', where: 'event.id == "42"' },
      { name: 'middle', contiguity: 'next', where: 'has(event.volume) && event.volume >= 10.0' },
      { name: 'end', where: 'event.name == "end"' },
    ];
    const end = { name: 'end', id: 'end' };
    const begin = { name: 's', id: '42' };
    expect(play(steps, [begin, sub('m10', 10), { name: 'x', id: 'x' }, end])).toBe('{42 m10 end}');
    expect(play(steps, [begin, sub('m9', 9), sub('m10', 10), end])).toBe('');
    expect(play(steps, [begin, { name: 'x', id: 'x' }, sub('m10', 10), end])).toBe('');
  });

  test.each<Row>([
    { fact: 'until of oneOrMore().optional(): none is a match too', pattern: 'c .. a+?~d .. b', events: 'c d b', matches: '{c b}' },
    { fact: 'until of timesOrMore', pattern: 'c .. a{2,}~d .. b', events: 'c a1 a2 d a3 b', matches: '{c a1 a2 b}' },
    { fact: 'until clears what has not enough', pattern: 'c .. a{2,}~d .. b', events: 'c a1 d a2 b', matches: '' },
  ])('$fact', check);
});

describe('I1 combining patterns', () => {
  test.each<Row>([
    { fact: 'next, then followedBy', pattern: 'a > b .. c', events: 'a b d c', matches: '{a b c}' },
    {
      fact: 'next: what comes between discards it, and another may begin',
      pattern: 'a > b .. c',
      events: 'a1 d b1 a2 b2 c',
      matches: '{a2 b2 c}',
    },
    { fact: 'times(2) is relaxed inside unless said', pattern: 'a .. b{2} .. c', events: 'a b1 d b2 b3 c', matches: '{a b1 b2 c}' },
    { fact: 'times(2).consecutive()', pattern: 'a .. b{2}> .. c', events: 'a b1 d b2 b3 c', matches: '' },
    { fact: 'times(2).consecutive(), unbroken', pattern: 'a .. b{2}> .. c', events: 'a b1 b2 d c', matches: '{a b1 b2 c}' },
    { fact: 'times(2).allowCombinations()', pattern: 'a .. b{2}... .. c', events: 'a b1 d b2 b3 c', matches: '{a b1 b2 c} {a b1 b3 c}' },
    {
      fact: 'next, and notFollowedBy at the end: none within the time',
      pattern: 's > a !.. b',
      events: 's1 a1 c s2@20 a2 b c@40',
      options: { within: '10ms' },
      matches: '{s1 a1}',
    },
    { fact: 'notNext discards only what follows at once', pattern: 'a !> b .. c', events: 'a1 b a2 d b c', matches: '{a2 c}' },
    {
      fact: 'the last example of the page: any start, next an error, followedBy a critical, within',
      pattern: 'x > e .. c',
      events: 'x1@1 e1@2 d@5 c1@9 x2@20 e2@21 c2@31',
      options: {
        within: '10ms',
        steps: [
          { name: 'start' },
          { name: 'middle', contiguity: 'next', where: 'event.name == "e"' },
          { name: 'end', where: 'event.name == "c"' },
        ],
      },
      matches: '{x1 e1 c1} timedOut:{c1} timedOut:{x2 e2} timedOut:{e2}',
    },
  ])('$fact', check);

  test.each([
    {
      fact: 'ends with notFollowedBy without within',
      pattern: 'a !.. b',
      says: 'the pattern ends with notFollowedBy "b" and has no within',
    },
    { fact: 'has a not behind an optional step', pattern: 'a > b? !> c > d', says: 'step "c" stands behind "b", which is optional' },
    { fact: 'has two steps of one name', pattern: 'a > a', says: 'there is a step "a" before already' },
    { fact: 'has a greedy group', pattern: '(a > b){2}g > c', says: 'is greedy, which only a single step can be' },
    { fact: 'has until without a repetition', pattern: 'a~u > b', says: 'step "a" has until, but it does not repeat' },
  ])('a pattern is refused that $fact', ({ pattern, says }) => {
    expect(() => planOfSpec(jobOf(drawSteps(pattern)))).toThrow(says);
  });
});

describe('I1 groups of patterns', () => {
  test.each<Row>([
    { fact: 'begin(group)', pattern: '(a .. b) > c', events: 'a d b c', matches: '{a b c}' },
    {
      fact: 'next(group).times(3): the first event of the first round follows at once',
      pattern: '(a .. b) > (c .. d){3} .. e',
      events: 'a x b c1 x d1 c2 d2 x c3 x d3 e',
      matches: '{a b c1 d1 c2 d2 c3 d3 e}',
    },
    {
      fact: 'followedBy(group).oneOrMore()',
      pattern: '(a .. b) .. (c .. d)+ .. e',
      events: 'a b x c1 d1 c2 d2 e',
      matches: '{a b c1 d1 e} {a b c1 d1 c2 d2 e}',
    },
    {
      fact: 'followedByAny(group).optional()',
      pattern: '(a .. b) ... (c .. d)? .. e',
      events: 'a b c1 c2 d e',
      matches: '{a b e} {a b c1 d e} {a b c2 d e}',
    },
    {
      fact: 'times(1, 2)',
      pattern: 'x .. (a > b){1,2} .. c',
      events: 'x a1 b1 a2 b2 a3 b3 c',
      matches: '{x a1 b1 c} {x a1 b1 a2 b2 c}',
    },
    {
      fact: 'oneOrMore().consecutive(): rounds follow at once',
      pattern: 'x .. (a > b)+> .. c',
      events: 'x a1 b1 a2 b2 d a3 b3 c',
      matches: '{x a1 b1 c} {x a1 b1 a2 b2 c}',
    },
    {
      fact: 'oneOrMore().allowCombinations(): rounds may be left out',
      pattern: 'x .. (a > b)+... .. c',
      events: 'x a1 b1 a2 b2 a3 b3 c',
      matches: '{x a1 b1 c} {x a1 b1 a2 b2 c} {x a1 b1 a3 b3 c} {x a1 b1 a2 b2 a3 b3 c}',
    },
  ])('$fact', ({ matches, ...row }) => {
    expect(matchSet(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(matchSet(matches));
  });
});

describe('I1 contiguity: "a b" and a, c, b1, b2', () => {
  test.each<Row>([
    { fact: 'strict: no match, c comes between', pattern: 'a > b', events: 'a c b1 b2', matches: '' },
    { fact: 'relaxed: the next one that matches', pattern: 'a .. b', events: 'a c b1 b2', matches: '{a b1}' },
    { fact: 'non-deterministic relaxed: each that matches', pattern: 'a ... b', events: 'a c b1 b2', matches: '{a b1} {a b2}' },
  ])('$fact', check);
});

describe('I1 contiguity within a loop: "a b+ c", each b may be the first', () => {
  const events = 'a b1 d1 b2 d2 b3 c';
  test.each<Row>([
    { fact: 'strict: d ends what has a b', pattern: 'a ... b+> > c', events, matches: '{a b3 c}' },
    {
      fact: 'relaxed: d is ignored',
      pattern: 'a ... b+ .. c',
      events,
      matches: '{a b1 c} {a b2 c} {a b1 b2 c} {a b3 c} {a b2 b3 c} {a b1 b2 b3 c}',
    },
    {
      fact: 'non-deterministic relaxed: b may be left out too',
      pattern: 'a ... b+... .. c',
      events,
      matches: '{a b1 c} {a b2 c} {a b1 b2 c} {a b3 c} {a b2 b3 c} {a b1 b3 c} {a b1 b2 b3 c}',
    },
  ])('$fact', ({ pattern, matches }) => {
    const found = findMatches(drawPattern(pattern), events);
    expect(matchSet(found)).toEqual(matchSet(matches));
  });
});

describe('I1 consecutive and combinations: "c a+ b" and C D A1 A2 A3 D A4 B', () => {
  const events = 'c d a1 a2 a3 d a4 b';
  test.each([
    { fact: 'consecutive', pattern: 'c .. a+> .. b', matches: '{c a1 b} {c a1 a2 b} {c a1 a2 a3 b}' },
    { fact: 'without', pattern: 'c .. a+ .. b', matches: '{c a1 b} {c a1 a2 b} {c a1 a2 a3 b} {c a1 a2 a3 a4 b}' },
    {
      fact: 'combinations, after the first a that comes',
      pattern: 'c .. a+... .. b',
      matches: '{c a1 b} {c a1 a2 b} {c a1 a3 b} {c a1 a4 b} {c a1 a2 a3 b} {c a1 a2 a4 b} {c a1 a3 a4 b} {c a1 a2 a3 a4 b}',
    },
    {
      fact: 'combinations, after any a: what the documentation lists',
      pattern: 'c ... a+... .. b',
      matches:
        '{c a1 b} {c a1 a2 b} {c a1 a3 b} {c a1 a4 b} {c a1 a2 a3 b} {c a1 a2 a4 b} {c a1 a3 a4 b} {c a1 a2 a3 a4 b} ' +
        '{c a2 b} {c a2 a3 b} {c a2 a4 b} {c a2 a3 a4 b} {c a3 b} {c a3 a4 b} {c a4 b}',
    },
  ])('$fact', ({ pattern, matches }) => expect(matchSet(findMatches(drawPattern(pattern), events))).toEqual(matchSet(matches)));
});

test('I1 until: an event that ends the repetition is not in it, even when it would match', () => {
  expect(matchSet(findMatches(drawPattern('a+~t'), 'a1 a2 a3 a4'))).toEqual(matchSet('{a1} {a1 a2} {a2} {a4}'));
});

test('I1 until: "(a+ until b)" and a1 c a2 b a3', () => {
  expect(matchSet(findMatches(drawPattern('a+~b'), 'a1 c a2 b a3'))).toEqual(matchSet('{a1 a2} {a1} {a2} {a3}'));
});

describe('I1 quantifiers', () => {
  const events = 'a1 a2 a3 a4 b';
  test.each<Row>([
    { fact: 'times(4)', pattern: 'a{4} > b', events, matches: '{a1 a2 a3 a4 b}' },
    { fact: 'times(4).optional()', pattern: 'a{4}? > b', events, matches: '{a1 a2 a3 a4 b} {b}' },
    { fact: 'times(2, 4)', pattern: 'a{2,4} > b', events, matches: '{a1 a2 a3 a4 b} {a2 a3 a4 b} {a3 a4 b}' },
    { fact: 'times(2, 4).greedy(): at its maximum it goes on', pattern: 'a{2,3}g > b', events, matches: '{a2 a3 a4 b} {a3 a4 b}' },
    { fact: 'times(2, 4).optional()', pattern: 'a{2,4}? > b', events, matches: '{a1 a2 a3 a4 b} {a2 a3 a4 b} {a3 a4 b} {b}' },
    { fact: 'oneOrMore()', pattern: 'a+ > b', events: 'a1 a2 b', matches: '{a1 a2 b} {a2 b}' },
    { fact: 'oneOrMore().greedy()', pattern: 'a+g .. b', events: 'a1 a2 b', matches: '{a1 a2 b} {a2 b}' },
    { fact: 'not greedy: fewer are a match too', pattern: 'a+ .. b', events: 'a1 a2 b', matches: '{a1 b} {a1 a2 b} {a2 b}' },
    { fact: 'oneOrMore().optional()', pattern: 'a+? > b', events: 'a b', matches: '{a b} {b}' },
    { fact: 'oneOrMore().optional().greedy(), between', pattern: 'c .. a+?g .. b', events: 'c a1 a2 b', matches: '{c a1 a2 b}' },
    { fact: 'oneOrMore().optional().greedy() of none', pattern: 'c .. a+?g .. b', events: 'c d b', matches: '{c b}' },
    { fact: 'timesOrMore(2)', pattern: 'a{2,} > b', events: 'a1 a2 a3 b', matches: '{a1 a2 a3 b} {a2 a3 b}' },
    { fact: 'timesOrMore(2).greedy()', pattern: 'a{2,}g .. b', events: 'a1 a2 a3 b', matches: '{a1 a2 a3 b} {a2 a3 b}' },
    { fact: 'optional', pattern: 'a .. c? .. b', events: 'a c b', matches: '{a b} {a c b}' },
    { fact: 'optional at the end: without it first', pattern: 'a .. b?', events: 'a b', matches: '{a} {a b}' },
  ])('$fact', ({ matches, ...row }) =>
    expect(matchSet(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(matchSet(matches)),
  );
});

describe('I1 not', () => {
  test.each<Row>([
    { fact: 'notNext: what follows at once ends it', pattern: 'a !> n .. b', events: 'a n b', matches: '' },
    { fact: 'notNext: later is allowed', pattern: 'a !> n .. b', events: 'a c n b', matches: '{a b}' },
    { fact: 'notNext at the end: known with the next event', pattern: 'a !> n', events: 'a1 c a2 n', matches: '{a1}' },
    { fact: 'notFollowedBy: none in between', pattern: 'a !.. n .. b', events: 'a c n b', matches: '' },
    { fact: 'notFollowedBy: one behind is allowed', pattern: 'a !.. n .. b', events: 'a c b n', matches: '{a b}' },
    { fact: 'notFollowedBy ends what waits for more', pattern: 'a !.. n ... b', events: 'a b1 n b2', matches: '{a b1}' },
    {
      fact: 'notFollowedBy behind a loop ends the loop too',
      pattern: 'a ... b+ !.. n .. c',
      events: 'a b1 n b2 c',
      matches: '{a b2 c}',
    },
    {
      fact: 'notFollowedBy at the end, with within: a match when time is over',
      pattern: 'a !.. n',
      events: 'a1 a2 n@9 a3@20 c@40',
      options: { within: '10ms' },
      matches: '{a3}',
    },
    {
      fact: 'notFollowedBy at the end, with within: the end of the input is the end of time',
      pattern: 'a !.. n',
      events: 'a1',
      options: { within: '10ms' },
      isBounded: true,
      matches: '{a1}',
    },
    {
      fact: 'notFollowedBy at the end, with a within of its own from the event before',
      pattern: 'a .. b !.. n@5',
      events: 'a@1 b@100 n@105',
      options: { within: '1s' },
      matches: '{a b}',
    },
  ])('$fact', check);
});

describe('I1 groups', () => {
  test.each<Row>([
    { fact: 'a group begins', pattern: '(a .. b) .. c', events: 'a d b c', matches: '{a b c}' },
    { fact: 'next: its first event follows at once', pattern: 'x > (a .. b) .. c', events: 'x d a b c', matches: '' },
    {
      fact: 'next: behind it, the group has its own contiguity',
      pattern: 'x > (a .. b) .. c',
      events: 'x a d b c',
      matches: '{x a b c}',
    },
    { fact: 'times(2)', pattern: 'x .. (a > b){2} > c', events: 'x a1 b1 a2 b2 c', matches: '{x a1 b1 a2 b2 c}' },
    {
      fact: 'oneOrMore',
      pattern: 'x .. (a > b)+ .. c',
      events: 'x a1 b1 a2 b2 a3 b3 c',
      matches: '{x a1 b1 c} {x a1 b1 a2 b2 c} {x a1 b1 a2 b2 a3 b3 c}',
    },
    { fact: 'oneOrMore, strict between', pattern: 'x .. (a > b)+> .. c', events: 'x a1 b1 d a2 b2 c', matches: '{x a1 b1 c}' },
    { fact: 'optional', pattern: 'x .. (a > b)? .. c', events: 'x a b c', matches: '{x c} {x a b c}' },
    { fact: 'until', pattern: 'x .. (a .. b)+~u .. c', events: 'x a1 b1 a2 u b2 c', matches: '{x a1 b1 c}' },
    { fact: 'a group in a group', pattern: 'x .. ((a > b){2} > d){1,2} > c', events: 'x a b a b d c', matches: '{x a b a b d c}' },
    {
      fact: 'an optional step at the end of a round: each match once',
      pattern: '(a > b?)+> > c',
      events: 'a1 b1 a2 c',
      matches: '{a1 b1 a2 c} {a2 c}',
    },
    {
      fact: 'an optional step at the beginning of a round: each match once',
      pattern: 'x > (a? > b)+> > c',
      events: 'x b1 a b2 c',
      matches: '{x b1 a b2 c}',
    },
  ])('$fact', ({ matches, ...row }) => {
    const found = findMatches(drawPattern(row.pattern, row.options), row.events);
    expect(matchSet(found)).toEqual(matchSet(matches));
  });
});

function jobOf(steps: PatternInput['steps']): object {
  return {
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'timeMs' } }],
    stages: [{ name: 'p', from: 's', keyBy: 'event.id', pattern: { steps } }],
    sinks: [{ name: 'out', from: 'p', nats: { subject: 'out' } }],
  };
}
