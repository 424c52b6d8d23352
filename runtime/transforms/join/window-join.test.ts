import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JoinSpec } from '../../../crds/stream-job/joins.ts';
import { WATERMARK_MIN } from '../../event/batch.ts';
import type { Value } from '../../event/batch.ts';
import type { CompiledWindow } from '../../plan/physical-plan.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import { makeWindowJoin } from './window-join.ts';

type Type = JoinSpec['type'];
const TUMBLING: CompiledWindow = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 };
const SLIDING: CompiledWindow = { kind: 'sliding', sizeMs: 10, everyMs: 5, offsetMs: 0 };

function join(type: Type, window = TUMBLING, select?: JoinSpec['select'], stepBytes?: number): StepHarness {
  const spec = { with: 'other', type, select };
  return new StepHarness({
    make: () => makeWindowJoin({ kind: 'windowJoin', spec, window, late: 'output' }),
    outputs: ['late'],
    stepBytes,
  });
}

type Row = { id: string; t: number } | null;
/** A pair as `[0]a1+4`: start of the window, time of each side. */
function show(value: Value, timeMs: number): string {
  const { left, right, windowStartMs, windowEndMs } = value as { left: Row; right: Row; windowStartMs: number; windowEndMs: number };
  if (left === undefined) return `${(value as unknown as { id: string }).id}${timeMs}`;
  if (timeMs !== windowEndMs - 1) throw new Error('a result has the time of the last ms of its window');
  return `[${windowStartMs}]${(left ?? right)!.id}${left?.t ?? '-'}+${right?.t ?? '-'}`;
}

describe('a window join', () => {
  test.each<{ fact: string; type?: Type; window?: CompiledWindow; events: string; emits: string }>([
    {
      fact: 'pairs come when their window closes, as they came',
      events: 'a1 a2 >a4 >a3 W8 W9',
      emits: 'W8 [0]a1+4 [0]a1+3 [0]a2+4 [0]a2+3 W9',
    },
    { fact: 'events of neighbouring windows do not match', events: 'a9 >a10 W30', emits: 'W30' },
    { fact: 'keys do not mix', events: 'a1 >b1 W30', emits: 'W30' },
    {
      fact: 'sliding: a pair comes once for each window that has both',
      window: SLIDING,
      events: 'a6 >a8 >a11 W30',
      emits: '[0]a6+8 [5]a6+8 [5]a6+11 W30',
    },
    {
      fact: 'left: a row without a match comes exactly when its window closes',
      type: 'left',
      events: 'a1 >b2 W8 W9',
      emits: 'W8 [0]a1+- W9',
    },
    { fact: 'right: the other way round', type: 'right', events: 'a1 >b2 W9', emits: '[0]b-+2 W9' },
    { fact: 'full: both', type: 'full', events: 'a1 >b2 c3 >c4 W9', emits: '[0]a1+- [0]b-+2 [0]c3+4 W9' },
    { fact: 'an event of a closed window is late', events: 'W9 a9 >a3 a10 >a11 W19', emits: 'W9 late:a9 late:a3 [10]a10+11 W19' },
    { fact: 'of one that is late for some windows the others have it', window: SLIDING, events: 'a8 W9 >a7 W30', emits: 'W9 [5]a8+7 W30' },
    { fact: 'what is open survives a restart', events: 'a1 R >a4 R W9', emits: '[0]a1+4 W9' },
  ])('$fact', ({ type = 'inner', window, events, emits }) => expect(join(type, window).play(events).drawn(show)).toBe(emits));
});

test('select has the bounds of the window, in CEL and as a function', () => {
  const cel = join('inner', TUMBLING, { sum: 'left.n + right.n', from: 'windowStartMs', to: 'windowEndMs' }).play('a11 >a12 W30');
  expect(cel.emissions[0]).toMatchObject({ value: { sum: 23, from: 10, to: 20 } });
  const code = (left: { n: number }, right: { n: number }, from: number, to: number): unknown => [left.n, right.n, from, to];
  expect(join('inner', TUMBLING, code).play('a11 >a12 W30').emissions[0]).toMatchObject({ value: [11, 12, 10, 20] });
});

type Play = { kind: 'event'; side: 0 | 1; id: string; t: number } | { kind: 'rise'; byMs: number } | { kind: 'restart' };

/** Every window that there may be, every pair in it. */
function model(type: Type, sizeMs: number, everyMs: number, plays: readonly Play[]): string[] {
  const rows: { side: 0 | 1; id: string; t: number; after: number }[] = [];
  const out: string[] = [];
  let watermark = WATERMARK_MIN;
  const lastEnd = (t: number): number => Math.floor(t / everyMs) * everyMs + sizeMs;
  const rise = (to: number): void => {
    const due: string[] = [];
    for (let start = Math.floor(-200 / everyMs) * everyMs; start < 200; start += everyMs) {
      if (start + sizeMs - 1 > to || start + sizeMs - 1 <= watermark) continue;
      const inside = rows.filter(({ t }) => t >= start && t < start + sizeMs);
      for (const row of inside) {
        const others = inside.filter(({ side, id }) => side !== row.side && id === row.id);
        if (row.side === 0) for (const other of others) due.push(`[${start}]${row.id}${row.t}+${other.t}`);
        if (others.length > 0) continue;
        if (row.side === 0 && (type === 'left' || type === 'full')) due.push(`[${start}]${row.id}${row.t}+-`);
        if (row.side === 1 && (type === 'right' || type === 'full')) due.push(`[${start}]${row.id}-+${row.t}`);
      }
    }
    out.push(...due.sort(), to === Infinity ? 'Wend' : `W${to}`);
    watermark = to;
  };
  for (const play of plays) {
    if (play.kind === 'rise') rise(watermark === WATERMARK_MIN ? play.byMs - 60 : watermark + play.byMs);
    if (play.kind !== 'event') continue;
    if (lastEnd(play.t) - 1 <= watermark) out.push(`late:${play.id}${play.t}`);
    else rows.push({ ...play, after: watermark });
  }
  rise(Infinity);
  return out;
}

function run(type: Type, window: CompiledWindow, plays: readonly Play[], stepBytes?: number): string[] {
  const harness = join(type, window, undefined, stepBytes);
  const out: string[] = [];
  let watermark = WATERMARK_MIN;
  for (const play of [...plays, { kind: 'end' } as const]) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.t, n: 0 }], play.side);
    else if (play.kind === 'restart') harness.restart();
    else
      harness.advance((watermark = play.kind === 'end' ? Infinity : watermark === WATERMARK_MIN ? play.byMs - 60 : watermark + play.byMs));
    const drawn = harness
      .drawn(show)
      .split(' ')
      .filter((text) => text !== '');
    out.push(...drawn.filter((text) => !text.startsWith('W')).sort(), ...drawn.filter((text) => text.startsWith('W')));
  }
  if (harness.state.cells('node').size() > 0) throw new Error('state stays behind after the end');
  return out;
}

test('G1 window joins give what looking at every window gives', () => {
  const event = fc.record({
    kind: fc.constant('event' as const),
    side: fc.constantFrom<(0 | 1)[]>(0, 1),
    id: fc.constantFrom('a', 'b'),
    t: fc.integer({ min: -60, max: 60 }),
  });
  const play: fc.Arbitrary<Play> = fc.oneof(
    { weight: 9, arbitrary: event },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('rise' as const), byMs: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  );
  const size = fc.integer({ min: 1, max: 20 }).chain((sizeMs) => fc.tuple(fc.constant(sizeMs), fc.integer({ min: 1, max: sizeMs })));
  fc.assert(
    fc.property(
      fc.constantFrom<Type[]>('inner', 'left', 'right', 'full'),
      size,
      fc.array(play, { maxLength: 60 }),
      (type, [sizeMs, everyMs], plays) => {
        const window: CompiledWindow =
          sizeMs === everyMs ? { kind: 'tumbling', sizeMs, offsetMs: 0 } : { kind: 'sliding', sizeMs, everyMs, offsetMs: 0 };
        const expected = model(type, sizeMs, everyMs, plays);
        for (const stepBytes of [undefined, 1, 150]) expect(run(type, window, plays, stepBytes)).toEqual(expected);
      },
    ),
    { numRuns: 300 },
  );
});
