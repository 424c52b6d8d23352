// Test support: windows drawn as text. `[0,10) a=2` is key a's window from 0 to 10 with two events, `late[0,10) a=3` what replaces it,
// `not[0,10) a=2` what is taken back. With panes: `early0[0,10) a=1 onTime1![0,10) a=2`, the number and, where it is known to be the last,
// a mark. Results of the global window have no bounds: `early0 a=2 at 7`. Windows by count: `#0[1,5) a=2`.

import { WATERMARK_MIN } from '../../event/batch.ts';
import type { Value } from '../../event/batch.ts';
import type { CompiledKeyWatermark, CompiledPanes, CompiledTrigger, CompiledWindow, StatePlan } from '../../plan/physical-plan.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeWindow } from './window.ts';

/** A harness around a window that counts its events and sums their `n`. */
export function windowHarness(
  window: CompiledWindow,
  late: 'output' | 'deadLetter' = 'output',
  corrections: {
    readonly latenessMs?: number;
    readonly retracts?: boolean;
    readonly panes?: CompiledPanes;
    readonly keyWatermark?: CompiledKeyWatermark;
    readonly state?: StatePlan;
  } = {},
  stepBytes?: number,
): StepHarness {
  const aggregates = { n: { count: {} }, sum: { sum: 'event.n' }, first: { first: 'event.n' } };
  const value = ({ id, n }: { id: string; n: number }): Value => ({ id, n: n === 13 ? 'thirteen' : n });
  return new StepHarness({
    make: () => makeWindow({ kind: 'window', window, spec: {}, aggregates, keyNames: ['id'], late, ...corrections }),
    outputs: ['late'],
    value,
    stepBytes,
  });
}

export function trigger(of: Partial<CompiledTrigger>): CompiledTrigger {
  return { everyMs: null, count: null, when: null, once: false, ...of };
}

type ShownWindow = {
  readonly id: string;
  readonly n: number;
  readonly windowStartMs?: number;
  readonly windowEndMs?: number;
  readonly pane?: string;
  readonly paneNumber?: number;
  readonly isLast?: boolean;
  readonly windowNumber?: number;
};

export function showWindow(value: Value, timeMs: number): string {
  const { id, n, windowStartMs, windowEndMs, pane, paneNumber, isLast, windowNumber } = value as ShownWindow;
  if (paneNumber !== undefined) {
    const bounds = windowStartMs === undefined ? '' : `[${windowStartMs},${windowEndMs})`;
    const name = `${pane === 'retracted' ? 'not' : pane}${paneNumber}${isLast === true ? '!' : ''}${bounds}`;
    return `${name} ${id}=${n}${windowEndMs !== undefined && timeMs === windowEndMs - 1 ? '' : ` at ${timeMs}`}`;
  }
  if (windowStartMs === undefined) return `${id}${timeMs}`;
  return `${windowNumber === undefined ? '' : `#${windowNumber}`}${pane === 'late' ? 'late' : pane === 'retracted' ? 'not' : ''}[${windowStartMs},${windowEndMs}) ${id}=${n}${timeMs === windowEndMs! - 1 ? '' : ` at ${timeMs}`}`;
}

// ---- property tests: random events and watermarks, against slow and obvious models ----

export type Play =
  | { readonly kind: 'event'; readonly id: string; readonly timeMs: number }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'restart' };

/** What came out: results and late events as text, by watermark at which they came. */
export type Outcome = { readonly results: readonly string[]; readonly late: readonly string[] };

/** A model takes an event (false: it is late) and gives the results of a rise. */
export type WindowModel = {
  readonly add: (id: string, timeMs: number) => boolean;
  readonly rise: (watermark: number) => readonly string[];
};

export function runModel(makeModel: (watermark: () => number) => WindowModel, plays: readonly Play[]): Outcome {
  let current = WATERMARK_MIN;
  const model = makeModel(() => current);
  const results: string[] = [];
  const late: string[] = [];
  for (const play of plays) {
    if (play.kind === 'event' && !model.add(play.id, play.timeMs)) late.push(`${play.id}${play.timeMs}`);
    if (play.kind !== 'watermark' || play.watermark <= current) continue;
    results.push(...model.rise(play.watermark).toSorted(), `W${play.watermark}`);
    current = play.watermark;
  }
  return { results, late };
}

/** The same on the transform, with steps of `stepBytes` when that is given. Results of one rise are sorted, as the model's are; that they come by window end is checked here. */
export function runWindow(window: CompiledWindow, plays: readonly Play[], stepBytes?: number): Outcome {
  const harness = windowHarness(window, 'output', {}, stepBytes);
  const results: string[] = [];
  for (const play of plays) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
    else if (play.kind === 'restart') harness.restart();
    else harness.advance(play.watermark);
  }
  let rise: { text: string; timeMs: number }[] = [];
  const late: string[] = [];
  for (const emission of harness.emissions) {
    if (emission.kind === 'watermark') {
      if (rise.some(({ timeMs }, i) => i > 0 && timeMs < rise[i - 1]!.timeMs)) throw new Error('results do not come by window end');
      if (rise.some(({ timeMs }) => timeMs > emission.watermark)) throw new Error('a window closed too early');
      results.push(...rise.map(({ text }) => text).toSorted(), `W${emission.watermark}`);
      rise = [];
    } else if (emission.output === 'late') late.push(showWindow(emission.value, emission.timeMs));
    else rise.push({ text: showWindow(emission.value, emission.timeMs), timeMs: emission.timeMs });
  }
  if (rise.length > 0) throw new Error('a result came without a rise');
  if (harness.late !== late.length) throw new Error(`${late.length} late events, counted ${harness.late}`);
  if (
    harness.state.cells('node').size() > 0 &&
    plays.at(-1)?.kind === 'watermark' &&
    (plays.at(-1) as { watermark: number }).watermark === Infinity
  ) {
    throw new Error('state stays behind after the end');
  }
  return { results, late };
}
