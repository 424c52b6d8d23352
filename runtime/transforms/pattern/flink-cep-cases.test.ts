// What the tests of Apache Flink CEP expect: their patterns, inputs and outcomes, as rows. Those of skip strategies:
// flink-cep-matches.test.ts. Where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { planOfSpec } from '../../testing/plan-of.ts';
import { drawPattern, drawSteps, findMatches, matchSet } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput> };

describe('I1 greedy, as the tests of Flink CEP have it (GreedyITCase)', () => {
  // `ax` would be taken too, but ends the repetition.
  const until = (optional: boolean): Partial<PatternInput> => ({
    steps: [
      { name: 'c', where: 'event.name == "c"' },
      { name: 'a', where: 'event.name == "a"', times: { min: 1 }, greedy: true, optional, until: 'event.id == "ax"' },
      { name: 'd', where: 'event.name == "d"' },
    ],
  });
  const [none, some] = ['c .. a+?g .. d', 'c .. a+g .. d'];
  const group = 'c .. a+?g .. (d .. e){2} .. f';

  test.each<Row>([
    { fact: 'none or more', pattern: none, events: 'c a1 a2 a3 d', matches: '{c a1 a2 a3 d}' },
    { fact: 'none or more, others between', pattern: none, events: 'c x a1 x a2 x a3 d', matches: '{c a1 a2 a3 d}' },
    { fact: 'none or more, another behind', pattern: none, events: 'c a1 a2 x d', matches: '{c a1 a2 d}' },
    { fact: 'none or more, of none', pattern: none, events: 'c x d', matches: '{c d}' },
    { fact: 'before an optional step without', pattern: 'c .. a+?g .. d? .. e', events: 'c a1 a2 x e', matches: '{c a1 a2 e}' },
    { fact: 'before an optional step', pattern: 'c .. a+?g .. d? .. e', events: 'c a1 a2 d e', matches: '{c a1 a2 e} {c a1 a2 d e}' },
    { fact: 'none or more, until behind', pattern: '', options: until(true), events: 'c a1 a2 a3 ax d', matches: '{c a1 a2 a3 d}' },
    { fact: 'one or more', pattern: some, events: 'c a1 a2 a3 d', matches: '{c a1 a2 a3 d}' },
    { fact: 'one or more, others between', pattern: some, events: 'c x a1 x a2 x a3 d', matches: '{c a1 a2 a3 d}' },
    { fact: 'one or more, another behind', pattern: some, events: 'c a1 a2 x d', matches: '{c a1 a2 d}' },
    { fact: 'one or more, of none', pattern: some, events: 'c x d', matches: '' },
    { fact: 'one or more, until behind', pattern: '', options: until(false), events: 'c a1 a2 a3 ax d', matches: '{c a1 a2 a3 d}' },
    { fact: 'one or more, until before', pattern: '', options: until(false), events: 'c ax a1 a2 a3 d', matches: '' },
    { fact: 'a range of times', pattern: 'c .. a{2,5}g .. d', events: 'c a1 a2 a3 a4 d', matches: '{c a1 a2 a3 a4 d}' },
    { fact: 'before a group', pattern: group, events: 'c a1 a2 x a3 d1 e1 d2 e2 f', matches: '{c a1 a2 a3 d1 e1 d2 e2 f}' },
  ])('$fact', ({ matches, ...row }) => {
    expect(matchSet(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(matchSet(matches));
  });

  test('differs (ADR 24): behind the event that ended it, what it would take is barred still; Flink gives {c d}', () => {
    expect(findMatches(drawPattern('', until(true)), 'c ax a1 a2 a3 d')).toBe('');
    expect(findMatches(drawPattern('', until(true)), 'c ax d')).toBe('{c d}');
  });

  test.each([
    { fact: 'an optional step', pattern: 'a+g .. b? .. c' },
    { fact: 'a notNext', pattern: 'a+g !> n .. c' },
  ])('differs (ADR 24): before $fact it bars what it would take still; Flink gives {a1 c}, too', ({ pattern }) => {
    expect(matchSet(findMatches(drawPattern(pattern), 'a1 x a2 c'))).toEqual(matchSet('{a1 a2 c} {a2 c}'));
  });

  test('differs (ADR 24): of an exact number it bars leaving the step out; Flink gives {c b}, too', () => {
    expect(findMatches(drawPattern('c .. a{2}?g .. b'), 'c a1 a2 b')).toBe('{c a1 a2 b}');
    expect(findMatches(drawPattern('c .. a{2}?g .. b'), 'c a1 b')).toBe('');
  });

  test.each(['c .. a+?g', 'c .. a+?g>', 'c .. a{2,5}g', 'c .. a+?g> .. d?'])(
    '%s is refused: Flink tells it before it is sure',
    (pattern) => {
      expect(() => planOfSpec(jobOf(drawSteps(pattern)))).toThrow('the pattern may end with the greedy step "a"');
    },
  );
});

describe('I1 until, as the tests of Flink CEP have it (UntilConditionITCase)', () => {
  // Every event that ends the repetition would match its step, and is what the end takes: `as`.
  const looping = (of: Partial<PatternInput['steps'][number]>, isEnded = true): Partial<PatternInput> => ({
    within: '1h',
    steps: [
      { name: 'c', where: 'event.name == "c"' },
      { name: 'a', where: 'event.name == "a"', times: { min: 1 }, until: 'event.id == "as"', ...of },
      ...(isEnded ? [{ name: 'end', where: 'event.id == "as"' }] : []),
    ],
  });
  const [two, three] = ['c a1 a2 as a9', 'c a1 a2 a3 as a9'];
  const any = { contiguity: 'followedByAny' } as const;
  const combinations = '{c a1 a2 a3 as} {c a1 a2 as} {c a1 a3 as} {c a1 as}';

  test.each<Row>([
    { fact: 'one or more', pattern: '', options: looping({}), events: two, matches: '{c a1 a2 as} {c a1 as}' },
    { fact: 'one or more, combinations', pattern: '', options: looping({ inner: 'followedByAny' }), events: three, matches: combinations },
    { fact: 'one or more, consecutive', pattern: '', options: looping({ inner: 'next' }), events: two, matches: '{c a1 a2 as} {c a1 as}' },
    { fact: 'none or more', pattern: '', options: looping({ optional: true }), events: two, matches: '{c a1 a2 as} {c a1 as} {c as}' },
    {
      fact: 'none or more, combinations',
      pattern: '',
      options: looping({ optional: true, inner: 'followedByAny' }),
      events: three,
      matches: `${combinations} {c as}`,
    },
    {
      fact: 'none or more, consecutive',
      pattern: '',
      options: looping({ optional: true, inner: 'next' }),
      events: two,
      matches: '{c a1 a2 as} {c a1 as} {c as}',
    },
    {
      fact: 'one or more at the end, after any: behind the end another may begin',
      pattern: '',
      options: looping(any, false),
      events: two,
      matches: '{c a1 a2} {c a1} {c a2} {c a9}',
    },
    {
      fact: 'none or more at the end, after any',
      pattern: '',
      options: looping({ ...any, optional: true }, false),
      events: two,
      matches: '{c} {c a1 a2} {c a1} {c a2} {c a9}',
    },
    {
      fact: 'of any event',
      pattern: '',
      options: looping({ where: 'true' }, false),
      events: 'c a1 a2 d as a9',
      matches: '{c a1 a2 d} {c a1 a2} {c a1}',
    },
    {
      fact: 'by what was taken before',
      pattern: '',
      options: looping({ where: 'true', until: 'size(matched.a) == 3' }, false),
      events: 'c a1 a2 d a8 a9',
      matches: '{c a1 a2 d} {c a1 a2} {c a1}',
    },
    {
      fact: 'by what was taken before, none or more',
      pattern: '',
      options: looping({ where: 'true', optional: true, until: 'size(matched.a) == 3' }, false),
      events: 'c a1 a2 d a8 a9',
      matches: '{c a1 a2 d} {c a1 a2} {c a1} {c}',
    },
  ])('$fact', ({ matches, ...row }) => {
    expect(matchSet(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(matchSet(matches));
  });
});

describe('I1 not, as the tests of Flink CEP have it (NotPatternITCase)', () => {
  const events = 'a1 c1 b1 c2 d';
  const loop = 'a b1 b2 b3 c1 b4 b5 b6 d';
  const eager = '{a b4 b5 b6 d} {a b4 b5 d} {a b4 d} {a b5 b6 d} {a b5 d} {a b6 d}';
  const first = 'a b1 c1 b4 b5 b6 d';
  const ofFirst = '{a b1 b4 b5 b6 d} {a b1 b4 b5 d} {a b1 b4 d} {a b1 d}';

  test.each<Row>([
    { fact: 'notNext', pattern: 'a !> b ... c .. d', events, matches: '{a1 c1 d} {a1 c2 d}' },
    { fact: 'notNext, and it does', pattern: 'a !> b .. c .. d', events: 'a1 b1 c1 c2 d', matches: '' },
    { fact: 'notNext at the end, and it does', pattern: 'a ... c ... d !> b', events: 'a1 c1 c2 d b1', matches: '' },
    { fact: 'notFollowedBy', pattern: 'a !.. b ... c .. d', events, matches: '{a1 c1 d}' },
    { fact: 'before an optional step', pattern: 'a !.. b ... c? .. d', events, matches: '{a1 c1 d}' },
    { fact: 'behind times, between them', pattern: 'a ... b{2} !.. c .. d', events: 'a1 b1 c b2 d', matches: '' },
    { fact: 'before optional times', pattern: 'a !.. b ... c{2}? .. d', events: 'a1 d1 e b1 c1 c2 d2', matches: '{a1 d1}' },
    { fact: 'behind times', pattern: 'a ... b{2} !.. c .. d', events: 'a1 d1 e b1 b2 c1 d2', matches: '' },
    { fact: 'before optional times, within them', pattern: 'a !.. b ... c{2}? .. d', events, matches: '{a1 c1 c2 d}' },
    { fact: 'of the one that began before', pattern: 'a !.. b .. c .. d', events: 'a1 b1 c1 a2 c2 d', matches: '{a2 c2 d}' },
    { fact: 'notNext behind a loop', pattern: 'a .. b+ !> c .. d', events: 'a b1 c1 b2 d', matches: '' },
    { fact: 'notNext behind a loop after any', pattern: 'a ... b+ !> c .. d', events: 'a b1 c1 b2 d', matches: '{a b2 d}' },
    { fact: 'behind a loop', pattern: 'a .. b+ !.. c .. d', events: loop, matches: '' },
    { fact: 'behind a loop after any', pattern: 'a ... b+ !.. c .. d', events: loop, matches: eager },
    { fact: 'behind a loop with combinations', pattern: 'a .. b+... !.. c .. d', events: loop, matches: '' },
    { fact: 'behind a loop with combinations after any', pattern: 'a ... b+... !.. c .. d', events: loop, matches: `${eager} {a b4 b6 d}` },
    ...['', '?'].flatMap((optional) =>
      ['..', '...'].flatMap((how) => [
        { fact: `before b+${optional}, ${how}`, pattern: `a !.. c ${how} b+${optional} .. d`, events: first, matches: ofFirst },
        {
          fact: `before b+${optional} with combinations, ${how}`,
          pattern: `a !.. c ${how} b+${optional}... .. d`,
          events: first,
          matches: `${ofFirst} {a b1 b4 b6 d} {a b1 b5 b6 d} {a b1 b5 d} {a b1 b6 d}`,
        },
      ]),
    ),
    {
      fact: 'at the end, within a time',
      pattern: 'a !.. b',
      events: 'a1@1 b1@2 a2@4 c@5 b2@10 a3@11 b3@13',
      options: { within: '3ms' },
      matches: '{a2}',
    },
    {
      fact: 'at the end, within a time from the event before',
      pattern: 'a !.. b@3',
      events: 'a1@1 b1@2 a2@4 c@5 b2@10 a3@11 b3@13',
      options: { within: '1h' },
      matches: '{a2}',
    },
  ])('$fact', ({ matches, ...row }) => {
    expect(matchSet(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(matchSet(matches));
  });

  test('differs (ADR 24): of matches with one beginning that are sure at one moment the one that grew first; Flink gives {a1 a2 a3 c1}', () => {
    const spec = drawPattern('a+... .. c !.. b', { within: '5ms', afterMatch: 'skipPastLastEvent' });
    const found = findMatches(spec, 'a1@1 a2@2 a3@3 c1@4 c2@10');
    expect(found.replaceAll(/timedOut:\{[^}]*\}/g, '').trim()).toBe('{a1 c1}');
  });

  test('differs (ADR 24): without the optional step the pattern ends with the not, which is sure when within is over; Flink gives {a1} at once', () => {
    const spec = drawPattern('a !.. b ... c?', { within: '10ms' });
    expect(findMatches(spec, 'a1 c1 b1 c2')).toBe('{a1 c1}');
    expect(findMatches(spec, 'a1 c1 c2', { isBounded: true })).toBe('{a1 c1} {a1 c2} {a1}');
  });

  test('differs (ADR 24): so it is before optional times within a time; Flink gives {a1} too, which b1 follows', () => {
    const found = findMatches(drawPattern('a !.. b .. c{1,2}?', { within: '3ms' }), 'a1@1 b1@2 a2@10 c1@11 c2@12 a3@20 c3@21 c4@24');
    expect(matchSet(found)).toEqual(matchSet('{a2} {a2 c1} {a2 c1 c2} {a3} {a3 c3}'));
  });
});

describe('I1 iterative conditions, as the tests of Flink CEP have it (IterativeConditionsITCase)', () => {
  type Event = { readonly name: string; readonly id: string };
  type Taken = Readonly<Record<string, readonly Event[]>>;
  const price = ({ id }: Event): number => (id === 'f4' ? 1 : Number(id.slice(1)));
  const sum = (events: readonly Event[]): number => events.reduce((all, event) => all + price(event), 0);
  /** Events of that name, as long as those of their step cost less than 5, or as much. */
  const below =
    (step: string, name: string, isAsMuch = false) =>
    (event: Event, matched: Taken) => {
      const all = sum(matched[step] ?? []) + price(event);
      return event.name === name && (all < 5 || (isAsMuch && all === 5));
    };
  const twoStarted = (event: Event, matched: Taken): boolean => event.name === 'e' && sum(matched['s'] ?? []) >= 2;
  const any = { contiguity: 'followedByAny' } as const;
  const loop = { times: { min: 1 } } as const;
  const s = { name: 's', where: 'event.name == "s"' };
  const f = { name: 'f', where: 'event.name == "f"' };
  const e = { name: 'e', where: 'event.name == "e"' };
  const combinations = { inner: 'followedByAny' } as const;
  const branching = { name: 'f', where: below('f', 'f'), ...loop };
  const starting = { name: 's', where: below('s', 's'), ...loop, optional: true };

  test.each<{ fact: string; steps: PatternInput['steps']; events: string; matches: string }>([
    {
      fact: 'in a loop',
      steps: [s, branching, e],
      events: 's1 f1 f2 s2 f3 f4 x e',
      matches: '{s1 f1 f2 f4 e} {s1 f1 f2 e} {s1 f1 e} {s2 f3 f4 e} {s2 f3 e}',
    },
    {
      fact: 'in a loop with combinations',
      steps: [s, { ...branching, ...combinations }, e],
      events: 's1 f1 f2 s2 f3 f4 x e',
      matches: '{s1 f1 f2 f4 e} {s1 f1 f2 e} {s1 f1 f3 e} {s2 f3 f4 e} {s1 f1 f4 e} {s1 f1 e} {s2 f3 e}',
    },
    { fact: 'in a loop that begins', steps: [starting, e], events: 's1 s2 s3 e', matches: '{s1 s2 e} {s1 e} {s2 e} {s3 e} {e}' },
    {
      fact: 'in a loop with combinations that begins',
      steps: [{ ...starting, ...combinations }, e],
      events: 's1 s2 s3 e',
      matches: '{s1 s2 e} {s1 s3 e} {s1 e} {s2 e} {s3 e} {e}',
    },
    {
      fact: 'on the loop before',
      steps: [
        { ...s, ...loop },
        { name: 'e', where: twoStarted },
      ],
      events: 's1 s2 e',
      matches: '{s1 s2 e} {s2 e}',
    },
    {
      fact: 'on a loop of events that an earlier step takes too',
      steps: [s, { ...f, ...any }, { name: 'again', where: below('again', 's', true), ...loop }, e],
      events: 's1 f1 s2 s3 f2 s4 f3 f4 e',
      matches: '{s1 f1 s2 s3 e} {s1 f1 s2 e} {s1 f2 s4 e} {s2 f2 s4 e} {s3 f2 s4 e}',
    },
    {
      fact: 'on a loop before others',
      steps: [
        { ...s, ...loop },
        { ...f, ...any },
        { name: 'e', where: twoStarted, ...any },
      ],
      events: 's1 s2 f1 s3 f2 e',
      matches: '{s1 s2 f1 e} {s2 f1 e} {s1 s2 f2 e} {s1 s2 s3 f2 e} {s2 s3 f2 e} {s2 f2 e} {s3 f2 e}',
    },
  ])('$fact', ({ steps, events, matches }) => {
    expect(matchSet(findMatches(drawPattern('', { steps, within: '1h' }), events))).toEqual(matchSet(matches));
  });
});

describe('I1 what is refused, as the tests of Flink CEP have it (PatternTest, NFACompilerTest)', () => {
  const a = { name: 'a', where: 'event.name == "a"' };
  const b = { ...a, name: 'b' };
  const not = { ...b, contiguity: 'notNext' } as const;
  const notFollowed = { ...not, contiguity: 'notFollowedBy' } as const;

  test.each<{ fact: string; steps: PatternInput['steps']; options?: Partial<PatternInput>; says: string }>([
    { fact: 'times below none', steps: [{ ...a, times: { min: -1, max: -1 } }], says: 'expected number to be >=1' },
    { fact: 'a range from below none', steps: [{ ...a, times: { min: -1, max: 2 } }], says: 'expected number to be >=1' },
    { fact: 'notNext one or more', steps: [a, { ...not, times: { min: 1 } }], says: '(notNext), so times means nothing' },
    { fact: 'notNext times', steps: [a, { ...not, times: { min: 3, max: 3 } }], says: '(notNext), so times means nothing' },
    { fact: 'notNext optional', steps: [a, { ...not, optional: true }], says: '(notNext), so optional means nothing' },
    {
      fact: 'notFollowedBy one or more',
      steps: [a, { ...notFollowed, times: { min: 1 } }],
      says: '(notFollowedBy), so times means nothing',
    },
    {
      fact: 'notFollowedBy times',
      steps: [a, { ...notFollowed, times: { min: 3, max: 3 } }],
      says: '(notFollowedBy), so times means nothing',
    },
    { fact: 'notFollowedBy optional', steps: [a, { ...notFollowed, optional: true }], says: '(notFollowedBy), so optional means nothing' },
    { fact: 'until of a step that does not repeat', steps: [{ ...a, until: 'true' }], says: 'has until, but it does not repeat' },
    { fact: 'a name twice', steps: [a, b, { ...a, where: 'true' }], says: 'there is a step "a" before already' },
    {
      fact: 'notFollowedBy at the end without a within',
      steps: [a, b, { ...notFollowed, name: 'c' }],
      options: {},
      says: 'ends with notFollowedBy "c" and has no within',
    },
    {
      fact: 'a step to skip to that there is not',
      steps: [a, { ...b, times: { min: 1 }, optional: true }],
      options: { within: '1h', afterMatch: 'skipToLast', skipTo: 'c' },
      says: 'no step "c" takes events',
    },
    { fact: 'an optional step alone', steps: [{ ...a, optional: true }], says: 'all steps are optional' },
    { fact: 'none or more alone', steps: [{ ...a, optional: true, times: { min: 1 } }], says: 'all steps are optional' },
    {
      fact: 'optional steps alone',
      steps: [
        { ...a, optional: true, times: { min: 1 } },
        { ...b, optional: true },
      ],
      says: 'all steps are optional',
    },
  ])('$fact', ({ steps, options = { within: '1h' }, says }) => {
    expect(() => planOfSpec(jobOf(steps, options))).toThrow(says);
  });

  test.each<{ fact: string; steps: PatternInput['steps'] }>([
    { fact: 'one step', steps: [a] },
    { fact: 'one or more', steps: [{ ...a, times: { min: 1 } }] },
    {
      fact: 'an optional step behind one that is not',
      steps: [
        { ...a, times: { min: 1 } },
        { ...b, contiguity: 'next', optional: true },
      ],
    },
    { fact: 'until of times with a bound, which Flink refuses', steps: [{ ...a, times: { min: 1, max: 1 }, until: 'true' }, b] },
  ])('is taken: $fact', ({ steps }) => {
    expect(() => planOfSpec(jobOf(steps, { within: '1h' }))).not.toThrow();
  });
});

function jobOf(steps: PatternInput['steps'], options: Partial<PatternInput> = {}): object {
  return {
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'timeMs' } }],
    stages: [{ name: 'p', from: 's', keyBy: 'event.id', pattern: { ...options, steps } }],
    sinks: [{ name: 'out', from: 'p', nats: { subject: 'out' } }],
  };
}
