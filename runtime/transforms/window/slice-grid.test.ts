import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeSliceGrid } from './slice-grid.ts';

const tumbling = makeSliceGrid({ kind: 'tumbling', sizeMs: 10, offsetMs: 3 });
const sliding = makeSliceGrid({ kind: 'sliding', sizeMs: 10, everyMs: 4, offsetMs: 0 });

test.each([
  { fact: 'a tumbling window is one slice', slice: tumbling.sliceAt(12), end: tumbling.sliceEnd(3), is: [3, 13] },
  { fact: 'a window begins at its start', slice: tumbling.sliceAt(13), end: tumbling.sliceEnd(13), is: [13, 23] },
  { fact: 'times before the epoch are rounded down', slice: tumbling.sliceAt(-8), end: tumbling.sliceEnd(-17), is: [-17, -7] },
  { fact: 'a slice ends where a window ends', slice: sliding.sliceAt(5), end: sliding.sliceEnd(4), is: [4, 6] },
  { fact: 'a slice ends where a window starts', slice: sliding.sliceAt(7), end: sliding.sliceEnd(6), is: [6, 8] },
])('$fact', ({ slice, end, is }) => expect([slice, end]).toEqual(is));

test('slices have no gaps, each lies wholly in or out of a window, and every window knows its slices', () => {
  const whole = (min: number, max: number) => fc.integer({ min, max });
  fc.assert(
    fc.property(
      whole(1, 30),
      whole(1, 30),
      whole(-40, 40),
      whole(-100, 100),
      whole(-100, 100),
      (sizeMs, everyMs, offsetMs, timeMs, watermark) => {
        const grid = makeSliceGrid({ kind: 'sliding', sizeMs, everyMs, offsetMs });
        const start = grid.sliceAt(timeMs);
        const end = grid.sliceEnd(start);
        expect(start <= timeMs && timeMs < end).toBe(true);
        expect(grid.sliceAt(end)).toBe(end);
        expect([...times(start, end)].every((time) => grid.sliceAt(time) === start)).toBe(true);
        const containing = windowsOf(timeMs, { sizeMs, everyMs, offsetMs });
        for (const time of times(start, end)) expect(windowsOf(time, { sizeMs, everyMs, offsetMs })).toEqual(containing);
        const first = grid.firstWindowOf(start);
        const last = grid.windowAt(start);
        expect(containing).toEqual([...times(first, last + 1, everyMs)]);
        const open = grid.firstOpenWindow(watermark);
        expect(open + sizeMs - 1 > watermark && open - everyMs + sizeMs - 1 <= watermark).toBe(true);
        expect(Math.abs(open - offsetMs) % everyMs).toBe(0);
      },
    ),
  );
});

/** Starts of all windows that contain `timeMs`, found by trying. */
function windowsOf(timeMs: number, { sizeMs, everyMs, offsetMs }: { sizeMs: number; everyMs: number; offsetMs: number }): number[] {
  return [...times(timeMs - sizeMs + 1, timeMs + 1)].filter((start) => Math.abs(start - offsetMs) % everyMs === 0);
}

function* times(from: number, to: number, step = 1): Generator<number> {
  for (let time = from; time < to; time += step) yield time;
}
