import { describe, expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { encodeKey } from '../../event/key.ts';
import type { Value } from '../../event/batch.ts';
import { drawEvents, drawPattern, findMatches, patternHarness, pushDrawn, shown } from './pattern-drawing.ts';

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
