import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WATERMARK_MAX } from '../../event/batch.ts';
import { runModel, runWindow, showWindow, windowHarness } from './window-drawing.ts';
import type { Play, WindowModel } from './window-drawing.ts';
import { RESULTS_MAX } from './window-results.ts';

type Sizes = { sizeMs: number; everyMs: number; offsetMs: number };

const tumbling = (sizeMs: number, offsetMs = 0) => windowHarness({ kind: 'tumbling', sizeMs, offsetMs });
const sliding = (sizeMs: number, everyMs: number) => windowHarness({ kind: 'sliding', sizeMs, everyMs, offsetMs: 0 });

describe('tumbling windows of 10 ms', () => {
  test.each([
    { fact: 'a window closes when the watermark reaches its last ms', events: 'a1 .. a7 .. W8 W9', emits: 'W8 [0,10) a=2 W9' },
    { fact: 'an event at the end belongs to the next window', events: 'a1 .. a10 .. W10', emits: '[0,10) a=1 W10' },
    { fact: 'an event whose window is closed goes to the late output', events: 'a1 W9 a4', emits: '[0,10) a=1 W9 late:a4' },
    { fact: 'an event behind the watermark counts while its window is open', events: 'a5 W8 a2 W9', emits: 'W8 [0,10) a=2 W9' },
    { fact: 'windows without events give nothing', events: 'a1 a35 W50', emits: '[0,10) a=1 [30,40) a=1 W50' },
    {
      fact: 'results come by window, then as keys came first',
      events: 'b15 c3 a2 | c4 a11 W30',
      emits: '[0,10) c=2 [0,10) a=1 [10,20) b=1 [10,20) a=1 W30',
    },
    { fact: 'times before the epoch are windows like others', events: 'a-1 a-10 a-11 W-1', emits: '[-20,-10) a=1 [-10,0) a=2 W-1' },
    { fact: 'the end of the input closes all', events: 'a1 a99 Wend', emits: '[0,10) a=1 [90,100) a=1 Wend' },
    { fact: 'open windows survive a restart', events: 'a1 b2 R a3 R W9', emits: '[0,10) a=2 [0,10) b=1 W9' },
    { fact: 'closed windows stay closed after a restart', events: 'a1 W9 R a2 W20', emits: '[0,10) a=1 W9 late:a2 W20' },
    { fact: 'an event that fails is a dead letter and opens no window', events: 'a1=13 W9', emits: 'W9 dead:a1' },
  ])('$fact', ({ events, emits }) => expect(tumbling(10).play(events).drawn(showWindow)).toBe(emits));
});

test('an offset moves the windows', () =>
  expect(tumbling(10, 3).play('a2 a3 a12 a14 W22').drawn(showWindow)).toBe('[-7,3) a=1 [3,13) a=2 [13,23) a=1 W22'));

test('E6 late events are counted, and dead letters when nothing reads them', () => {
  const harness = windowHarness({ kind: 'tumbling', sizeMs: 10, offsetMs: 0 }, 'deadLetter').play('a1 W9 a4 b5');
  expect(harness.late).toBe(2);
  expect(harness.drawn(showWindow)).toBe('[0,10) a=1 W9 dead:a4 dead:b5');
});

test.each([
  { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
  { kind: 'session', gapMs: 9 },
] as const)('dead letters come in the order of their events, late and failed ones alike: $kind', (window) => {
  const harness = windowHarness(window, 'deadLetter').play('a1 W9 a0 a15=13 b-9');
  expect(harness.deadLetters.map(({ timeMs }) => timeMs)).toEqual([0, 15, -9]);
});

test('a closed window leaves no state behind', () => {
  const harness = tumbling(10).play('a1 b2 a15 W9');
  expect(harness.state.cells('node').namespaces()).toEqual([10]);
});

describe('sliding windows', () => {
  test.each([
    {
      fact: 'of 6 ms every 2: an event counts in three',
      sizes: [6, 2] as const,
      events: 'a4 W4 W5 W7 W9 W11',
      emits: 'W4 [0,6) a=1 W5 [2,8) a=1 W7 [4,10) a=1 W9 W11',
    },
    {
      fact: 'of 10 ms every 4: slices of 2 ms',
      sizes: [10, 4] as const,
      events: 'a5 a6 a9 Wend',
      emits: '[-4,6) a=1 [0,10) a=3 [4,14) a=3 [8,18) a=1 Wend',
    },
    {
      fact: 'an event that is too late for some windows counts in the others',
      sizes: [6, 2] as const,
      events: 'a4 W5 b5 W11',
      emits: '[0,6) a=1 W5 [2,8) a=1 [2,8) b=1 [4,10) a=1 [4,10) b=1 W11',
    },
    {
      fact: 'an event that is too late for all is late',
      sizes: [6, 2] as const,
      events: 'a4 W9 b5',
      emits: '[0,6) a=1 [2,8) a=1 [4,10) a=1 W9 late:b5',
    },
    {
      fact: 'slices survive a restart between two closings',
      sizes: [6, 2] as const,
      events: 'a1 a4 W5 R a7 W9',
      emits: '[-4,2) a=1 [-2,4) a=1 [0,6) a=2 W5 [2,8) a=2 [4,10) a=2 W9',
    },
  ])('$fact', ({ sizes: [sizeMs, everyMs], events, emits }) => expect(sliding(sizeMs, everyMs).play(events).drawn(showWindow)).toBe(emits));

  test('an event between windows that do not touch is dropped on purpose, and counted', () => {
    const harness = sliding(3, 10).play('a2 a3 a9 a10 Wend');
    expect(harness.drawn(showWindow)).toBe('[0,3) a=1 [10,13) a=1 Wend');
    expect(harness.filtered).toBe(2);
    expect(harness.late).toBe(0);
  });

  test('sums and firsts come from all slices of a window', () => {
    const harness = sliding(6, 2).play('a5=7 a1=3 a3=2 W5');
    const [last] = harness.emissions.filter((emission) => emission.kind === 'event' && emission.timeMs === 5);
    expect(last).toMatchObject({ value: { id: 'a', n: 3, sum: 12, first: 3, windowStartMs: 0, windowEndMs: 6 }, key: 'a' });
  });
});

/** All windows at once, with the events of each. */
function modelOf({ sizeMs, everyMs, offsetMs }: Sizes): (watermark: () => number) => WindowModel {
  return (watermark) => {
    const windows = new Map<string, { id: string; start: number; count: number }>();
    return {
      add: (id, timeMs) => {
        let open = 0;
        let all = 0;
        for (let start = timeMs - sizeMs + 1; start <= timeMs; start++) {
          if (Math.abs(start - offsetMs) % everyMs !== 0) continue;
          all++;
          if (start + sizeMs - 1 <= watermark()) continue;
          open++;
          const window = windows.get(`${start} ${id}`) ?? { id, start, count: 0 };
          window.count++;
          windows.set(`${start} ${id}`, window);
        }
        return open > 0 || all === 0;
      },
      rise: (rise) => {
        const closed = [...windows].filter(([, { start }]) => start + sizeMs - 1 <= rise);
        for (const [name] of closed) windows.delete(name);
        return closed.map(([, { id, start, count }]) => `[${start},${start + sizeMs}) ${id}=${count}`);
      },
    };
  };
}

const plays = (timesMs: fc.Arbitrary<number>): fc.Arbitrary<Play[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 8, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b', 'c'), timeMs: timesMs }) },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: timesMs }) },
        { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
      ),
      { maxLength: 60 },
    )
    .map((list) => [...list, { kind: 'watermark', watermark: Infinity }]);

const time = fc.integer({ min: -60, max: 60 });

/** How many bytes a step may hold: all, or so few that a close goes key by key, with restarts between. */
const STEPS = [undefined, 1, 150];

test('F1 tumbling windows give what counting in every window gives', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 25 }), fc.integer({ min: -30, max: 30 }), plays(time), (sizeMs, offsetMs, list) => {
      const model = runModel(modelOf({ sizeMs, everyMs: sizeMs, offsetMs }), list);
      for (const stepBytes of STEPS) expect(runWindow({ kind: 'tumbling', sizeMs, offsetMs }, list, stepBytes)).toEqual(model);
    }),
  );
});

test('F1 sliding windows give what counting in every window gives', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 25 }),
      fc.integer({ min: 1, max: 25 }),
      fc.integer({ min: -30, max: 30 }),
      plays(time),
      (sizeMs, everyMs, offsetMs, list) => {
        const model = runModel(modelOf({ sizeMs, everyMs, offsetMs }), list);
        for (const stepBytes of STEPS) expect(runWindow({ kind: 'sliding', sizeMs, everyMs, offsetMs }, list, stepBytes)).toEqual(model);
      },
    ),
  );
});

test.each([
  { fact: 'sliding windows', window: { kind: 'sliding', sizeMs: 20, everyMs: 10, offsetMs: 0 }, latenessMs: 0 },
  { fact: 'sliding windows of many slices', window: { kind: 'sliding', sizeMs: 200, everyMs: 10, offsetMs: 0 }, latenessMs: 0 },
  { fact: 'windows with allowed lateness', window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 }, latenessMs: 30 },
] as const)('$fact close in parts of as many results as a rise may give: nothing is left out, doubled, or comes otherwise', (each) => {
  const keys = Array.from({ length: 2 * RESULTS_MAX + 100 }, (_, i) => `k${String.fromCharCode(97 + (i % 26))}${i}`);
  const { window, latenessMs } = each;
  const play = (): { results: readonly string[]; watermarks: readonly number[] } => {
    const harness = windowHarness(window, 'output', { latenessMs });
    for (const timeMs of [3, 12]) harness.push(keys.slice(timeMs).map((id) => ({ id, timeMs, n: 1 })));
    harness.emissions.length = 0;
    harness.advance(25);
    const results = harness.emissions.flatMap((one) => (one.kind === 'event' ? [showWindow(one.value, one.timeMs)] : []));
    const watermarks = harness.emissions.flatMap((one) => (one.kind === 'watermark' ? [one.watermark] : []));
    return { results, watermarks };
  };
  const whole = play();
  expect(whole.watermarks[0]).toBe(8); // it stopped within the first window that closes, [.., 10)
  expect(new Set(whole.results).size).toBe(whole.results.length);
  expect(whole.watermarks).toEqual([...new Set(whole.watermarks)].sort((a, b) => a - b));
  expect(whole.watermarks.at(-1)).toBe(25);
});

const KEYS = 1_500;

test.each([
  {
    window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
    where: 'between them',
    stops: [
      [3 * KEYS, 49],
      [3 * KEYS, 109],
      [KEYS, WATERMARK_MAX],
    ],
  },
  {
    window: { kind: 'session', gapMs: 10 },
    where: 'within those that end together',
    stops: [
      [RESULTS_MAX, 48],
      [RESULTS_MAX, 108],
      [7 * KEYS - 2 * RESULTS_MAX, WATERMARK_MAX],
    ],
  },
] as const)('a rise that closes very many windows stops $where: $window.kind', ({ window, stops }) => {
  const WINDOWS = 7;
  const harness = windowHarness(window);
  for (let at = 0; at < WINDOWS; at++)
    harness.push(Array.from({ length: KEYS }, (_, i) => ({ id: `k${String.fromCharCode(97 + (i % 26))}${i}`, timeMs: at * 20, n: 1 })));
  harness.emissions.length = 0;
  harness.advance(WATERMARK_MAX);
  const counts: (readonly [results: number, watermark: number])[] = [];
  let results = 0;
  for (const emission of harness.emissions) {
    if (emission.kind === 'event') {
      results++;
      continue;
    }
    counts.push([results, emission.watermark]);
    results = 0;
  }
  expect(counts).toEqual(stops);
  expect(harness.state.cells('node').size()).toBe(0);
});
