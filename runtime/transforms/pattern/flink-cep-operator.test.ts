// What the tests of Apache Flink CEP expect of its operator and of whole jobs (CEPOperatorTest, CEPITCase, NFAStatusChangeITCase):
// events out of order, watermarks, keys, restarts, state. Their inputs and outcomes as rows; where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import type { PatternInput, PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { decodeKey, encodeKey } from '../../event/key.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeOrder } from '../order.ts';
import { drawEvents, drawPattern, matchSet, patternHarness, pushDrawn, showMatch } from './pattern-drawing.ts';
import type { DrawnEvent } from './pattern-drawing.ts';

/** `k/a@1` an event of key k, `W5` a watermark, `R` a restart. Matches, what timed out, what is late and watermarks, in order. */
class Played {
  readonly #order = new StepHarness({ make: () => makeOrder({ kind: 'order', late: 'output' }), outputs: ['late'] });
  readonly #pattern: StepHarness;

  constructor(spec: PatternSpec) {
    this.#pattern = patternHarness(spec);
  }

  get late(): number {
    return this.#order.late;
  }

  /** Names of the keys of which something is kept. */
  get keys(): readonly string[] {
    const cells = this.#pattern.state.cells('node');
    return [
      ...new Set(cells.namespaces().flatMap((namespace) => [...cells.entries(namespace)].map(([key]) => `${decodeKey(key) as string}`))),
    ];
  }

  play(drawing: string): string {
    return drawing
      .split(' ')
      .flatMap((token) => this.#playToken(token))
      .join(' ');
  }

  #playToken(token: string): readonly string[] {
    if (token === 'R') {
      this.#order.restart();
      this.#pattern.restart();
    } else if (/^W\d+$/.test(token)) this.#order.advance(Number(token.slice(1)));
    else {
      const [name, key = 'k'] = token.split('/').toReversed();
      pushDrawn(this.#order, drawEvents(name!), encodeKey(key));
    }
    return this.#passOn(token);
  }

  #passOn(token: string): readonly string[] {
    const late: string[] = [];
    for (const each of this.#order.emissions.splice(0)) {
      if (each.kind === 'watermark') this.#pattern.advance(each.watermark);
      else if (each.output === 'late') late.push(`late:${(each.value as DrawnEvent).id}`);
      else pushDrawn(this.#pattern, [each.value as DrawnEvent], each.key!);
    }
    const found = this.#pattern.emissions.splice(0).flatMap((each) => {
      if (each.kind === 'watermark') return `W${each.watermark}` === token ? [token] : []; // order tells those between, too
      return [`${each.output === null ? '' : `${each.output}:`}{${showMatch(each.value)}}`];
    });
    return [...late, ...found];
  }
}

const within10: Partial<PatternInput> = { within: '10ms' };
const branching = 's ... m ... e';

describe('I1 the operator, as the tests of Flink CEP have it (CEPOperatorTest)', () => {
  const loopThenSame: PatternInput['steps'] = [
    { name: 'c', where: 'event.name == "c"' },
    { name: 'a', where: 'event.name == "a"', times: { min: 1 }, optional: true },
    { name: 'b', where: 'event.name == "b"', optional: true },
    { name: 'end', where: 'event.name == "a"' },
  ];

  test.each<{ fact: string; pattern: string; options?: Partial<PatternInput>; play: string; gives: string }>([
    { fact: 'a watermark goes on', pattern: branching, play: 'W42', gives: 'W42' },
    {
      fact: 'restarts, with events that wait and with partial matches',
      pattern: branching,
      play: 's@1 x@2 R y@3 W2 m@3 s2@4 e@5 R W10',
      gives: 'W2 {s m e} timedOut:{s} timedOut:{s m} W10',
    },
    { fact: 'time goes on without events', pattern: branching, play: 's@3 W5 W13', gives: 'W5 timedOut:{s} W13' },
    { fact: 'restarts between its events', pattern: 'c .. a .. b', play: 'c@1 R d@4 R a@4 b@4 W4', gives: '{c a b} W4' },
    {
      fact: 'a comparator for events of one time there is none: they are taken as they came',
      pattern: branching,
      play: 's1@1 2/s@1 x@2 y@3 W3 s2@4 m2@5 m1@5 R e@6 W6',
      gives: 'W3 {s1 m2 e} {s1 m1 e} {s2 m2 e} {s2 m1 e} W6',
    },
  ])('$fact', ({ pattern, options = within10, play, gives }) => {
    expect(new Played(drawPattern(pattern, options)).play(play)).toBe(gives);
  });

  test('what is late is in no match, what timed out is gone, of each key by itself', () => {
    const played = new Played(drawPattern(branching, within10));
    expect(played.play('x@2 m1@2 y@3 s1@1 2/s@1')).toBe('');
    expect(played.keys).toEqual([]); // all wait for the watermark
    expect(played.play('W2')).toBe('W2');
    expect(played.keys.toSorted()).toEqual(['2', 'k']);
    const timedOut = 'timedOut:{s} timedOut:{s1} timedOut:{s1 m1} timedOut:{s1 m2}';
    expect(matchSet(played.play('s2@4 m2@5 R e1@6 W11 W12'))).toEqual(matchSet(`{s1 m1 e1} {s1 m2 e1} {s2 m2 e1} ${timedOut}`));
    expect(played.keys).toEqual(['k']);
    expect(played.play('m3@12 e2@13 W20 W21')).toBe('late:m3 {s2 m2 e2} timedOut:{s2} timedOut:{s2 m2} W20 W21');
    expect(played.keys).toEqual([]);
  });

  test('equal events of one time, out of order', () => {
    const played = new Played(drawPattern('', { ...within10, steps: loopThenSame }));
    expect(played.play('b@6 a3@7 c@1 a1@3 a2@3 a1@3 d@5 W2')).toBe('W2');
    const found = played.play('W8');
    expect(matchSet(found)).toEqual(
      matchSet('{c a1} {c a1 a2} {c b a3} {c a1 a2 a1} {c a1 b a3} {c a1 a2 a1 a3} {c a1 a2 b a3} {c a1 a2 a1 b a3}'),
    );
    expect(played.keys).toEqual(['k']);
    played.play('W17');
    expect(played.keys).toEqual([]);
  });

  test('a loop with a condition on what it took, out of order', () => {
    const price: Readonly<Record<string, number>> = { m1: 1, m2: 2, m3: 3, m4: 1 };
    const isCheap = (event: DrawnEvent, { m = [] }: Readonly<Record<string, readonly DrawnEvent[]>>): boolean =>
      event.name === 'm' && [...m, event].reduce((all, { id }) => all + price[id]!, 0) < 5;
    const [first, , last] = drawPattern('s .. m .. e').steps;
    const steps: PatternInput['steps'] = [first!, { name: 'm', where: isCheap, times: { min: 1 }, inner: 'followedByAny' }, last!];
    const played = new Played(drawPattern('', { steps, within: '1h' }));
    const found = played.play('W0 s1@1 m1@2 W2 m3@5 m2@3 s2@4 W5 n@7 e@8 m4@6 W100');
    expect(matchSet(found)).toEqual(matchSet('{s1 m1 m2 m4 e} {s1 m1 m2 e} {s1 m1 m3 e} {s2 m3 m4 e} {s1 m1 m4 e} {s1 m1 e} {s2 m3 e}'));
  });

  test('what is late comes out on an output of its own, and is counted', () => {
    const played = new Played(drawPattern('', { ...within10, steps: loopThenSame }));
    expect(played.play('c@6 W6 a1@4 a2@5 a3@7')).toBe('W6 late:a1 late:a2');
    const counted = new Played(drawPattern(branching, within10));
    expect(counted.play('W0 s@1 W2 a1@1 a2@3 W4 a3@3')).toBe('W0 W2 late:a1 W4 late:a3');
    expect(counted.late).toBe(2);
  });

  test('in the order of arrival, where the clock is the time (processingTime)', () => {
    const harness = patternHarness(drawPattern(branching, within10));
    const arrive = (drawing: string): readonly string[] => {
      pushDrawn(harness, drawEvents(drawing));
      return harness.emissions
        .splice(0)
        .flatMap((each) => (each.kind === 'event' && each.output === null ? [`{${showMatch(each.value)}}`] : []));
    };
    expect(arrive('s1@0 x@0 m1@0 y@0 s2@3 m2@3')).toEqual([]);
    harness.restart();
    expect(arrive('e1@3')).toEqual(['{s1 m1 e1}', '{s1 m2 e1}', '{s2 m2 e1}']);
    expect(arrive('m3@11 e2@11')).toEqual(['{s2 m2 e2}', '{s2 m3 e2}']);
    harness.advance(20);
    expect(harness.state.cells('node').size()).toBe(0);
    expect(arrive('s3@21')).toEqual([]);
    expect(harness.state.cells('node').size()).toBe(2);
    harness.advance(48); // the clock alone: Flink waits for another event
    expect(harness.state.cells('node').size()).toBe(0);
  });
});

describe('I1 whole jobs, as the tests of Flink CEP have it (CEPITCase)', () => {
  const strip = (found: string): string => found.replaceAll(/ ?(timedOut:\{[^}]*\}|W\d+)/g, '').trim();

  test.each<{ fact: string; pattern: string; options?: Partial<PatternInput>; play: string; matches: string }>([
    { fact: 'one sequence among others', pattern: branching, play: 'x@1 s@2 y@3 z@4 q@5 m@6 r@7 t@8 e@9 W9', matches: '{s m e}' },
    {
      fact: 'each key by itself',
      pattern: branching,
      play: '2/s2@2 3/s3@3 3/x@4 3/m3@5 42/s42@6 42/m42@7 2/m2@8 42/x@9 3/e3@10 2/e2@11 42/e42@12 W12',
      matches: '{s2 m2 e2} {s3 m3 e3} {s42 m42 e42}',
    },
    { fact: 'by event time', pattern: branching, play: 's@5 W0 m1@1 e1@3 e2@10 W5 m2@7 m3@100 W95', matches: '{s m2 e2}' },
    {
      fact: 'by event time, each key by itself',
      pattern: branching,
      play: '1/s1@5 W0 1/m@1 2/m2@4 2/s2@3 1/e@3 3/s3@5 1/e1@10 W5 2/e2@8 1/m1@7 3/m3@9 3/e3@7 W20',
      matches: '{s1 m1 e1} {s2 m2 e2}',
    },
    { fact: 'a single step', pattern: 'a', play: 'a@1 b@2 W9', matches: '{a}' },
    {
      fact: 'of any two within a day',
      pattern: '',
      options: { within: '1d', steps: [{ name: 'start' }, { name: 'end', contiguity: 'followedByAny' }] },
      play: 'a@1 b@2 W9',
      matches: '{a b}',
    },
    {
      fact: 'a condition or another',
      pattern: '',
      options: {
        within: '1h',
        steps: [
          { name: 's', where: 'event.name == "s"' },
          { name: 'm', where: 'event.id == "m2" || event.id == "m5"', contiguity: 'followedByAny' },
          { name: 'e', where: 'event.name == "e"', contiguity: 'followedByAny' },
        ],
      },
      play: 's1@1 m2@2 e3@3 s4@4 m5@5 e6@6 W9',
      matches: '{s1 m5 e6} {s1 m2 e3} {s4 m5 e6} {s1 m2 e6}',
    },
    {
      fact: 'skipPastLastEvent',
      pattern: 'a{2}',
      options: { within: '1h', afterMatch: 'skipPastLastEvent' },
      play: 'a1@1 a2@2 a3@3 a4@4 W9',
      matches: '{a1 a2} {a3 a4}',
    },
  ])('$fact', ({ pattern, options = { within: '1h' }, play, matches }) => {
    expect(matchSet(strip(new Played(drawPattern(pattern, options)).play(play)))).toEqual(matchSet(matches));
  });

  test('what timed out comes beside the matches', () => {
    const found = new Played(drawPattern(branching, { within: '3ms' })).play('s1@1 m@5 W0 s2@4 e@6 W100');
    expect(matchSet(found)).toEqual(matchSet('{s2 m e} timedOut:{s1} timedOut:{s2} timedOut:{s2 m}'));
  });
});

describe('I1 an event that changes nothing writes nothing, as the tests of Flink CEP have it (NFAStatusChangeITCase)', () => {
  test.each([
    {
      fact: 'a loop with combinations',
      pattern: 'a ... b+?... .. d .. e',
      // Flink writes with the first event that is ignored, too: its automaton goes into another state.
      play: { 'b1@1': false, 'a@2': true, 'f1@3': false, 'f2@4': false, 'b2@5': true, 'd@6': true, W7: false, W11: true },
    },
    { fact: 'a loop before a next', pattern: 's .. a+? > b', play: { 's@6': true, 'a@7': true } },
    { fact: 'time alone', pattern: 's .. e', play: { 's@6': true, W16: true } },
  ])('$fact', ({ pattern, play }) => {
    const harness = patternHarness(drawPattern(pattern, within10));
    const written = Object.keys(play).map((token) => {
      harness.state.takeDelta();
      if (token.startsWith('W')) harness.advance(Number(token.slice(1)));
      else pushDrawn(harness, drawEvents(token));
      return [token, harness.state.takeDelta() !== null];
    });
    expect(Object.fromEntries(written)).toEqual(play);
  });
});
