import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runModel, runWindow, showWindow, windowHarness } from './window-drawing.ts';
import type { Play, WindowModel } from './window-drawing.ts';

const session = (gapMs: number) => windowHarness({ kind: 'session', gapMs });

describe('F2 sessions with a gap of 10 ms', () => {
  test.each([
    { fact: 'events less than a gap apart belong together', events: 'a1 a10 Wend', emits: '[1,20) a=2 Wend' },
    { fact: 'a gap parts', events: 'a1 a11 Wend', emits: '[1,11) a=1 [11,21) a=1 Wend' },
    { fact: 'a session closes when no event can extend it any more', events: 'a1 W9 W10', emits: 'W9 [1,11) a=1 W10' },
    { fact: 'an event moves the end on', events: 'a1 a8 W10 W16 W17', emits: 'W10 W16 [1,18) a=2 W17' },
    { fact: 'an earlier event moves the start back', events: 'a8 a1 Wend', emits: '[1,18) a=2 Wend' },
    { fact: 'a bridge merges two sessions', events: 'a1 a15 | a8 Wend', emits: '[1,25) a=3 Wend' },
    { fact: 'a bridge of three', events: 'a1 a15 a30 | a22 | a8 Wend', emits: '[1,40) a=5 Wend' },
    {
      fact: 'an event between two sessions joins the one that it touches',
      events: 'a1 a25 | a9 Wend',
      emits: '[1,19) a=2 [25,35) a=1 Wend',
    },
    { fact: 'keys have their own', events: 'a1 b5 a9 Wend', emits: '[5,15) b=1 [1,19) a=2 Wend' },
    { fact: 'an event that would be a closed session is late', events: 'a1 W10 a1', emits: '[1,11) a=1 W10 late:a1' },
    { fact: 'one that touches an open session is not', events: 'a12 W13 a3 W30', emits: 'W13 [3,22) a=2 W30' },
    { fact: 'one behind the watermark whose session is still open is not', events: 'W10 a5 Wend', emits: 'W10 [5,15) a=1 Wend' },
    { fact: 'a closed session takes no more: the next one begins', events: 'a1 W10 a11 Wend', emits: '[1,11) a=1 W10 [11,21) a=1 Wend' },
    { fact: 'sessions survive a restart, and merge after it', events: 'a1 a15 R a8 R Wend', emits: '[1,25) a=3 Wend' },
    { fact: 'times before the epoch', events: 'a-15 a-6 a3 Wend', emits: '[-15,13) a=3 Wend' },
    { fact: 'results come by end, then by key', events: 'b1 a1 c0 Wend', emits: '[0,10) c=1 [1,11) a=1 [1,11) b=1 Wend' },
    {
      fact: 'an event that fails opens and merges nothing',
      events: 'a1 a15 | a8=13 b1=13 Wend',
      emits: '[1,11) a=1 [15,25) a=1 Wend dead:a8 dead:b1',
    },
  ])('$fact', ({ events, emits }) => expect(session(10).play(events).drawn(showWindow)).toBe(emits));
});

test('F2 an ended session leaves no state behind', () => {
  const harness = session(10).play('a1 a15 a8 b99 W40');
  expect([...harness.state.cells('node').entries(9)]).toHaveLength(1);
  expect(harness.state.cells('node').size()).toBe(1);
});

/** Open sessions as lists of times; merged by looking at every pair. */
function modelOf(gapMs: number): (watermark: () => number) => WindowModel {
  return (watermark) => {
    let open: { id: string; times: number[] }[] = [];
    return {
      add: (id, timeMs) => {
        const touched = open.filter((one) => one.id === id && one.times.some((time) => Math.abs(time - timeMs) < gapMs));
        if (touched.length === 0 && timeMs + gapMs - 1 <= watermark()) return false;
        open = open.filter((one) => !touched.includes(one));
        open.push({ id, times: [timeMs, ...touched.flatMap(({ times }) => times)] });
        return true;
      },
      rise: (rise) => {
        const ended = open.filter(({ times }) => Math.max(...times) + gapMs - 1 <= rise);
        open = open.filter((one) => !ended.includes(one));
        return ended.map(({ id, times }) => `[${Math.min(...times)},${Math.max(...times) + gapMs}) ${id}=${times.length}`);
      },
    };
  };
}

const time = fc.integer({ min: -60, max: 60 });
const plays: fc.Arbitrary<Play[]> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b'), timeMs: time }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
    ),
    { maxLength: 60 },
  )
  .map((list) => [...list, { kind: 'watermark', watermark: Infinity }]);

test('F2 sessions give what merging every touching pair gives', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), plays, (gapMs, list) => {
      const model = runModel(modelOf(gapMs), list);
      for (const stepBytes of [undefined, 1, 150]) expect(runWindow({ kind: 'session', gapMs }, list, stepBytes)).toEqual(model);
    }),
    { numRuns: 300 },
  );
});

test('F2 sessions that end together are given one by one, with restarts between', () => {
  const end: Play = { kind: 'watermark', watermark: Infinity };
  const event = fc.record({
    kind: fc.constant('event' as const),
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    timeMs: fc.integer({ max: 6, min: 0 }),
  });
  const rise = fc.record({ kind: fc.constant('watermark' as const), watermark: fc.integer({ min: 0, max: 20 }) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.oneof({ weight: 9, arbitrary: event }, { weight: 1, arbitrary: rise }), { maxLength: 30 }),
      (gapMs, list) => {
        const model = runModel(modelOf(gapMs), [...list, end]);
        for (const stepBytes of [undefined, 1, 150])
          expect(runWindow({ kind: 'session', gapMs }, [...list, end], stepBytes)).toEqual(model);
      },
    ),
    { numRuns: 200 },
  );
});

test('F2 without late events, sessions do not depend on the order in which events come', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(time, { maxLength: 30 }), (gapMs, times) => {
      const end: Play = { kind: 'watermark', watermark: Infinity };
      const play = (list: readonly number[]) =>
        runWindow({ kind: 'session', gapMs }, [...list.map((timeMs): Play => ({ kind: 'event', id: 'a', timeMs })), end]);
      expect(play(times)).toEqual(play(times.toSorted((a, b) => a - b)));
    }),
  );
});
