// Windows of many slices, against sums that are made anew for each window.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Key } from '../../event/batch.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeWindow } from './window.ts';

type Event = { readonly kind: 'event'; readonly id: string; readonly timeMs: number; readonly n: number };
type Play = Event | { readonly kind: 'rise'; readonly byMs: number } | { readonly kind: 'restart' };
type Sizes = { readonly sizeMs: number; readonly everyMs: number; readonly offsetMs: number };
type Result = { id: string; seen: number[]; pane?: string; windowStartMs: number; windowEndMs: number; middle: number };

/** Behind the watermark by as much as 150 ms, or ahead of it: most windows get events when blocks of theirs are made. */
const plays: fc.Arbitrary<Play[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('event' as const),
        id: fc.constantFrom('a', 'b', 'c'),
        timeMs: fc.integer({ min: -150, max: 100 }),
        n: fc.nat(99),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('rise' as const), byMs: fc.oneof(fc.nat(9), fc.nat(200)) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 80 },
);
/** Up to 300 slices a window: blocks of two levels. */
const sizes: fc.Arbitrary<Sizes> = fc.record({
  sizeMs: fc.integer({ min: 1, max: 300 }),
  everyMs: fc.integer({ min: 1, max: 12 }),
  offsetMs: fc.integer({ min: -20, max: 20 }),
});

function harnessOf(window: Sizes, corrections: { readonly latenessMs?: number; readonly retracts?: boolean } = {}): StepHarness {
  const aggregates = { seen: { collect: 'event.n' }, middle: { quantiles: { of: 'event.n', at: [0.5] } } };
  return new StepHarness({
    make: () =>
      makeWindow({
        kind: 'window',
        window: { kind: 'sliding', ...window },
        spec: {},
        aggregates,
        keyNames: ['id'],
        late: 'output',
        ...corrections,
      }),
    outputs: ['late'],
  });
}

/** Plays events at times relative to the watermark. */
function run(harness: StepHarness, list: readonly Play[], restarts: boolean): void {
  let watermark = 0;
  harness.advance(watermark);
  for (const play of list) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: watermark + play.timeMs, n: play.n }]);
    else if (play.kind === 'rise') harness.advance((watermark += play.byMs));
    else if (restarts) harness.restart();
  }
  harness.advance(Infinity);
}

function results(harness: StepHarness): Result[] {
  return harness.emissions.flatMap((each) => (each.kind === 'event' && each.output !== 'late' ? [each.value as Result] : []));
}

/** Every window of every event, each with all that came for it before it closed, by slice and then as it came. */
function model({ sizeMs, everyMs, offsetMs }: Sizes, list: readonly Play[]): string[] {
  let watermark = 0;
  const windows = new Map<string, { start: number; id: Key; events: { timeMs: number; n: number }[] }>();
  const closed: string[] = [];
  const close = (rise: number): void => {
    for (const [name, { start, id, events }] of windows) {
      if (start + sizeMs - 1 > rise) continue;
      const seen = events.map(({ n }) => n).toSorted((a, b) => a - b);
      closed.push(`[${start},${start + sizeMs}) ${id} ${seen.join(' ')}`);
      windows.delete(name);
    }
    watermark = rise;
  };
  for (const play of [...list, { kind: 'rise' as const, byMs: Infinity }]) {
    if (play.kind === 'rise') close(watermark + play.byMs);
    if (play.kind !== 'event') continue;
    const timeMs = watermark + play.timeMs;
    for (let start = timeMs - sizeMs + 1; start <= timeMs; start++) {
      if ((start - offsetMs) % everyMs !== 0 || start + sizeMs - 1 <= watermark) continue;
      const window = windows.get(`${start} ${play.id}`) ?? { start, id: play.id, events: [] };
      window.events.push({ timeMs, n: play.n });
      windows.set(`${start} ${play.id}`, window);
    }
  }
  return closed.toSorted();
}

test('windows of many slices hold all that came for them, once, events behind the watermark and restarts among them', () => {
  fc.assert(
    fc.property(sizes, plays, (window, list) => {
      const harness = harnessOf(window);
      run(harness, list, true);
      const told = results(harness).map(
        ({ id, seen, windowStartMs, windowEndMs }) => `[${windowStartMs},${windowEndMs}) ${id} ${seen.toSorted((a, b) => a - b).join(' ')}`,
      );
      expect(told.toSorted()).toEqual(model(window, list));
    }),
    { numRuns: 60 },
  );
});

test('B1 who is restored between two windows gives what who went on gives, in the same order', () => {
  fc.assert(
    fc.property(sizes, plays, (window, list) => {
      const [through, restored] = [harnessOf(window), harnessOf(window)];
      run(through, list, false);
      run(restored, list, true);
      expect(results(restored)).toEqual(results(through));
    }),
    { numRuns: 60 },
  );
});

test('what a retracting window takes back is what it told', () => {
  fc.assert(
    fc.property(sizes, plays, (window, list) => {
      const harness = harnessOf(window, { latenessMs: 80, retracts: true });
      run(harness, list, true);
      const told = new Map<string, Result>();
      for (const { pane, ...result } of results(harness)) {
        const name = `${result.windowStartMs} ${result.id}`;
        if (pane !== 'retracted') told.set(name, result as Result);
        else expect(result).toEqual(told.get(name));
      }
    }),
    { numRuns: 60 },
  );
});

test('keys come by slice and then as they came, however many slices a window has', () => {
  const harness = harnessOf({ sizeMs: 100, everyMs: 1, offsetMs: 0 });
  harness.push(['d90', 'b11', 'c10', 'a11', 'b95'].map((text) => ({ id: text[0]!, timeMs: Number(text.slice(1)), n: 1 })));
  harness.advance(99);
  expect(
    results(harness)
      .filter(({ windowEndMs }) => windowEndMs === 100)
      .map(({ id }) => id),
  ).toEqual(['c', 'b', 'a', 'd']);
});

test('B1 of quantiles too, which depend on how they are put together: restored or not, and when they are taken back', () => {
  const window = { sizeMs: 64, everyMs: 1, offsetMs: 0 };
  const [through, restored] = [false, true].map((restarts) => {
    const harness = harnessOf(window, { latenessMs: 500, retracts: true });
    for (let at = 0; at < 150; at++) {
      harness.push(Array.from({ length: 20 }, (_, i) => ({ id: 'a', timeMs: at, n: ((at * 20 + i) * 7_919) % 10_007 })));
      harness.advance(at);
      if (restarts && at % 37 === 0) harness.restart();
    }
    harness.push([{ id: 'a', timeMs: 75, n: 5 }]);
    return results(harness).map(({ pane, windowStartMs, middle }) => ({ pane, windowStartMs, middle }));
  });
  expect(restored).toEqual(through);
  const last = through!.filter(({ pane }) => pane === 'retracted');
  expect(last).toHaveLength(64);
  for (const { windowStartMs, middle } of last) {
    expect(through!.find((each) => each.pane === 'onTime' && each.windowStartMs === windowStartMs)!.middle).toEqual(middle);
  }
});
