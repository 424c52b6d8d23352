// Every kind of window with every kind of early trigger and all that a pane may have, with early, on time and late results: what one
// input gives, drawn. What cannot be combined is refused at declaration (windows by count have one result, the global one is never late).

import { describe, expect, test } from 'vitest';
import type { CompiledPanes, CompiledTrigger, CompiledWindow } from '../../plan/physical-plan.ts';
import { showWindow, trigger, windowHarness } from './window-drawing.ts';

// Two events; the watermark, then the clock, have gone on; a third; the end of all windows; one that is late; the end of lateness.
const EVENTS = 'a1 a2=7 W3 C100 a4 W9 a3 W60 Wend';

const WINDOWS = {
  tumbling: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
  sliding: { kind: 'sliding', sizeMs: 10, everyMs: 5, offsetMs: 0 },
  session: { kind: 'session', gapMs: 5 },
  global: { kind: 'global' },
} as const satisfies Readonly<Record<string, CompiledWindow>>;

const TRIGGERS = {
  none: [],
  count: [trigger({ count: 2 })],
  'event time': [trigger({ everyMs: 4 })],
  clock: [trigger({ afterMs: 100 })],
  when: [trigger({ when: 'event.n > 5' })],
} as const satisfies Readonly<Record<string, readonly CompiledTrigger[]>>;

type Row = { readonly early: keyof typeof TRIGGERS } & { readonly [A in CompiledPanes['accumulation']]: string };

describe.each<{ readonly kind: keyof typeof WINDOWS; readonly rows: readonly Row[] }>([
  {
    kind: 'tumbling',
    rows: [
      {
        early: 'none',
        accumulating: 'W3 onTime0[0,10) a=3 W9 late1[0,10) a=4 W60 Wend',
        discarding: 'W3 onTime0[0,10) a=3 W9 late1[0,10) a=1 W60 Wend',
        retracting: 'W3 onTime0[0,10) a=3 W9 not0[0,10) a=3 late1[0,10) a=4 W60 Wend',
      },
      {
        early: 'count',
        accumulating: 'early0[0,10) a=2 W3 onTime1[0,10) a=3 W9 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[0,10) a=2 W3 onTime1[0,10) a=1 W9 late2[0,10) a=1 W60 Wend',
        retracting: 'early0[0,10) a=2 W3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'event time',
        accumulating: 'early0[0,10) a=2 W3 onTime1[0,10) a=3 W9 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[0,10) a=2 W3 onTime1[0,10) a=1 W9 late2[0,10) a=1 W60 Wend',
        retracting: 'early0[0,10) a=2 W3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'clock',
        accumulating: 'W3 early0[0,10) a=2 onTime1[0,10) a=3 W9 late2[0,10) a=4 W60 Wend',
        discarding: 'W3 early0[0,10) a=2 onTime1[0,10) a=1 W9 late2[0,10) a=1 W60 Wend',
        retracting: 'W3 early0[0,10) a=2 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'when',
        accumulating: 'early0[0,10) a=2 W3 onTime1[0,10) a=3 W9 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[0,10) a=2 W3 onTime1[0,10) a=1 W9 late2[0,10) a=1 W60 Wend',
        retracting: 'early0[0,10) a=2 W3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
    ],
  },
  {
    kind: 'sliding',
    rows: [
      {
        early: 'none',
        accumulating: 'W3 onTime0[-5,5) a=3 onTime0[0,10) a=3 W9 late1[-5,5) a=4 late1[0,10) a=4 W60 Wend',
        discarding: 'W3 onTime0[-5,5) a=3 onTime0[0,10) a=3 W9 late1[-5,5) a=1 late1[0,10) a=1 W60 Wend',
        retracting: 'W3 onTime0[-5,5) a=3 onTime0[0,10) a=3 W9 not0[-5,5) a=3 late1[-5,5) a=4 not0[0,10) a=3 late1[0,10) a=4 W60 Wend',
      },
      {
        early: 'count',
        accumulating:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=3 onTime1[0,10) a=3 W9 late2[-5,5) a=4 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=1 onTime1[0,10) a=1 W9 late2[-5,5) a=1 late2[0,10) a=1 W60 Wend',
        retracting:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 not0[-5,5) a=2 onTime1[-5,5) a=3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[-5,5) a=3 late2[-5,5) a=4 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'event time',
        accumulating:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=3 onTime1[0,10) a=3 W9 late2[-5,5) a=4 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=1 onTime1[0,10) a=1 W9 late2[-5,5) a=1 late2[0,10) a=1 W60 Wend',
        retracting:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 not0[-5,5) a=2 onTime1[-5,5) a=3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[-5,5) a=3 late2[-5,5) a=4 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'clock',
        accumulating:
          'W3 early0[-5,5) a=2 early0[0,10) a=2 onTime1[-5,5) a=3 onTime1[0,10) a=3 W9 late2[-5,5) a=4 late2[0,10) a=4 W60 Wend',
        discarding: 'W3 early0[-5,5) a=2 early0[0,10) a=2 onTime1[-5,5) a=1 onTime1[0,10) a=1 W9 late2[-5,5) a=1 late2[0,10) a=1 W60 Wend',
        retracting:
          'W3 early0[-5,5) a=2 early0[0,10) a=2 not0[-5,5) a=2 onTime1[-5,5) a=3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[-5,5) a=3 late2[-5,5) a=4 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
      {
        early: 'when',
        accumulating:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=3 onTime1[0,10) a=3 W9 late2[-5,5) a=4 late2[0,10) a=4 W60 Wend',
        discarding: 'early0[-5,5) a=2 early0[0,10) a=2 W3 onTime1[-5,5) a=1 onTime1[0,10) a=1 W9 late2[-5,5) a=1 late2[0,10) a=1 W60 Wend',
        retracting:
          'early0[-5,5) a=2 early0[0,10) a=2 W3 not0[-5,5) a=2 onTime1[-5,5) a=3 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[-5,5) a=3 late2[-5,5) a=4 not1[0,10) a=3 late2[0,10) a=4 W60 Wend',
      },
    ],
  },
  {
    kind: 'session',
    rows: [
      {
        early: 'none',
        accumulating: 'W3 onTime0[1,9) a=3 W9 late1[1,9) a=4 W60 Wend',
        discarding: 'W3 onTime0[1,9) a=3 W9 late1[1,9) a=1 W60 Wend',
        retracting: 'W3 onTime0[1,9) a=3 W9 not0[1,9) a=3 late1[1,9) a=4 W60 Wend',
      },
      {
        early: 'count',
        accumulating: 'early0[1,7) a=2 W3 onTime1[1,9) a=3 W9 late2[1,9) a=4 W60 Wend',
        discarding: 'early0[1,7) a=2 W3 onTime1[1,9) a=1 W9 late2[1,9) a=1 W60 Wend',
        retracting: 'early0[1,7) a=2 W3 not0[1,7) a=2 onTime1[1,9) a=3 W9 not1[1,9) a=3 late2[1,9) a=4 W60 Wend',
      },
      {
        early: 'event time',
        accumulating: 'early0[1,7) a=2 W3 onTime1[1,9) a=3 W9 late2[1,9) a=4 W60 Wend',
        discarding: 'early0[1,7) a=2 W3 onTime1[1,9) a=1 W9 late2[1,9) a=1 W60 Wend',
        retracting: 'early0[1,7) a=2 W3 not0[1,7) a=2 onTime1[1,9) a=3 W9 not1[1,9) a=3 late2[1,9) a=4 W60 Wend',
      },
      {
        early: 'clock',
        accumulating: 'W3 early0[1,7) a=2 onTime1[1,9) a=3 W9 late2[1,9) a=4 W60 Wend',
        discarding: 'W3 early0[1,7) a=2 onTime1[1,9) a=1 W9 late2[1,9) a=1 W60 Wend',
        retracting: 'W3 early0[1,7) a=2 not0[1,7) a=2 onTime1[1,9) a=3 W9 not1[1,9) a=3 late2[1,9) a=4 W60 Wend',
      },
      {
        early: 'when',
        accumulating: 'early0[1,7) a=2 W3 onTime1[1,9) a=3 W9 late2[1,9) a=4 W60 Wend',
        discarding: 'early0[1,7) a=2 W3 onTime1[1,9) a=1 W9 late2[1,9) a=1 W60 Wend',
        retracting: 'early0[1,7) a=2 W3 not0[1,7) a=2 onTime1[1,9) a=3 W9 not1[1,9) a=3 late2[1,9) a=4 W60 Wend',
      },
    ],
  },
  {
    kind: 'global',
    rows: [
      {
        early: 'count',
        accumulating: 'early0 a=2 at 2 W3 W9 early1 a=4 at 10 W60 onTime2! a=4 at 61 Wend',
        discarding: 'early0 a=2 at 2 W3 W9 early1 a=2 at 10 W60 onTime2! a=0 at 61 Wend',
        retracting: 'early0 a=2 at 2 W3 W9 not0 a=2 at 10 early1 a=4 at 10 W60 not1 a=4 at 61 onTime2! a=4 at 61 Wend',
      },
      {
        early: 'event time',
        accumulating: 'early0 a=2 at 3 W3 early1 a=3 at 7 W9 early2 a=4 at 59 W60 onTime3! a=4 at 61 Wend',
        discarding: 'early0 a=2 at 3 W3 early1 a=1 at 7 W9 early2 a=1 at 59 W60 onTime3! a=0 at 61 Wend',
        retracting:
          'early0 a=2 at 3 W3 not0 a=2 at 7 early1 a=3 at 7 W9 not1 a=3 at 59 early2 a=4 at 59 W60 not2 a=4 at 61 onTime3! a=4 at 61 Wend',
      },
      {
        early: 'clock',
        accumulating: 'W3 early0 a=2 at 4 W9 W60 onTime1! a=4 at 61 Wend',
        discarding: 'W3 early0 a=2 at 4 W9 W60 onTime1! a=2 at 61 Wend',
        retracting: 'W3 early0 a=2 at 4 W9 W60 not0 a=2 at 61 onTime1! a=4 at 61 Wend',
      },
      {
        early: 'when',
        accumulating: 'early0 a=2 at 2 W3 W9 W60 onTime1! a=4 at 61 Wend',
        discarding: 'early0 a=2 at 2 W3 W9 W60 onTime1! a=2 at 61 Wend',
        retracting: 'early0 a=2 at 2 W3 W9 W60 not0 a=2 at 61 onTime1! a=4 at 61 Wend',
      },
    ],
  },
])('$kind', ({ kind, rows }) => {
  describe.each(rows)('early by $early', ({ early, ...outcomes }) => {
    test.each(['accumulating', 'discarding', 'retracting'] as const)('F5 F7 %s', (accumulation) => {
      const panes = { early: TRIGGERS[early], accumulation };
      for (const events of [EVENTS, EVENTS.replaceAll(' ', ' R ')]) {
        const harness = windowHarness(WINDOWS[kind], 'output', { latenessMs: kind === 'global' ? 0 : 20, panes });
        expect(harness.play(events).drawn(showWindow), events).toBe(outcomes[accumulation]);
      }
    });
  });
});
