import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { encodeKey } from '../../event/key.ts';
import type { Value } from '../../event/batch.ts';
import { drawEvents, drawPattern, findMatches, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput>; isBounded?: boolean };

function check({ pattern, events, matches, options, isBounded }: Row): void {
  expect(findMatches(drawPattern(pattern, options), events, isBounded === undefined ? {} : { isBounded })).toBe(matches);
}

describe('as the documentation of Apache Flink CEP has it', () => {
  describe('contiguity: "a b" and a, c, b1, b2', () => {
    test.each<Row>([
      { fact: 'strict: no match, c comes between', pattern: 'a > b', events: 'a c b1 b2', matches: '' },
      { fact: 'relaxed: the next one that matches', pattern: 'a .. b', events: 'a c b1 b2', matches: '{a b1}' },
      { fact: 'non-deterministic relaxed: each that matches', pattern: 'a ... b', events: 'a c b1 b2', matches: '{a b1} {a b2}' },
    ])('$fact', check);
  });

  describe('contiguity within a loop: "a b+ c", each b may be the first', () => {
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
      expect(setOf(found)).toEqual(setOf(matches));
    });
  });

  describe('consecutive and combinations: "c a+ b" and C D A1 A2 A3 D A4 B', () => {
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
    ])('$fact', ({ pattern, matches }) => expect(setOf(findMatches(drawPattern(pattern), events))).toEqual(setOf(matches)));
  });

  test('until: an event that ends the repetition is not in it, even when it would match', () => {
    expect(setOf(findMatches(drawPattern('a+~t'), 'a1 a2 a3 a4'))).toEqual(setOf('{a1} {a1 a2} {a2} {a4}'));
  });

  test('until: "(a+ until b)" and a1 c a2 b a3', () => {
    expect(setOf(findMatches(drawPattern('a+~b'), 'a1 c a2 b a3'))).toEqual(setOf('{a1 a2} {a1} {a2} {a3}'));
  });

  describe('after a match: "b+ c" and b1 b2 b3 c', () => {
    const events = 'b1 b2 b3 c';
    test.each<Row>([
      { fact: 'noSkip', pattern: 'b+> > c', events, matches: '{b1 b2 b3 c} {b2 b3 c} {b3 c}' },
      { fact: 'skipToNext', pattern: 'b+> > c', events, options: { afterMatch: 'skipToNext' }, matches: '{b1 b2 b3 c} {b2 b3 c} {b3 c}' },
      { fact: 'skipPastLastEvent', pattern: 'b+> > c', events, options: { afterMatch: 'skipPastLastEvent' }, matches: '{b1 b2 b3 c}' },
      {
        fact: 'skipToFirst of b',
        pattern: 'b+> > c',
        events,
        options: { afterMatch: 'skipToFirst', skipTo: 'b' },
        matches: '{b1 b2 b3 c} {b2 b3 c} {b3 c}',
      },
      {
        fact: 'skipToLast of b',
        pattern: 'b+> > c',
        events,
        options: { afterMatch: 'skipToLast', skipTo: 'b' },
        matches: '{b1 b2 b3 c} {b3 c}',
      },
    ])('$fact', check);
  });

  describe('after a match: "(a | b | c) (b | c) c+.greedy d" and a b c1 c2 c3 d', () => {
    const steps: PatternInput['steps'] = [
      { name: 'x', where: 'event.name in ["a", "b", "c"]' },
      { name: 'y', contiguity: 'next', where: 'event.name in ["b", "c"]' },
      { name: 'c', contiguity: 'next', where: 'event.name == "c"', times: { min: 1 }, greedy: true, inner: 'next' },
      { name: 'd', contiguity: 'next', where: 'event.name == "d"' },
    ];
    const events = 'a b c1 c2 c3 d';
    test.each<Row>([
      { fact: 'noSkip', pattern: '', events, options: { steps }, matches: '{a b c1 c2 c3 d} {b c1 c2 c3 d} {c1 c2 c3 d}' },
      {
        fact: 'skipToFirst of c',
        pattern: '',
        events,
        options: { steps, afterMatch: 'skipToFirst', skipTo: 'c' },
        matches: '{a b c1 c2 c3 d} {c1 c2 c3 d}',
      },
    ])('$fact', check);
  });

  describe('after a match: "a b+" and a b1 b2 b3', () => {
    const events = 'a b1 b2 b3';
    test.each<Row>([
      { fact: 'noSkip', pattern: 'a .. b+', events, matches: '{a b1} {a b1 b2} {a b1 b2 b3}' },
      { fact: 'skipToNext', pattern: 'a .. b+', events, options: { afterMatch: 'skipToNext' }, matches: '{a b1}' },
    ])('$fact', check);
  });

  describe('quantifiers', () => {
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
      expect(setOf(findMatches(drawPattern(row.pattern, row.options), row.events))).toEqual(setOf(matches)),
    );
  });

  describe('not', () => {
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

  describe('groups', () => {
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
      expect(setOf(found)).toEqual(setOf(matches));
    });
  });

  describe('within', () => {
    const timedOut: Partial<PatternInput> = { within: '10ms' };
    test.each<Row>([
      { fact: 'of the whole: less than it from first to last', pattern: 'a .. b', events: 'a@1 b@10', options: timedOut, matches: '{a b}' },
      { fact: 'as much as it is too much', pattern: 'a .. b', events: 'a@1 b@11', options: timedOut, matches: 'timedOut:{a}' },
      {
        fact: 'what timed out is told with what it had',
        pattern: 'a .. b .. c',
        events: 'a@1 b@2',
        options: timedOut,
        isBounded: true,
        matches: 'timedOut:{a b}',
      },
      {
        fact: 'what was a match and could have grown did not time out',
        pattern: 'a .. b+',
        events: 'a b',
        options: timedOut,
        isBounded: true,
        matches: '{a b}',
      },
      {
        fact: 'from the event before (PREVIOUS_AND_CURRENT)',
        pattern: 'a .. b@5 .. c@5',
        events: 'a@1 b@5 c@9',
        matches: '{a b c}',
      },
      { fact: 'from the event before: too late', pattern: 'a .. b@5 .. c@5', events: 'a@1 b@5 c@10', matches: 'timedOut:{a b}' },
      { fact: 'between repetitions', pattern: 'a+@5 > c', events: 'a1@1 a2@5 a3@11 c', matches: '{a3 c}' },
    ])('$fact', check);
  });
});

describe('iterative conditions', () => {
  function rising(where: string, times: PatternInput['steps'][number]['times'] = { min: 1 }): PatternInput['steps'] {
    return [
      { name: 'start', where: 'event.name == "s"' },
      { name: 'up', where, times, greedy: true },
      { name: 'end', where: 'event.name == "e"' },
    ];
  }
  type Priced = { name: string; id: string; timeMs: number; price: number };
  function play(steps: PatternInput['steps'], prices: string): string {
    const harness = patternHarness(drawPattern('', { steps }));
    const events = drawEvents(prices).map((event): Priced => ({ ...event, price: Number(event.id.slice(1)) }));
    pushDrawn(harness, events);
    return shown(harness);
  }

  test.each([
    {
      fact: 'name an earlier event of the match',
      steps: rising('event.name == "p" && event.price > matched.start[0].price'),
      prices: 's5 p4 p6 p7 e0',
      matches: '{s5 p6 p7 e0}',
    },
    {
      fact: 'name the events of their own step so far',
      steps: rising('event.name == "p" && (size(matched.up) == 0 || event.price > matched.up[size(matched.up) - 1].price)'),
      prices: 's5 p4 p3 p6 p5 e0',
      matches: '{s5 p4 p6 e0}',
    },
    {
      fact: 'sum over earlier events (FlinkCEP: accept while the sum stays below)',
      steps: rising('event.name == "p" && matched.up.map(e, e.price).sum() + event.price < 10.0'),
      prices: 's0 p3 p4 p5 p2 e0',
      matches: '{s0 p3 p4 p2 e0}',
    },
  ])('$fact', ({ steps, prices, matches }) => expect(play(steps, prices)).toBe(matches));

  test('a function gets event, matched, key and time', () => {
    const seen: unknown[] = [];
    const steps = rising('true');
    const where = (event: Priced, matched: Record<string, Priced[]>, key: unknown, timeMs: number): boolean => {
      seen.push([event.id, matched['start']?.[0]?.id ?? null, key, timeMs]);
      return event.name === 'p';
    };
    expect(play([steps[0]!, { ...steps[1]!, where }, steps[2]!], 's1 p2 e3')).toBe('{s1 p2 e3}');
    expect(seen).toContainEqual(['p2', 's1', 'k', 2]);
  });
});

describe('results', () => {
  test('are the key, first and last time and the events by step when nothing is selected', () => {
    const harness = patternHarness(drawPattern('a .. b? .. c'));
    pushDrawn(harness, drawEvents('a@3 c@7'));
    expect(harness.emissions).toEqual([
      {
        kind: 'event',
        output: null,
        timeMs: 7,
        key: encodeKey('k'),
        value: {
          k: 'k',
          startMs: 3,
          endMs: 7,
          matched: { a: [{ name: 'a', id: 'a', timeMs: 3 }], b: [], c: [{ name: 'c', id: 'c', timeMs: 7 }] },
        },
      },
    ]);
  });

  test('are what select gives', () => {
    const select = { from: 'matched.a[0].id', took: 'endMs - startMs', key: 'key' };
    const harness = patternHarness(drawPattern('a .. c', { select }));
    pushDrawn(harness, drawEvents('a@3 c@7'));
    expect(values(harness)).toEqual([{ from: 'a', took: 4, key: 'k' }]);
  });

  test('a select that fails is a dead letter with the match, and the others go on', () => {
    const harness = patternHarness(drawPattern('a .. c', { select: { n: 'matched.a[0].missing' } }));
    pushDrawn(harness, drawEvents('a c'));
    expect(values(harness)).toEqual([]);
    expect(harness.deadLetters).toMatchObject([{ code: 'MR3002', key: encodeKey('k'), timeMs: 2, event: { a: [{ id: 'a' }] } }]);
  });
});

describe('state', () => {
  test.each([
    { fact: 'between any two events', pattern: 'a .. b+ !.. n .. c', events: 'a b1 d b2 c a b3 n c', options: {} },
    { fact: 'with matches that wait for their turn', pattern: 'a .. b', events: 'a1 a2 b1 b2 b3', options: { afterMatch: 'skipToNext' } },
    { fact: 'with a step that may not follow at once', pattern: 'a !> n .. b', events: 'a d n b a n b', options: {} },
    { fact: 'with timed-out ones', pattern: 'a .. b@3 .. c', events: 'a b d d d c a d d d d', options: { within: '7ms' } },
  ] as const)('a restart $fact changes nothing', ({ pattern, events, options }) => {
    const spec = drawPattern(pattern, options);
    const harness = patternHarness(spec);
    for (const event of drawEvents(events)) {
      pushDrawn(harness, [event]);
      harness.restart();
    }
    harness.play('Wend');
    expect(shown(harness)).toBe(findMatches(spec, events, { isBounded: true }));
  });

  test('is gone when all has matched, ended or timed out', () => {
    const harness = patternHarness(drawPattern('a .. b+ .. c', { within: '10ms' }));
    pushDrawn(harness, drawEvents('a1 b a2 b c a3'));
    expect(harness.state.cells('node').size()).toBeGreaterThan(0);
    harness.play('W100');
    expect(harness.state.cells('node').size()).toBe(0);
  });

  test('an event that changes nothing writes nothing, one that grows a match not the others', () => {
    const harness = patternHarness(drawPattern('a .. b'));
    pushDrawn(harness, drawEvents('a1 a2 a3'));
    harness.state.takeDelta();
    pushDrawn(harness, drawEvents('d@9'));
    expect(harness.state.takeDelta()).toBeNull();
  });

  test('keys do not mix, and timed-out matches come out by time, then by key', () => {
    const harness = patternHarness(drawPattern('a .. b', { within: '10ms' }));
    pushDrawn(harness, drawEvents('a1@3'), encodeKey('z'));
    pushDrawn(harness, drawEvents('a2@3'), encodeKey('y'));
    pushDrawn(harness, drawEvents('b@4 a3@5'), encodeKey('x'));
    harness.play('W11');
    expect(shown(harness)).toBe('');
    harness.play('W12');
    expect(shown(harness)).toBe('timedOut:{a2} timedOut:{a1}');
    harness.play('W14');
    expect(shown(harness)).toBe('timedOut:{a3}');
  });
});

describe('what fails', () => {
  test('a key with too many partial matches: the event is a dead letter that says so, and as if it had not come', () => {
    const spec = drawPattern('a .. b', { partialMatchesMax: 2 });
    const harness = patternHarness(spec);
    pushDrawn(harness, drawEvents('a1 a2 a3 b'));
    expect(shown(harness)).toBe('{a1 b} {a2 b}');
    expect(harness.deadLetters.map(({ code, message, event }) => [code, message, (event as { id: string }).id])).toEqual([
      [
        'MR3002',
        expect.stringContaining(
          'with this event key "k" would have 3 partial matches, at most 2 are possible (partialMatchesMax); nothing of it was taken. ' +
            'Narrow the conditions, shorten within, or raise partialMatchesMax',
        ),
        'a3',
      ],
    ]);
  });

  test('a match of too many events', () => {
    const harness = patternHarness(drawPattern('a .. b+g .. c', { within: '1d' }));
    pushDrawn(harness, drawEvents(`a ${'b '.repeat(1_000)}c`));
    expect(harness.deadLetters).toHaveLength(1);
    expect(harness.deadLetters[0]?.message).toContain('a match of key "k" would have 1001 events, at most 1000 are possible');
    expect(harness.emissions).toHaveLength(1);
  });

  test('a condition that fails: the event is a dead letter and in no match', () => {
    const steps: PatternInput['steps'] = [
      { name: 'a', where: 'event.name == "a"' },
      { name: 'b', contiguity: 'next', where: 'event.price > 3' },
    ];
    const harness = patternHarness(drawPattern('', { steps }));
    pushDrawn(harness, drawEvents('a x'));
    pushDrawn(harness, [{ ...drawEvents('b@5')[0]!, price: 4 } as never]);
    expect(harness.deadLetters.map(({ event }) => (event as { id: string }).id)).toEqual(['x']);
    expect(shown(harness)).toBe('{a b}');
  });
});

function values(harness: ReturnType<typeof patternHarness>): Value[] {
  return harness.emissions.flatMap((each) => (each.kind === 'event' ? [each.value] : []));
}

/** Matches without their order. */
function setOf(drawn: string): readonly string[] {
  return (drawn.match(/\S*\{[^}]*\}/g) ?? []).toSorted();
}
