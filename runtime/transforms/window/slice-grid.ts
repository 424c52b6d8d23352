// Where windows and their slices lie in time. Pure arithmetic on ms since the epoch, right before it too.
//
// Windows start every `everyMs` from `offsetMs` on and are `sizeMs` long: [start, end). Tumbling: both are equal.
// Slices are what lies between two neighbouring starts or ends of windows, so every window is a whole number of slices and
// an event is added to one slice only. There are at most two a start, whatever the sizes (paired windows: Krishnamurthy,
// Wu, Franklin, On-the-fly sharing for streamed aggregation, SIGMOD 2006).
//   G1. A window is closed when the watermark is at or above its end - 1 (no event of it can come any more).
//   G2. A slice belongs to the windows that start after `sliceStart - sizeMs` and at or before `sliceStart`.

import type { CompiledWindow } from '../../plan/physical-plan.ts';

export type SliceGrid = {
  readonly sizeMs: number;
  readonly everyMs: number;
  /** Start of the newest window that starts at or before `timeMs`. */
  readonly windowAt: (timeMs: number) => number;
  /** Start of the slice of `timeMs`. */
  readonly sliceAt: (timeMs: number) => number;
  /** First ms after the slice that starts at `sliceStart`. */
  readonly sliceEnd: (sliceStart: number) => number;
  /** Start of the oldest window that a slice belongs to. */
  readonly firstWindowOf: (sliceStart: number) => number;
  /** Starts of the windows that `timeMs` lies in, ascending. */
  readonly windowsOf: (timeMs: number) => readonly number[];
  /** Start of the oldest window that is still open at `watermark`; -Infinity when all are. */
  readonly firstOpenWindow: (watermark: number) => number;
};

export function makeSliceGrid(window: Extract<CompiledWindow, { kind: 'tumbling' | 'sliding' }>): SliceGrid {
  const { sizeMs, offsetMs } = window;
  const everyMs = window.kind === 'tumbling' ? sizeMs : window.everyMs;
  const restMs = sizeMs % everyMs;
  const windowAt = (timeMs: number): number => Math.floor((timeMs - offsetMs) / everyMs) * everyMs + offsetMs;
  const sliceAt = (timeMs: number): number => {
    const start = windowAt(timeMs);
    return timeMs - start >= restMs ? start + restMs : start;
  };
  const firstWindowOf = (sliceStart: number): number => windowAt(sliceStart - sizeMs) + everyMs;
  return {
    sizeMs,
    everyMs,
    windowAt,
    sliceAt,
    sliceEnd: (sliceStart) => {
      const start = windowAt(sliceStart);
      return sliceStart - start >= restMs ? start + everyMs : start + restMs;
    },
    firstWindowOf,
    windowsOf: (timeMs) => {
      const starts: number[] = [];
      for (let start = firstWindowOf(sliceAt(timeMs)); start <= timeMs; start += everyMs) starts.push(start);
      return starts;
    },
    firstOpenWindow: (watermark) => (Number.isFinite(watermark) ? windowAt(watermark - sizeMs + 1) + everyMs : watermark),
  };
}
