// What the general tests of Apache Flink CEP expect (NFAITCase, NFATest): their patterns, inputs and outcomes, as rows. The others of
// its tests: flink-cep-cases.test.ts, flink-cep-groups.test.ts. Where we differ, and why, is in ADR 24.

import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { planOfSpec } from '../../testing/plan-of.ts';
import { drawEvents, drawPattern, drawSteps, findMatches, matchSet, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

type Row = { fact: string; pattern: string; events: string; matches: string; options?: Partial<PatternInput> };

function check({ pattern, events, matches, options }: Row): void {
  expect(matchSet(findMatches(drawPattern(pattern, options), events))).toEqual(matchSet(matches));
}

describe('I1 steps, as the tests of Flink CEP have it (NFAITCase)', () => {
  const anyEvents = (end: Partial<PatternInput['steps'][number]>): Partial<PatternInput> => ({
    steps: [{ name: 'start' }, { name: 'end', ...end }],
  });
  const [five, branches] = ['a b c d e', 's m1 m2 m3 n1 n2 e'];
  const firstOnly = '{s m1 n1 e} {s m2 n1 e} {s m3 n1 e}';

  test.each<Row>([
    { fact: 'without conditions', pattern: '', options: anyEvents({}), events: five, matches: '{a b} {b c} {c d} {d e}' },
    {
      fact: 'a loop without conditions',
      pattern: '',
      options: anyEvents({ times: { min: 1 } }),
      events: five,
      matches: '{a b c d e} {a b c d} {a b c} {a b} {b c d e} {b c d} {b c} {c d e} {c d} {d e}',
    },
    {
      fact: 'any, without conditions',
      pattern: '',
      options: anyEvents({ contiguity: 'followedByAny' }),
      events: five,
      matches: '{a b} {a c} {a d} {a e} {b c} {b d} {b e} {c d} {c e} {d e}',
    },
    { fact: 'what matches no step is ignored', pattern: 's .. m .. e', events: 's1 x y@3 m@3 s2 e', matches: '{s1 m e}' },
    { fact: 'next', pattern: 'a > b', events: 'a@3 b@5', matches: '{a b}' },
    { fact: 'next, another between', pattern: 'a > b', events: 'a c b', matches: '' },
    {
      fact: 'branches, all any',
      pattern: 's ... m ... n ... e',
      events: branches,
      matches: `${firstOnly} {s m1 n2 e} {s m2 n2 e} {s m3 n2 e}`,
    },
    { fact: 'branches, followedBy', pattern: 's .. m .. n ... e', events: branches, matches: '{s m1 n1 e}' },
    { fact: 'branches, any and followedBy', pattern: 's ... m .. n ... e', events: branches, matches: firstOnly },
    { fact: 'optional', pattern: 'c .. a? .. b', events: 'c a@5 b', matches: '{c a b} {c b}' },
    { fact: 'optional at the beginning', pattern: 'c? .. b', events: 'c b@6', matches: '{c b} {b}' },
    { fact: 'optional at the end', pattern: 'c .. a?', events: 'c a', matches: '{c a} {c}' },
  ])('$fact', check);
});

describe('I1 loops, as the tests of Flink CEP have it (NFAITCase)', () => {
  const [two, broken, strict] = ['c a1 a2 b', 'c d1 a1 a2 a3 d2 a4 b', 'c1 a1 c2 a2 a3'];
  const before = ['a1 a2 a3', 'a1 a2', 'a1 a3', 'a2 a3', 'a1', 'a2', 'a3', ''];
  const ofFirst = '{c a1 b} {c a1 a2 b} {c a1 a2 a3 b}';
  const combined = `${ofFirst} {c a1 a3 b} {c a1 a4 b} {c a1 a2 a4 b} {c a1 a3 a4 b} {c a1 a2 a3 a4 b}`;
  const ofStart = '{a1 b} {a2 b} {a3 b} {a1 a2 b} {a2 a3 b} {a1 a2 a3 b}';
  const strictStart = '{a1} {a2 a3} {a2} {a3}';

  test.each<Row>([
    {
      fact: 'none or more with combinations, before any and any',
      pattern: 'c ... a+?... ... b ... d ... e',
      events: 'c a1 a2 a3 b d1 d2 e',
      matches: before.flatMap((taken) => [`{c ${taken} b d1 e}`, `{c ${taken} b d2 e}`].map((each) => each.replace('  ', ' '))).join(' '),
    },
    {
      fact: 'none or more with combinations, after any',
      pattern: 'c ... a+?... .. b',
      events: two,
      matches: '{c a1 a2 b} {c a1 b} {c a2 b} {c b}',
    },
    { fact: 'none or more', pattern: 'c .. a+? .. b', events: 'c a1 a2 d a3 b', matches: `${ofFirst} {c b}` },
    { fact: 'none or more at the beginning', pattern: 'a+? .. b', events: 'a1 a2 a3 b', matches: `${ofStart} {b}` },
    {
      fact: 'none or more after none or more',
      pattern: 'c ... a+?... .. d+?... .. e',
      events: 'c a d1 d2 e',
      matches: '{c a d1 d2 e} {c a d1 e} {c d1 d2 e} {c d1 e} {c a e} {c e}',
    },
    {
      fact: 'none or more with combinations, behind branches',
      pattern: 'c ... a ... f ... d+?... .. e',
      events: 'c a1 a2 f d1 d2 e',
      matches: ['a1', 'a2'].flatMap((a) => ['', ' d1', ' d2', ' d1 d2'].map((taken) => `{c ${a} f${taken} e}`)).join(' '),
    },
    { fact: 'none or more, then next, another between', pattern: 'd .. a+? > b', events: 'd a1 a2 c b', matches: '' },
    { fact: 'none or more, then next', pattern: 'd ... a+?... > b', events: 'd a1 a2 b', matches: '{d a1 a2 b} {d a2 b}' },
    { fact: 'none or more, consecutive, another before', pattern: 's > m+?> .. e', events: 's x m1 m2 m3 e', matches: '{s e}' },
    { fact: 'none or more at the end', pattern: 'c .. a+?', events: 'c a1 a2 a3', matches: '{c a1 a2 a3} {c a1 a2} {c a1} {c}' },
    { fact: 'one or more, both any', pattern: 'c ... a+... ... b', events: two, matches: '{c a1 a2 b} {c a1 b} {c a2 b}' },
    {
      fact: 'one or more with combinations at the beginning',
      pattern: 'a+... .. b',
      events: 'a1 a2 a3 b',
      matches: `${ofStart} {a1 a3 b}`,
    },
    {
      fact: 'one or more, after any',
      pattern: 'c ... a+ ... b',
      events: 'c a1 a2 a3 b',
      matches: `${ofFirst} {c a2 a3 b} {c a3 b} {c a2 b}`,
    },
    { fact: 'one or more at the end', pattern: 'c .. a+', events: 'c a1 a2 a3', matches: '{c a1 a2 a3} {c a1 a2} {c a1}' },
    { fact: 'one or more, consecutive', pattern: 'c .. a+> .. b', events: broken, matches: ofFirst },
    { fact: 'one or more, relaxed', pattern: 'c .. a+ .. b', events: broken, matches: `${ofFirst} {c a1 a2 a3 a4 b}` },
    { fact: 'one or more, with combinations', pattern: 'c .. a+... .. b', events: broken, matches: combined },
    { fact: 'none or more, consecutive', pattern: 'c .. a+?> .. b', events: broken, matches: `${ofFirst} {c b}` },
    { fact: 'none or more, relaxed', pattern: 'c .. a+? .. b', events: broken, matches: `${ofFirst} {c a1 a2 a3 a4 b} {c b}` },
    { fact: 'none or more, with combinations', pattern: 'c .. a+?... .. b', events: broken, matches: `${combined} {c b}` },
    { fact: 'one or more, consecutive, alone', pattern: 'a+>', events: strict, matches: strictStart },
  ])('$fact', check);

  test('a loop behind a loop of the same events: one match for each way to divide them', () => {
    const steps: PatternInput['steps'] = ['c', 'a', 'z', 'b'].map((name) => {
      const where = `event.name == "${name === 'z' ? 'a' : name}"`;
      return { name, where, ...(name === 'a' || name === 'z' ? { times: { min: 1 }, inner: 'followedByAny' as const } : {}) };
    });
    check({
      fact: '',
      pattern: '',
      options: { steps },
      events: 'c a1 a2 a3 a4 a5 b',
      matches:
        '{c a1 a2 a3 a4 a5 b} {c a1 a2 a3 a4 a5 b} {c a1 a2 a3 a4 a5 b} {c a1 a2 a3 a4 a5 b} {c a1 a2 a3 a4 b} {c a1 a2 a3 a4 b} ' +
        '{c a1 a2 a3 a4 b} {c a1 a2 a3 a5 b} {c a1 a2 a3 a5 b} {c a1 a2 a4 a5 b} {c a1 a2 a4 a5 b} {c a1 a3 a4 a5 b} {c a1 a3 a4 a5 b} ' +
        '{c a1 a2 a3 b} {c a1 a2 a3 b} {c a1 a3 a4 b} {c a1 a4 a5 b} {c a1 a2 a4 b} {c a1 a2 a5 b} {c a1 a2 b}',
    });
  });

  test.each(['a+?', 'a+?>'])(
    'differs (ADR 24): %s is refused: it may take nothing, which begins with no event; Flink takes a+ from it',
    (pattern) => {
      const spec = {
        sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'timeMs' } }],
        stages: [{ name: 'p', from: 's', keyBy: 'event.id', pattern: { steps: drawSteps(pattern), within: '1h' } }],
        sinks: [{ name: 'out', from: 'p', nats: { subject: 'out' } }],
      };
      expect(() => planOfSpec(spec)).toThrow('all steps are optional: no event at all would be a match');
    },
  );
});

describe('I1 times, as the tests of Flink CEP have it (NFAITCase)', () => {
  const [plain, next, apart] = ['c a1 a2 a3 b', 'c a1 f1 a2 f2 a3 b', 'c f1 a1 f2 a2 a3 b'];
  const [ofFirst, all] = ['{c a1 a2 b} {c a1 a3 b}', '{c a1 a2 b} {c a1 a3 b} {c a2 a3 b}'];

  test.each<Row>([
    { fact: 'with combinations, next', pattern: 'c > a{2}... .. b', events: plain, matches: ofFirst },
    { fact: 'consecutive, at the beginning', pattern: 'a{2}> .. b', events: 'a1 a2 a3 b', matches: '{a1 a2 b} {a2 a3 b}' },
    { fact: 'with combinations, next, others between', pattern: 'c > a{2}... .. b', events: next, matches: ofFirst },
    { fact: 'relaxed', pattern: 'c .. a{2} .. b', events: plain, matches: '{c a1 a2 b}' },
    { fact: 'with combinations, after any', pattern: 'c ... a{2}... .. b', events: plain, matches: all },
    { fact: 'consecutive, next, another between', pattern: 'c > a{2}> .. b', events: 'c a1 f a2 a3 b', matches: '' },
    { fact: 'consecutive, after any', pattern: 'c ... a{2}> .. b', events: apart, matches: '{c a2 a3 b}' },
    { fact: 'with combinations, after any, others between', pattern: 'c ... a{2}... .. b', events: apart, matches: all },
    { fact: 'optional, of none', pattern: 'c .. a{3}? .. b', events: 'c f b', matches: '{c b}' },
    { fact: 'optional, with combinations', pattern: 'c ... a{2}?... .. b', events: apart, matches: `${all} {c b}` },
    { fact: 'optional, relaxed', pattern: 'c ... a{2}? .. b', events: apart, matches: '{c a1 a2 b} {c a2 a3 b} {c b}' },
    { fact: 'optional, consecutive', pattern: 'c ... a{2}?> .. b', events: apart, matches: '{c a2 a3 b} {c b}' },
    {
      fact: 'optional one or more, consecutive',
      pattern: 'c ... a+?> .. b',
      events: apart,
      matches: '{c a2 a3 b} {c a1 b} {c a2 b} {c a3 b} {c b}',
    },
    { fact: 'optional, consecutive, next', pattern: 'c > a{2}?> .. b', events: plain, matches: '{c a1 a2 b} {c b}' },
    { fact: 'optional, with combinations, next', pattern: 'c > a{2}?... .. b', events: next, matches: `${ofFirst} {c b}` },
  ])('$fact', check);
});

describe('I1 within, as the tests of Flink CEP have it (NFAITCase, NFATest)', () => {
  const within = (ms: number): Partial<PatternInput> => ({ within: `${ms}ms` });
  const [starts, ends] = ['s1@1 s2@2 m@3 x@4 e1@11 e2@13', 's1@1 x@2 s2@3 e@4'];
  const late = 's1@1 m1@4 s2@5 s3@11 m2@18';
  const timedOut = (...partials: readonly string[]): string => partials.map((each) => `timedOut:{${each}}`).join(' ');

  test.each<Row>([
    {
      fact: 'the first and the last event',
      pattern: 's .. m .. e',
      options: within(10),
      events: starts,
      matches: `{s2 m e1} ${timedOut('s1 m')}`,
    },
    { fact: 'the event before', pattern: 's .. m .. e@9', events: starts, matches: '{s1 m e1} {s2 m e1}' },
    {
      fact: 'the first and the last event: what timed out',
      pattern: 's ... m ... e',
      options: within(10),
      events: starts,
      matches: `{s2 m e1} ${timedOut('s1', 's1 m', 's2', 's2 m')}`,
    },
    {
      fact: 'the event before: what timed out',
      pattern: 's ... m ... e@10',
      events: starts,
      matches: `{s1 m e1} {s2 m e1} ${timedOut('s1 m', 's2 m')}`,
    },
    { fact: 'notFollowedBy at the end', pattern: 's !.. m', options: within(5), events: late, matches: '{s2} {s3}' },
    { fact: 'notFollowedBy at the end, from the event before', pattern: 's !.. m@5', events: late, matches: '{s2} {s3}' },
    { fact: 'two begin, one end', pattern: 's ... e', events: 's1 x s2 e', matches: '{s1 e} {s2 e}' },
    { fact: 'what began too early', pattern: 's ... e', options: within(2), events: ends, matches: `{s2 e} ${timedOut('s1')}` },
    {
      fact: 'from the event before, what came too late',
      pattern: 's ... e@2',
      events: 's1@1 e1@2 s2@3 e2@6 s3@7 e3@8',
      matches: `{s1 e1} {s3 e3} ${timedOut('s1', 's2')}`,
    },
    { fact: 'exactly as long', pattern: 's ... e', options: within(2), events: 's@1 e@3', matches: timedOut('s') },
    {
      fact: 'exactly as long, and shorter',
      pattern: 's ... e',
      options: within(2),
      events: 's1@1 s2@2 x@3 e@3',
      matches: `{s2 e} ${timedOut('s1')}`,
    },
    {
      fact: 'too short for the times',
      pattern: 'l{3,}',
      options: within(2),
      events: 'l1@101 l2@102 l3@103 l4@104 l5@105',
      matches: timedOut('l1 l2', 'l2 l3', 'l3 l4'),
    },
  ])('$fact', check);

  test.each([
    { fact: 'the first and the last event', pattern: 's ... m ... e', options: within(10), times: [11, 11, 12, 12] },
    { fact: 'the event before', pattern: 's ... m ... e@10', options: {}, times: [13, 13] },
  ])('a time-out has the time at which it was too late: $fact', ({ pattern, options, times }) => {
    const harness = patternHarness(drawPattern(pattern, options));
    pushDrawn(harness, drawEvents(starts));
    const found = harness.emissions.flatMap((each) => (each.kind === 'event' && each.output === 'timedOut' ? [each.timeMs] : []));
    expect(found).toEqual(times);
  });
});

describe('I1 what is kept, as the tests of Flink CEP have it (NFAITCase, NFATest)', () => {
  const within8: Partial<PatternInput> = { within: '8ms' };

  test.each<{ fact: string; pattern: string; events: string; options?: Partial<PatternInput> }>([
    { fact: 'times', pattern: 'c > a{2} .. b', options: within8, events: 'c@1 a1@2 a2@3 a3@4 b@6' },
    { fact: 'times, from the event before', pattern: 'c > a{2} .. b@8', events: 'c@1 a1@2 a2@3 a3@4 b@6' },
    { fact: 'optional', pattern: 'c .. a? .. b', options: within8, events: 'c@1 a@5 b@6' },
    { fact: 'optional, from the event before', pattern: 'c .. a? .. b@8', events: 'c@1 a@5 b@6' },
    { fact: 'one or more with combinations', pattern: 'c .. a+... .. b', options: within8, events: 'c@1 a1@3 a2@4 b@6' },
    { fact: 'none or more with combinations', pattern: 'c .. a+?... .. b', options: within8, events: 'c@1 a1@3 a2@4 b@6' },
  ])('nothing stays when time is over: $fact', ({ pattern, options, events }) => {
    const harness = patternHarness(drawPattern(pattern, options));
    pushDrawn(harness, drawEvents(events));
    harness.play('W9'); // so time is 10
    expect(shown(harness)).toContain('b}');
    expect(harness.state.cells('node').size()).toBe(0);
  });

  test('a loop with combinations whose end alone has a within goes on behind a match', () => {
    const harness = patternHarness(drawPattern('c .. a+?... .. b@8'));
    pushDrawn(harness, drawEvents('c@1 a1@3 a2@4 b@6'));
    harness.play('W9'); // so time is 10
    expect(harness.state.cells('node').size()).toBe(2 + 3); // two partial matches of three events
    expect(matchSet(shown(harness))).toEqual(matchSet('{c a1 a2 b} {c a1 b} {c b}'));
    pushDrawn(harness, drawEvents('a3@20 b2@21'));
    expect(matchSet(shown(harness))).toEqual(matchSet('{c a1 a3 b2} {c a1 a2 a3 b2}'));
  });

  test.each([
    { fact: 'of what began too early nothing', pattern: 'a{4}', options: { within: '3ms' }, events: ['a2'] },
    { fact: 'from the event before, all that may go on', pattern: 'a{4}@3', options: {}, events: ['a1', 'a2'] },
  ])('a repetition that is not whole: $fact', ({ pattern, options, events }) => {
    const harness = patternHarness(drawPattern(pattern, { afterMatch: 'skipPastLastEvent', ...options }));
    pushDrawn(harness, drawEvents('a1@1 a2@2'));
    harness.play('W3'); // so time is 4
    const cells = harness.state.cells('node');
    const kept = cells
      .namespaces()
      .flatMap((namespace) => (namespace % 2 === 1 ? [...cells.entries(namespace)].map(([, cell]) => cell) : []));
    expect(kept.map((cell) => (cell as readonly [number, { id: string }])[1].id)).toEqual(events);
  });

  const sum = (event: { name: string }, matched: Readonly<Record<string, readonly { id: string }[]>>): boolean =>
    event.name !== 'x' && (matched['b'] ?? []).reduce((all, { id }) => all + Number(id.slice(1)), 0) > 5;

  test.each<{ fact: string; pattern: string; steps?: (drawn: PatternInput['steps']) => PatternInput['steps'] }>([
    { fact: 'a loop with combinations', pattern: 'a ... b+?... ... d' },
    {
      fact: 'a not, and a condition on the loop',
      pattern: 'a !.. c ... b+?... ... d',
      steps: (drawn) => [...drawn.slice(0, -1), { ...drawn.at(-1)!, where: sum }],
    },
    {
      fact: 'a not behind any event',
      pattern: 'a !.. c ... b+... ... d',
      steps: ([, ...others]) => [{ name: 'a' }, ...others],
    },
  ])('is as it was when it has been written and read, behind each event: $fact', ({ pattern, steps = (drawn) => drawn }) => {
    const spec = drawPattern('', { steps: steps(drawSteps(pattern)), within: '1h' });
    const [whole, broken] = [patternHarness(spec), patternHarness(spec)];
    for (const event of drawEvents('a1 b2 c3 b3 b4 b5 d4 a8')) {
      pushDrawn(whole, [event]);
      pushDrawn(broken, [event]);
      broken.restart();
      expect(shown(broken)).toBe(shown(whole));
    }
    expect(broken.state.cells('node').size()).toBe(whole.state.cells('node').size());
  });
});

describe('I1 a result, as the tests of Flink CEP have it (NFAITCase)', () => {
  const resultOf = (
    spec: ReturnType<typeof drawPattern>,
    events: readonly { name: string; id: string }[],
  ): Record<string, { id: string }[]>[] => {
    const harness = patternHarness(spec);
    pushDrawn(
      harness,
      events.map((event, i) => ({ ...event, timeMs: i + 1 })),
    );
    return harness.emissions.flatMap((each) =>
      each.kind === 'event' ? [(each.value as { matched: Record<string, { id: string }[]> }).matched] : [],
    );
  };

  test('lists the events of each step as they came', () => {
    const found = resultOf(drawPattern('a{4}... ... b{3}>'), drawEvents('a1 a2 a3 a4 b1 b2 b3'));
    expect(found.map(({ a, b }) => [a, b].map((events) => events!.map(({ id }) => id).join(' ')))).toEqual([['a1 a2 a3 a4', 'b1 b2 b3']]);
  });

  test('lists the steps as they are declared', () => {
    const names = ['a', 'b', 'aa', 'bb', 'ab'];
    const steps = names.map((name) => ({ name, where: `event.name == "${name}"`, contiguity: 'next' as const }));
    const [{ contiguity: _, ...first }, ...others] = [steps[0]!, ...steps.slice(1)];
    const found = resultOf(
      drawPattern('', { steps: [first, ...others] }),
      names.map((name) => ({ name, id: name })),
    );
    expect(found.map((matched) => Object.keys(matched))).toEqual([names]);
  });
});
