// What the tests of Apache Flink CEP expect of groups and of repetitions: their patterns, inputs and outcomes, as rows. The others
// of its tests: flink-cep-cases.test.ts, flink-cep-nfa.test.ts. Where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { drawEvents, drawPattern, findMatches, matchSet, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput> };

function check({ pattern, events, matches, options }: Row): void {
  expect(matchSet(findMatches(drawPattern(pattern, options), events))).toEqual(matchSet(matches));
}

const [plain, apart, spread] = ['c a1 a2 a3 b', 'c f1 a1 f2 a2 a3 b', 'c a1 f1 a2 f2 a3 b'];
const [pairsOfFirst, pairs] = ['{c a1 a2 b} {c a1 a3 b}', '{c a1 a2 b} {c a1 a3 b} {c a2 a3 b}'];
const unbroken = '{c a1 b} {c a2 b} {c a3 b} {c a2 a3 b} {c b}';

describe('I1 groups, as the tests of Flink CEP have it (GroupITCase)', () => {
  const [two, three] = ['c a1 b1 a2 b2 d', 'c a1 b1 a2 b2 a3 b3 d'];
  const [forbidden, nested] = ['c a1 b1 d a2 b2 e', 'd a1 b1 c1 b2 c2 b3 c3 a2 b4 c4 b5 c5 b6 c6 e'];
  const ofFirst = '{d a1 b1 c1 b2 c2 b3 c3 e}';

  test.each<Row>([
    { fact: 'times', pattern: 'c .. (a .. b){2} .. d', events: two, matches: '{c a1 b1 a2 b2 d}' },
    { fact: 'optional', pattern: 'c .. (a .. b)? .. d', events: 'c a1 a2 b d', matches: '{c d} {c a1 b d}' },
    { fact: 'optional times, of half a round', pattern: 'c .. (a .. b){2}? .. d', events: 'c a d', matches: '{c d}' },
    { fact: 'one or more', pattern: 'c .. (a .. b)+ .. d', events: two, matches: '{c a1 b1 d} {c a1 b1 a2 b2 d}' },
    { fact: 'none or more', pattern: 'c .. (a .. b)+? .. d', events: two, matches: '{c d} {c a1 b1 d} {c a1 b1 a2 b2 d}' },
    {
      fact: 'times with combinations, after any',
      pattern: 'c ... (a .. b){2}... .. d',
      events: three,
      matches: '{c a1 b1 a2 b2 d} {c a1 b1 a3 b3 d} {c a2 b2 a3 b3 d}',
    },
    {
      fact: 'optional times, after any',
      pattern: 'c ... (a .. b){2}? .. d',
      events: three,
      matches: '{c d} {c a1 b1 a2 b2 d} {c a2 b2 a3 b3 d}',
    },
    {
      fact: 'one or more, after any',
      pattern: 'c ... (a .. b)+ .. d',
      events: three,
      matches: '{c a1 b1 d} {c a2 b2 d} {c a3 b3 d} {c a1 b1 a2 b2 d} {c a2 b2 a3 b3 d} {c a1 b1 a2 b2 a3 b3 d}',
    },
    {
      fact: 'none or more, consecutive, next',
      pattern: 'c > (a .. b)+?> .. d',
      events: three,
      matches: '{c d} {c a1 b1 d} {c a1 b1 a2 b2 d} {c a1 b1 a2 b2 a3 b3 d}',
    },
    { fact: 'before a notFollowedBy', pattern: 'c ... (a .. b) !.. d .. e', events: forbidden, matches: '{c a2 b2 e}' },
    { fact: 'before a notNext', pattern: 'c ... (a .. b) !> d .. e', events: forbidden, matches: '{c a2 b2 e}' },
    {
      fact: 'in a group, both optional',
      pattern: 'd .. (a .. (b .. c)+? )? .. e',
      events: 'd a1 b1 c1 b2 c2 e',
      matches: '{d e} {d a1 e} {d a1 b1 c1 e} {d a1 b1 c1 b2 c2 e}',
    },
    {
      fact: 'in a group, both with times',
      pattern: 'd ... (a .. (b .. c){3} ){1,2}? .. e',
      events: nested,
      matches: `{d e} ${ofFirst} {d a2 b4 c4 b5 c5 b6 c6 e} {${nested}}`,
    },
    {
      fact: 'in a group, both consecutive, of an unbroken round and a broken one',
      pattern: 'd ... (a .. (b .. c){3}> ){1,2}?> .. e',
      events: nested.replace(' b5', ' x b5'),
      matches: `{d e} ${ofFirst}`,
    },
    { fact: 'at the beginning', pattern: '(a .. b){1,2} .. d', events: 'a1 b1 a2 b2 d', matches: '{a1 b1 d} {a2 b2 d} {a1 b1 a2 b2 d}' },
    {
      fact: 'one or more, until what is taken next',
      pattern: 'c .. (a .. b)+~d .. d',
      events: two,
      matches: '{c a1 b1 d} {c a1 b1 a2 b2 d}',
    },
    { fact: 'that begins with an optional step of none', pattern: 'a > (b? > c) > d', events: 'a c d', matches: '{a c d}' },
    { fact: 'optional, of none, before a next', pattern: 'a .. (b > c)? > d', events: 'a d1 d2', matches: '{a d1}' },
  ])('$fact', check);

  test('nothing stays behind a group that its until has ended', () => {
    const harness = patternHarness(drawPattern('c .. (a .. b)+~d .. d'));
    pushDrawn(harness, drawEvents(two));
    expect(matchSet(shown(harness))).toEqual(matchSet('{c a1 b1 d} {c a1 b1 a2 b2 d}'));
    expect(harness.state.cells('node').size()).toBe(0);
  });
});

describe('I1 a not behind a group, as the code of Flink CEP has it (NFACompiler)', () => {
  const [between, within] = ['c a1 b1 n a2 b2 d', 'c a1 n b1 a2 b2 d'];

  test.each<Row>([
    { fact: 'between two rounds it ends the group', pattern: 'c .. (a .. b)+ !.. n .. d', events: between, matches: '' },
    { fact: 'between two rounds, so many', pattern: 'c .. (a .. b){2} !.. n .. d', events: between, matches: '' },
    { fact: 'within a round it ends nothing', pattern: 'c .. (a .. b){2} !.. n .. d', events: within, matches: '{c a1 b1 a2 b2 d}' },
    { fact: 'notNext', pattern: 'c .. (a .. b)+ !> n .. d', events: between, matches: '' },
    { fact: 'notNext, before there are enough', pattern: 'c .. (a .. b){2} !> n .. d', events: between, matches: '{c a1 b1 a2 b2 d}' },
    { fact: 'in a loop at the end of a round', pattern: 'c .. (a .. b+){1,2} !.. n .. d', events: 'c a b1 n b2 d', matches: '' },
    {
      fact: 'in a loop before the end of a round it ends nothing',
      pattern: 'c .. (a .. b+ .. e)+ !.. n .. d',
      events: 'c a b1 n b2 e d',
      matches: '{c a b1 b2 e d} {c a b1 e d}',
    },
  ])('$fact', check);

  test.each<Row>([
    {
      fact: 'within a round that could end it ends nothing; Flink gives none',
      pattern: 'c .. (a .. b?)+ !.. n .. d',
      events: 'c a n b d',
      matches: '{c a b d}',
    },
    {
      fact: 'until before the first round ends nothing; Flink gives none',
      pattern: 'c .. (a .. b)+~u .. d',
      events: 'c u a b d',
      matches: '{c a b d}',
    },
    {
      fact: 'the first step of a group has its own inner; Flink gives {a1 a2 b d} too',
      pattern: '(a+> .. b) .. d',
      events: 'a1 x a2 b d',
      matches: '{a1 b d} {a2 b d}',
    },
  ])('differs (ADR 24): $fact', check);
});

describe('I1 behind a group that repeats, where the code of Flink CEP has it otherwise (NFACompiler)', () => {
  test.each<Row>([
    {
      fact: 'followedBy is the first; Flink gives {c a1 b1 d2} too',
      pattern: 'c .. (a .. b)+ .. d',
      events: 'c a1 b1 d1 d2',
      matches: '{c a1 b1 d1}',
    },
    { fact: 'next is at once; Flink gives {c a1 b1 d}', pattern: 'c .. (a .. b)+ > d', events: 'c a1 b1 x d', matches: '' },
    { fact: 'a match comes once; Flink gives it twice', pattern: '(a .. b)+ .. c', events: 'a1 b1 x c', matches: '{a1 b1 c}' },
  ])('differs (ADR 24): $fact', check);
});

describe('I1 a range of times, as the tests of Flink CEP have it (TimesRangeITCase)', () => {
  const all = '{c a1 a2 a3 b}';

  test.each<Row>([
    {
      fact: 'with combinations, next',
      pattern: 'c > a{1,3}... .. b',
      events: plain,
      matches: `${all} ${pairsOfFirst} {c a1 b}`,
    },
    {
      fact: 'from none, with combinations, next',
      pattern: 'c > a{1,2}?... .. b',
      events: plain,
      matches: `${pairsOfFirst} {c a1 b} {c b}`,
    },
    {
      fact: 'with combinations, after any',
      pattern: 'c ... a{1,3}... .. b',
      events: apart,
      matches: `${all} ${pairs} {c a1 b} {c a2 b} {c a3 b}`,
    },
    { fact: 'optional (or from none), consecutive, after any', pattern: 'c ... a{1,3}?> .. b', events: apart, matches: unbroken },
    {
      fact: 'optional, consecutive, next',
      pattern: 'c > a{1,3}?> .. b',
      events: plain,
      matches: `${all} {c a1 a2 b} {c a1 b} {c b}`,
    },
    { fact: 'optional, of none', pattern: 'c .. a{1,3}? .. b', events: 'c f b', matches: '{c b}' },
    { fact: 'optional, with combinations, after any', pattern: 'c ... a{2,3}?... .. b', events: apart, matches: `${all} ${pairs} {c b}` },
    { fact: 'optional, after any', pattern: 'c ... a{2,3}? .. b', events: apart, matches: `${all} {c a1 a2 b} {c a2 a3 b} {c b}` },
    { fact: 'with combinations, next, others between', pattern: 'c > a{2,3}... .. b', events: spread, matches: `${all} ${pairsOfFirst}` },
    { fact: 'relaxed', pattern: 'c .. a{2,3} .. b', events: plain, matches: `${all} {c a1 a2 b}` },
    { fact: 'with combinations, any, none between', pattern: 'c ... a{2,3}... .. b', events: plain, matches: `${all} ${pairs}` },
  ])('$fact', check);
});

describe('I1 so many times or more, as the tests of Flink CEP have it (TimesOrMoreITCase)', () => {
  const all = '{c a1 a2 a3 b}';

  test.each<Row>([
    { fact: 'with combinations', pattern: 'c .. a{2,}... .. b', events: plain, matches: `${all} ${pairsOfFirst}` },
    { fact: 'with combinations, after any', pattern: 'c ... a{2,}... .. b', events: apart, matches: `${all} ${pairs}` },
    { fact: 'exactly, consecutive, after any', pattern: 'c ... a{2}> .. b', events: apart, matches: '{c a2 a3 b}' },
    { fact: 'optional, consecutive, after any', pattern: 'c ... a{2,}?> .. b', events: apart, matches: '{c a2 a3 b} {c b}' },
    { fact: 'optional, consecutive, next', pattern: 'c > a{2,}?> .. b', events: plain, matches: `${all} {c a1 a2 b} {c b}` },
    { fact: 'optional, of none', pattern: 'c .. a{2,}? .. b', events: 'c f b', matches: '{c b}' },
    { fact: 'optional, with combinations, after any', pattern: 'c ... a{2,}?... .. b', events: apart, matches: `${all} ${pairs} {c b}` },
    { fact: 'optional, after any', pattern: 'c ... a{2,}? .. b', events: apart, matches: `${all} {c a1 a2 b} {c a2 a3 b} {c b}` },
    { fact: 'with combinations, next, others between', pattern: 'c > a{2,}... .. b', events: spread, matches: `${all} ${pairsOfFirst}` },
    { fact: 'relaxed', pattern: 'c .. a{2,} .. b', events: plain, matches: `${all} {c a1 a2 b}` },
    { fact: 'with combinations, any, none between', pattern: 'c ... a{2,}... .. b', events: plain, matches: `${all} ${pairs}` },
  ])('$fact', check);
});

describe('I1 equal events of one time, as the tests of Flink CEP have it (SameElementITCase)', () => {
  const sumIs4 = (_: unknown, matched: Readonly<Record<string, readonly unknown[]>>): boolean => (matched['a'] ?? []).length * 2 === 4;
  const a = { name: 'a', where: 'event.name == "a"', times: { min: 1 }, optional: true } as const;
  const c = { name: 'c', where: 'event.name == "c"' };
  const three = 'c@1 a1@3 a2@3 a3@3 b@7';

  test.each<Row>([
    {
      fact: 'none or more: each counts',
      pattern: 'c .. a+? .. b',
      events: 'c@1 a1@3 a1@3 a1@3 a2 d a3@6 a3@6 b',
      matches: '{c a1 a1 a1 a2 a3 a3 b} {c a1 a1 a1 a2 a3 b} {c a1 a1 a1 a2 b} {c a1 a1 a1 b} {c a1 a1 b} {c a1 b} {c b}',
    },
    {
      fact: 'none or more with combinations: every choice of them',
      pattern: 'c ... a+?... ... b',
      events: 'c@1 a1@3 a2@3 a3 d a4@6 a5@6 b',
      matches: choices(['a1', 'a2', 'a3', 'a4', 'a5'])
        .map((taken) => `{${['c', ...taken, 'b'].join(' ')}}`)
        .join(' '),
    },
    { fact: 'any: each of them once', pattern: 'c ... a .. b', events: 'c@1 a1@3 a1@3 b@7', matches: '{c a1 b} {c a1 b}' },
    {
      fact: 'a condition on the loop, which one of them too may meet',
      pattern: '',
      options: {
        steps: [c, { ...a, contiguity: 'followedByAny', inner: 'followedByAny' }, { name: 'end', where: sumIs4 }],
        within: '1h',
      },
      events: three,
      matches: '{c a1 a3 b} {c a1 a2 a3} {c a2 a3 b}',
    },
    {
      fact: 'a loop at the end',
      pattern: 'c ... a+?',
      events: three,
      matches: '{c} {c a1} {c a2} {c a3} {c a1 a2} {c a2 a3} {c a1 a2 a3}',
    },
    {
      fact: 'a loop, and an end that takes the same',
      pattern: '',
      options: { steps: [c, a, { name: 'b', where: 'event.name == "b"', optional: true }, { name: 'end', where: a.where }], within: '1h' },
      events: 'c@1 a1@3 a1@3 a2@3 d@5 b a3',
      matches: '{c a1} {c a1 a1} {c b a3} {c a1 a1 a2} {c a1 b a3} {c a1 a1 a2 a3} {c a1 a1 b a3} {c a1 a1 a2 b a3}',
    },
  ])('$fact', check);

  test.each<Row>([
    { fact: 'a match', pattern: 'a .. b .. c .. d', events: 'a@1 b@2 c@2 d@2', matches: '{a b c d}' },
    {
      fact: 'a loop at the end that its until has ended',
      pattern: '',
      options: {
        steps: [
          { name: 'a', where: 'event.name == "a"' },
          { name: 'd', where: 'event.name == "d"', times: { min: 1 }, until: 'size(matched.d) == 3' },
        ],
      },
      events: 'a@1 d1@2 d2@2 d3@2 d4@4',
      matches: '{a d1 d2 d3} {a d1 d2} {a d1}',
    },
  ])('nothing stays behind $fact', ({ pattern, options, events, matches }) => {
    const harness = patternHarness(drawPattern(pattern, options));
    pushDrawn(harness, drawEvents(events));
    expect(matchSet(shown(harness))).toEqual(matchSet(matches));
    expect(harness.state.cells('node').size()).toBe(0);
  });
});

/** All choices of some of them, none and all too, in their order. */
function choices(of: readonly string[]): readonly (readonly string[])[] {
  return of.reduce<readonly (readonly string[])[]>((all, each) => [...all, ...all.map((taken) => [...taken, each])], [[]]);
}
