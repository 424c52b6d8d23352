// Windows by count: drawn, and against a model that keeps every event.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompiledWindow } from '../../plan/physical-plan.ts';
import { showWindow, windowHarness, type Play } from './window-drawing.ts';

const by = (size: number, every = size, orAfterMs: number | null = null): CompiledWindow => ({ kind: 'count', size, every, orAfterMs });

describe.each<{ of: string; window: CompiledWindow; cases: readonly { fact: string; events: string; emits: string }[] }>([
  {
    of: 'F3 windows of three events',
    window: by(3),
    cases: [
      { fact: 'a result comes with the third, and a new window begins', events: 'a1 a2 a5 a6 a7 a8 a9', emits: '#0[1,6) a=3 #1[6,9) a=3' },
      { fact: 'each key counts for itself', events: 'a1 b2 a3 b4 a5 b6', emits: '#0[1,6) a=3 #0[2,7) b=3' },
      { fact: 'however events are batched', events: 'a1 | a2 | a5 | a6', emits: '#0[1,6) a=3' },
      { fact: 'after a crash as before', events: 'a1 R a2 R a5 R a6 R a7 a8', emits: '#0[1,6) a=3 #1[6,9) a=3' },
      { fact: 'events count in the order in which they come, and none is late', events: 'W9 a12 a3 a4 W13', emits: 'W9 #0[3,13) a=3 W13' },
      {
        fact: 'a result is not behind the watermark',
        events: 'W9 a2 a3 a4 W13',
        emits: 'W9 #0[2,5) a=3 at 10 W13',
      },
      { fact: 'an event that fails does not count', events: 'a1 a2=13 a3 a4', emits: '#0[1,5) a=3 dead:a2' },
      { fact: 'a window that is not full gives nothing, at the end of the input neither', events: 'a1 a2 Wend', emits: 'Wend' },
    ],
  },
  {
    of: 'F3 windows of four events every two',
    window: by(4, 2),
    cases: [
      { fact: 'the first ones are shorter', events: 'a1 a2 a3 a4 a5 a6', emits: '#0[1,3) a=2 #1[1,5) a=4 #2[3,7) a=4' },
      { fact: 'after a crash as before', events: 'a1 R a2 a3 R a4 R a5 R a6', emits: '#0[1,3) a=2 #1[1,5) a=4 #2[3,7) a=4' },
    ],
  },
  {
    of: 'F3 windows of five events every three',
    window: by(5, 3),
    cases: [
      {
        fact: 'the distance need not divide the size',
        events: 'a1 a2 a3 a4 a5 a6 a7 a8 a9',
        emits: '#0[1,4) a=3 #1[2,7) a=5 #2[5,10) a=5',
      },
    ],
  },
  {
    of: 'F3 windows of three events, or of 10 ms',
    window: by(3, 3, 10),
    cases: [
      { fact: 'time ends a window too', events: 'a1 a2 W10 W11 a12', emits: 'W10 #0[1,3) a=2 at 11 W11' },
      {
        fact: 'a full window ends before its time, and the next has a time of its own',
        events: 'a1 a2 a3 a9 W11 W18 W19',
        emits: '#0[1,4) a=3 W11 W18 #1[9,10) a=1 at 19 W19',
      },
      { fact: 'after a crash as before', events: 'a1 R a2 R W11 R a12 R a14 a15', emits: '#0[1,3) a=2 at 11 W11 #1[12,16) a=3' },
      { fact: 'an event whose time is over ends with the next rise', events: 'W20 a1 a2 W21', emits: 'W20 #0[1,3) a=2 at 21 W21' },
      { fact: 'the end of the input leaves nothing untold', events: 'a1 b2 b3 Wend', emits: '#0[1,2) a=1 at 11 #0[2,4) b=2 at 12 Wend' },
    ],
  },
])('$of', ({ window, cases }) => {
  test.each(cases)('$fact', ({ events, emits }) => {
    expect(windowHarness(window).play(events).drawn(showWindow)).toBe(emits);
  });
});

type Shape = { readonly size: number; readonly every: number; readonly orAfterMs: number | null };
type ModelKey = { all: number[]; since: number[]; number: number };

function modelOf({ size, every, orAfterMs }: Shape, plays: readonly Play[]): readonly string[] {
  const keys = new Map<string, ModelKey>();
  const out: string[] = [];
  let watermark = -Infinity;
  const give = (id: string, key: ModelKey): void => {
    const times = key.all.slice(-size);
    out.push(`#${key.number++}[${Math.min(...times)},${Math.max(...times) + 1}) ${id}=${times.length}`);
    key.since = [];
    if (every === size) key.all = [];
  };
  for (const play of plays) {
    if (play.kind === 'event') {
      const key = keys.get(play.id) ?? { all: [], since: [], number: 0 };
      keys.set(play.id, key);
      key.all.push(play.timeMs);
      key.since.push(play.timeMs);
      if (key.since.length === every) give(play.id, key);
    } else if (play.kind === 'watermark' && play.watermark > watermark) {
      watermark = play.watermark;
      const due = [...keys].filter(([, { since }]) => orAfterMs !== null && since.length > 0 && since[0]! + orAfterMs <= watermark);
      due.sort(
        (
          [
            a,
            {
              since: [first],
            },
          ],
          [
            b,
            {
              since: [other],
            },
          ],
        ) => first! - other! || (a < b ? -1 : 1),
      );
      for (const [id, key] of due) give(id, key);
      out.push(`W${watermark}`);
    }
  }
  return out;
}

const time = fc.integer({ min: -30, max: 50 }).filter((timeMs) => timeMs !== 13);
const plays: fc.Arbitrary<Play[]> = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b'), timeMs: time }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 80 },
);
const shapes: fc.Arbitrary<Shape> = fc
  .record({ size: fc.integer({ min: 1, max: 9 }), less: fc.nat({ max: 8 }), orAfterMs: fc.option(fc.integer({ min: 1, max: 20 })) })
  .map(({ size, less, orAfterMs }) => {
    const every = Math.max(1, size - less);
    return { size, every, orAfterMs: every === size ? orAfterMs : null };
  });

test('F3 what windows by count and time give is what the model gives, and none is late, exact across crashes', () => {
  fc.assert(
    fc.property(shapes, plays, (shape, list) => {
      const harness = windowHarness({ kind: 'count', ...shape });
      let watermark = -Infinity;
      for (const play of list) {
        const before = harness.emissions.length;
        if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: play.timeMs }]);
        else if (play.kind === 'restart') harness.restart();
        else harness.advance(play.watermark);
        for (const emission of harness.emissions.slice(before))
          if (emission.kind === 'event') expect(emission.timeMs).toBeGreaterThan(watermark);
          else watermark = emission.watermark;
      }
      const told = harness.drawn(showWindow).replaceAll(/ at -?\d+/g, '');
      expect(told).toBe(modelOf(shape, list).join(' '));
    }),
    { numRuns: 500 },
  );
});
