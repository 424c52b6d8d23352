// What the documentation of Apache Flink CEP says of matches: what one ends of the others, what is selected, what times out, what is
// late. The patterns themselves: flink-cep.test.ts.

import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeOrder } from '../order.ts';
import { drawEvents, drawPattern, findMatches, matchSet, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';
import type { DrawnEvent } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput>; isBounded?: boolean };

function check({ pattern, events, matches, options, isBounded }: Row): void {
  expect(findMatches(drawPattern(pattern, options), events, isBounded === undefined ? {} : { isBounded })).toBe(matches);
}

describe('I1 after a match, where the step to skip to took no event: as noSkip', () => {
  test.each<Row>([
    { fact: 'noSkip', pattern: 'a > b? > c', events: 'a c', matches: '{a c}' },
    {
      fact: 'skipToFirst',
      pattern: 'a .. b? .. c',
      events: 'a1 a2 c',
      options: { within: '1h', afterMatch: 'skipToFirst', skipTo: 'b' },
      matches: '{a1 c} {a2 c} timedOut:{a1} timedOut:{a2}',
    },
    {
      fact: 'skipToLast',
      pattern: 'a .. b? .. c',
      events: 'a1 a2 c',
      options: { within: '1h', afterMatch: 'skipToLast', skipTo: 'b' },
      matches: '{a1 c} {a2 c} timedOut:{a1} timedOut:{a2}',
    },
    {
      fact: 'skipToFirst, once it took one',
      pattern: 'a .. b? .. c',
      events: 'a1 a2 b c',
      options: { within: '1h', afterMatch: 'skipToFirst', skipTo: 'b' },
      matches: '{a1 c} {a1 b c}',
    },
  ])('$fact', (row) => check({ ...row, isBounded: true }));
});

describe('I1 after a match, as the tests of Flink CEP have it (AfterMatchSkipITCase)', () => {
  const anyTwice: PatternInput['steps'] = [
    { name: 'start', where: 'true', times: { min: 2, max: 2 } },
    { name: 'end', where: 'true', contiguity: 'next', times: { min: 2, max: 2 } },
  ];
  const aOrC: PatternInput['steps'] = [
    { name: 'x', where: 'event.name in ["a", "c"]' },
    { name: 'y', where: 'event.name in ["b", "c"]' },
    { name: 'c', where: 'event.name == "c"', times: { min: 1 }, greedy: true },
    { name: 'd', where: 'event.name == "d"' },
  ];
  const samePrice: PatternInput['steps'] = [
    { name: 'a', where: 'event.name == "a"' },
    { name: 'c', where: 'event.name == "c"' },
    { name: 'b', where: 'event.name == "b" && (event.id == "b1") == (matched.a[0].id == "a2")' },
  ];
  const [a6, loop, atEnd] = ['a1 a2 a3 a4 a5 a6', 'a1 b1 a2 b2 b3 a3 b4', 'a1 b1 b2 b3'];
  const skip = (afterMatch: PatternInput['afterMatch'], skipTo?: string): Partial<PatternInput> => ({
    within: '1h',
    afterMatch,
    ...(skipTo === undefined ? {} : { skipTo }),
  });
  const past = skip('skipPastLastEvent');

  test.each<Row>([
    { fact: 'times(3), noSkip', pattern: 'a{3}', events: a6, matches: '{a1 a2 a3} {a2 a3 a4} {a3 a4 a5} {a4 a5 a6}' },
    { fact: 'times(3), skipPastLastEvent', pattern: 'a{3}', events: a6, options: past, matches: '{a1 a2 a3} {a4 a5 a6}' },
    { fact: 'followedByAny, noSkip', pattern: 'a ... b', events: 'a1 b1 a2 b2', matches: '{a1 b1} {a1 b2} {a2 b2}' },
    {
      fact: 'followedByAny, skipToNext',
      pattern: 'a ... b',
      events: 'a1 b1 a2 b2',
      options: skip('skipToNext'),
      matches: '{a1 b1} {a2 b2}',
    },
    { fact: 'a loop at the end, noSkip', pattern: 'a > b+', events: atEnd, matches: '{a1 b1} {a1 b1 b2} {a1 b1 b2 b3}' },
    { fact: 'a loop at the end, skipToNext', pattern: 'a > b+', events: atEnd, options: skip('skipToNext'), matches: '{a1 b1}' },
    {
      fact: 'skipToFirst, where each event may be both',
      pattern: '',
      events: 'x1 x2 x3 x4 x5 x6',
      options: { ...skip('skipToFirst', 'end'), steps: anyTwice },
      matches: '{x1 x2 x3 x4} {x3 x4 x5 x6}',
    },
    {
      fact: 'skipToLast, where each event may be both',
      pattern: '',
      events: 'x1 x2 x3 x4 x5 x6 x7',
      options: { ...skip('skipToLast', 'end'), steps: anyTwice },
      matches: '{x1 x2 x3 x4} {x4 x5 x6 x7}',
    },
    {
      fact: 'the first of many ways ends the others',
      pattern: 'a ... b ... c .. d',
      events: 'a1 a2 b1 b2 c1 c2 d1 d2',
      options: past,
      matches: '{a1 b1 c1 d1}',
    },
    { fact: 'what was discarded before holds nobody up', pattern: 'a > b', events: 'a1 c a2 b2', options: past, matches: '{a2 b2}' },
    {
      fact: 'skipToFirst behind an optional loop of none',
      pattern: 'x+? > b > c',
      events: 'b1 c1 b2 c2',
      options: skip('skipToFirst', 'b'),
      matches: '{b1 c1} {b2 c2}',
    },
    {
      fact: 'skipToFirst of the first step',
      pattern: 'b > c',
      events: 'b1 c1 b2 c2',
      options: skip('skipToFirst', 'b'),
      matches: '{b1 c1} {b2 c2}',
    },
    {
      fact: 'skipToFirst of a loop at the end',
      pattern: 'a > b+>',
      events: loop,
      options: skip('skipToFirst', 'b'),
      matches: '{a1 b1} {a2 b2} {a3 b4}',
    },
    {
      fact: 'skipToLast of a loop at the end',
      pattern: 'a > b+>',
      events: loop,
      options: skip('skipToLast', 'b'),
      matches: '{a1 b1} {a2 b2} {a3 b4}',
    },
    {
      fact: 'skipToFirst of a loop that took nothing',
      pattern: 'a > b+?> > c',
      events: 'a c',
      options: skip('skipToFirst', 'b'),
      matches: '{a c}',
    },
    { fact: 'a greedy loop, noSkip', pattern: 'a+g> > b', events: 'a1 a2 a3 b1', matches: '{a1 a2 a3 b1} {a2 a3 b1} {a3 b1}' },
    { fact: 'a greedy loop, skipPastLastEvent', pattern: 'a+g> > b', events: 'a1 a2 a3 b1', options: past, matches: '{a1 a2 a3 b1}' },
    {
      fact: 'a greedy loop, skipToLast',
      pattern: 'a+g> > b',
      events: 'a1 a2 a3 b1',
      options: skip('skipToLast', 'a'),
      matches: '{a1 a2 a3 b1} {a3 b1}',
    },
    {
      fact: 'a greedy loop, skipToFirst',
      pattern: 'a+g> > b',
      events: 'a1 a2 a3 b1',
      options: skip('skipToFirst', 'a'),
      matches: '{a1 a2 a3 b1} {a2 a3 b1} {a3 b1}',
    },
    {
      fact: 'skipToFirst discards what began before it',
      pattern: '',
      events: 'a b c1 c2 c3 d',
      options: { ...skip('skipToFirst', 'c'), steps: aOrC },
      matches: '{a b c1 c2 c3 d} {c1 c2 c3 d}',
    },
    {
      fact: 'one that was complete before waits for one that began before it',
      pattern: '',
      events: 'a1 c1 a2 c2 b1 b2',
      options: { ...skip('skipToFirst', 'c'), steps: samePrice },
      matches: '{a1 c1 b2} {a2 c2 b1}',
    },
  ])('$fact', ({ matches, ...row }) => {
    const found = findMatches(drawPattern(row.pattern, row.options), row.events, { isBounded: true });
    expect(matchSet(found.replaceAll(/timedOut:\{[^}]*\}/g, ''))).toEqual(matchSet(matches));
  });

  test('nothing stays behind of what is skipped', () => {
    const harness = patternHarness(drawPattern('a{2}', past));
    pushDrawn(harness, drawEvents('a1 a2 a3 a4'));
    expect(shown(harness)).toBe('{a1 a2} {a3 a4}');
    expect(harness.state.cells('node').size()).toBe(0);
  });
});

describe('I1 selecting: a result', () => {
  test('lists the events of each step by time, and has the time of its last event', () => {
    const harness = patternHarness(drawPattern('a .. b+ .. c'));
    pushDrawn(harness, drawEvents('a@3 b1@4 b2@6 c@9'));
    const longest = harness.emissions.flatMap((each) => (each.kind === 'event' ? [each] : [])).at(-1)!;
    expect(longest.timeMs).toBe(9);
    expect((longest.value as { matched: { b: { id: string }[] } }).matched.b.map(({ id }) => id)).toEqual(['b1', 'b2']);
  });

  test('of a pattern that nothing may follow has the time at which that was certain', () => {
    const harness = patternHarness(drawPattern('a !.. n', { within: '10ms' }));
    pushDrawn(harness, drawEvents('a@3'));
    harness.play('W12');
    expect(harness.emissions.map((each) => (each.kind === 'event' ? each.timeMs : null)).filter((timeMs) => timeMs !== null)).toEqual([13]);
  });
});

describe('I1 time', () => {
  /** Events come in the order in which they are drawn; what is late is told beside the matches. */
  function playUnordered(pattern: string, drawing: string): string {
    const order = new StepHarness({
      make: () => makeOrder({ kind: 'order', late: 'output' }),
      outputs: ['late'],
      value: ({ id, timeMs }) => ({ name: id, id: `${id}${timeMs}`, timeMs }),
    }).play(drawing);
    const harness = patternHarness(drawPattern(pattern, { within: '1h' }));
    const late: string[] = [];
    for (const each of order.emissions) {
      if (each.kind === 'watermark') harness.advance(each.watermark);
      else if (each.output === 'late') late.push(`late:${(each.value as DrawnEvent).id}`);
      else pushDrawn(harness, [each.value as DrawnEvent]);
    }
    return [shown(harness), ...late].filter((text) => text !== '').join(' ');
  }

  test.each([
    { fact: 'events between two watermarks are taken by their times', drawing: 'b3 a1 c2 W5', matches: '{a1 b3}' },
    { fact: 'what the watermark has not reached waits', drawing: 'a1 b5 W4', matches: '' },
    { fact: 'events of one time are taken as they came', drawing: 'a1 b1 W1', matches: '{a1 b1}' },
    { fact: 'the other way round they are no match', drawing: 'b1 a1 W1', matches: '' },
    {
      fact: 'what comes behind the watermark is late: on an output of its own, in no match',
      drawing: 'a1 W5 b4 b6 W9',
      matches: '{a1 b6} late:b4',
    },
    { fact: 'what is as old as the watermark is late', drawing: 'a1 W5 b5 W9', matches: 'late:b5' },
  ])('$fact', ({ drawing, matches }) => expect(playUnordered('a .. b', drawing)).toBe(matches));

  test('a condition gets the time of the event that it judges', () => {
    const steps: PatternInput['steps'] = [{ name: 'a' }, { name: 'b', contiguity: 'followedByAny', where: 'timeMs >= 5' }];
    expect(findMatches(drawPattern('', { steps, within: '1h' }), 'a@3 x@4 y@5')).toBe('{a y} {x y}');
  });
});

describe('I1 after a match: "b+ c" and b1 b2 b3 c', () => {
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

describe('I1 after a match: "(a | b | c) (b | c) c+.greedy d" and a b c1 c2 c3 d', () => {
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

describe('I1 after a match: "a b+" and a b1 b2 b3', () => {
  const events = 'a b1 b2 b3';
  test.each<Row>([
    { fact: 'noSkip', pattern: 'a .. b+', events, matches: '{a b1} {a b1 b2} {a b1 b2 b3}' },
    { fact: 'skipToNext', pattern: 'a .. b+', events, options: { afterMatch: 'skipToNext' }, matches: '{a b1}' },
  ])('$fact', check);
});

describe('I1 within', () => {
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
