// What the tests of Apache Flink CEP expect of groups and of repetitions: their patterns, inputs and outcomes, as rows. The others
// of its tests: flink-cep-cases.test.ts. Where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import { drawEvents, drawPattern, findMatches, matchSet, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string };

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
  ])('$fact', ({ matches, ...row }) => {
    expect(matchSet(findMatches(drawPattern(row.pattern), row.events))).toEqual(matchSet(matches));
  });

  test('nothing stays behind a group that its until has ended', () => {
    const harness = patternHarness(drawPattern('c .. (a .. b)+~d .. d'));
    pushDrawn(harness, drawEvents(two));
    expect(matchSet(shown(harness))).toEqual(matchSet('{c a1 b1 d} {c a1 b1 a2 b2 d}'));
    expect(harness.state.cells('node').size()).toBe(0);
  });
});
