// Several results of a window: early, on time and late ones, numbered; accumulating, discarding, retracting. Drawn.

import { describe, expect, test } from 'vitest';
import type { CompiledPanes, CompiledTrigger, CompiledWindow } from '../../plan/physical-plan.ts';
import { showWindow, trigger, windowHarness } from './window-drawing.ts';

const TUMBLING: CompiledWindow = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 };
const SLIDING: CompiledWindow = { kind: 'sliding', sizeMs: 6, everyMs: 3, offsetMs: 0 };
const SESSION: CompiledWindow = { kind: 'session', gapMs: 5 };
const GLOBAL: CompiledWindow = { kind: 'global' };

const everyFour: readonly CompiledTrigger[] = [trigger({ everyMs: 4 })];
const everyTwo: readonly CompiledTrigger[] = [trigger({ count: 2 })];

type Drawn = {
  readonly fact: string;
  readonly early: readonly CompiledTrigger[];
  readonly events: string;
  readonly emits: string;
  readonly accumulation?: CompiledPanes['accumulation'];
  readonly latenessMs?: number;
};

describe.each<{ of: string; window: CompiledWindow; cases: readonly Drawn[] }>([
  {
    of: 'F5 early results of tumbling windows of 10 ms',
    window: TUMBLING,
    cases: [
      {
        fact: 'by event time: when the watermark passes a multiple, of what is new',
        early: everyFour,
        events: 'a1 W2 a2 W3 W7 a8 W9',
        emits: 'W2 early0[0,10) a=2 W3 W7 onTime1![0,10) a=3 W9',
      },
      {
        fact: 'several multiples in one rise give one result',
        early: everyFour,
        events: 'a1 b1 W8 a2 W9',
        emits: 'early0[0,10) a=1 early0[0,10) b=1 W8 onTime1![0,10) a=2 onTime1![0,10) b=1 W9',
      },
      {
        fact: 'what comes behind a multiple waits for the next one',
        early: everyFour,
        events: 'W4 a5 W6 W7 W9',
        emits: 'W4 W6 early0[0,10) a=1 W7 onTime1![0,10) a=1 W9',
      },
      {
        fact: 'a multiple before the window does not count',
        early: everyFour,
        events: 'a11 W2 W8 W10 W11 W19',
        emits: 'W2 W8 W10 early0[10,20) a=1 W11 onTime1![10,20) a=1 W19',
      },
      {
        fact: 'by count: at the event, however events are batched',
        early: everyTwo,
        events: 'a1 a2 b1 a3 a4 a5 | b2 W9',
        emits: 'early0[0,10) a=2 early1[0,10) a=4 early0[0,10) b=2 onTime2![0,10) a=5 onTime1![0,10) b=2 W9',
      },
      {
        fact: 'one or the other',
        early: [...everyFour, ...everyTwo],
        events: 'a1 W3 a4 a5 W7 W9',
        emits: 'early0[0,10) a=1 W3 early1[0,10) a=3 W7 onTime2![0,10) a=3 W9',
      },
      {
        fact: 'both at once: the time alone is not enough',
        early: [trigger({ everyMs: 4, count: 2 })],
        events: 'a1 W3 a2 a5 W7 W9',
        emits: 'W3 early0[0,10) a=2 W7 onTime1![0,10) a=3 W9',
      },
      {
        fact: 'both at once: the count alone is not enough',
        early: [trigger({ everyMs: 4, count: 2 })],
        events: 'a1 a2 a3 W2 W3 W9',
        emits: 'W2 early0[0,10) a=3 W3 onTime1![0,10) a=3 W9',
      },
      {
        fact: 'by a condition on the event',
        early: [trigger({ when: 'event.n > 5' })],
        events: 'a1 a2=7 a3 W9',
        emits: 'early0[0,10) a=2 onTime1![0,10) a=3 W9',
      },
      {
        fact: 'a condition that fails makes a dead letter, and the event counts nowhere',
        early: [trigger({ when: 'event.n > 5' })],
        events: 'a1 a2=13 W9',
        emits: 'onTime0![0,10) a=1 W9 dead:a2',
      },
      {
        fact: 'once of each window',
        early: [trigger({ count: 2, once: true })],
        events: 'a1 a2 a3 a4 R a5 a6 W9 a12 a14 W19',
        emits: 'early0[0,10) a=2 onTime1![0,10) a=6 W9 early0[10,20) a=2 onTime1![10,20) a=2 W19',
      },
      {
        fact: 'after a restart as before',
        early: [...everyFour, trigger({ count: 3 })],
        events: 'a1 R a2 R a3 R a4 R W3 R W9',
        emits: 'early0[0,10) a=3 early1[0,10) a=4 W3 onTime2![0,10) a=4 W9',
      },
      {
        fact: 'the end of the input closes all',
        early: everyFour,
        events: 'a1 Wend a2',
        emits: 'onTime0![0,10) a=1 Wend late:a2',
      },
      {
        fact: 'E5 with lateness: early, on time, late, in one count',
        early: everyTwo,
        latenessMs: 20,
        events: 'a1 a2 W9 a3 a4 | a5 W28 W29 a6',
        emits: 'early0[0,10) a=2 onTime1[0,10) a=2 W9 late2[0,10) a=4 late3[0,10) a=5 W28 W29 late:a6',
      },
      {
        fact: 'with lateness the last one is known where the rise leaves none',
        early: everyTwo,
        latenessMs: 20,
        events: 'a1 W29',
        emits: 'onTime0![0,10) a=1 W29',
      },
    ],
  },
  {
    of: 'F7 what a pane of a tumbling window of 10 ms has',
    window: TUMBLING,
    cases: [
      {
        fact: 'discarding: what came since the last one',
        accumulation: 'discarding',
        early: everyTwo,
        latenessMs: 20,
        events: 'a1 a2 a3 W9 a4 a5 a6 | a7',
        emits: 'early0[0,10) a=2 onTime1[0,10) a=1 W9 late2[0,10) a=3 late3[0,10) a=1',
      },
      {
        fact: 'discarding: the window tells that it is over, even of nothing',
        accumulation: 'discarding',
        early: everyTwo,
        events: 'a1 a2 W9',
        emits: 'early0[0,10) a=2 onTime1![0,10) a=0 W9',
      },
      {
        fact: 'retracting: what a pane replaces comes before it, early panes too, after a restart too',
        accumulation: 'retracting',
        early: everyTwo,
        latenessMs: 20,
        events: 'a1 a2 R a3 W9 R a4',
        emits: 'early0[0,10) a=2 not0[0,10) a=2 onTime1[0,10) a=3 W9 not1[0,10) a=3 late2[0,10) a=4',
      },
    ],
  },
  {
    of: 'F5 early results of sliding windows of 6 ms every 3',
    window: SLIDING,
    cases: [
      {
        fact: 'each window counts for itself',
        early: everyTwo,
        events: 'a1 a4 a5 W5 W8',
        emits: 'early0[0,6) a=2 early0[3,9) a=2 onTime0![-3,3) a=1 onTime1![0,6) a=3 W5 onTime1![3,9) a=2 W8',
      },
      {
        fact: 'an event that is too late for one counts in the other',
        early: everyTwo,
        events: 'W5 a4 a5 W8',
        emits: 'W5 early0[3,9) a=2 onTime1![3,9) a=2 W8',
      },
    ],
  },
  {
    of: 'F5 early results of sessions with a gap of 5 ms',
    window: SESSION,
    cases: [
      {
        fact: 'by count, with the bounds that the session has then',
        early: everyTwo,
        events: 'a1 a3 a6 W10',
        emits: 'early0[1,8) a=2 onTime1![1,11) a=3 W10',
      },
      {
        fact: 'by event time',
        early: everyFour,
        events: 'a1 b2 W3 a4 W7 W9',
        emits: 'early0[1,6) a=1 early0[2,7) b=1 W3 onTime1![2,7) b=1 early1[1,9) a=2 W7 onTime2![1,9) a=2 W9',
      },
      {
        fact: 'F2 retracting: those that are merged are both taken back',
        accumulation: 'retracting',
        early: everyTwo,
        events: 'a1 a2 a9 a10 R a6 a6 W20',
        emits: 'early0[1,7) a=2 early0[9,15) a=2 not0[1,7) a=2 not0[9,15) a=2 early1[1,15) a=6 not1[1,15) a=6 onTime2![1,15) a=6 W20',
      },
      {
        fact: 'discarding: of those that are merged each event is told once',
        accumulation: 'discarding',
        early: everyTwo,
        events: 'a1 a2 a9 a6 W20',
        emits: 'early0[1,7) a=2 early1[1,14) a=2 onTime2![1,14) a=0 W20',
      },
      {
        fact: 'retracting with lateness: one that is reopened takes back what it told with its next pane',
        accumulation: 'retracting',
        early: [],
        latenessMs: 20,
        events: 'a1 W6 a4 W7 R W8 a5 W40',
        emits: 'onTime0[1,6) a=1 W6 W7 not0[1,6) a=1 onTime1[1,9) a=2 W8 not1[1,9) a=2 onTime2![1,10) a=3 W40',
      },
      {
        fact: 'late, once a batch',
        early: everyTwo,
        latenessMs: 20,
        events: 'a1 W20 a2 a3 a1 W40',
        emits: 'onTime0[1,6) a=1 W20 late1[1,8) a=4 W40',
      },
    ],
  },
  {
    of: 'F4 the global window',
    window: GLOBAL,
    cases: [
      {
        fact: 'keeps all of a key',
        early: everyTwo,
        events: 'a1 a2 b5 a7 W3 R a4 W9 Wend',
        emits: 'early0 a=2 at 2 W3 early1 a=4 at 7 W9 onTime2! a=4 at 10 onTime0! b=1 at 10 Wend',
      },
      {
        fact: 'purges what was told',
        accumulation: 'discarding',
        early: everyTwo,
        events: 'a1 a2 a3 a4 a5 Wend',
        emits: 'early0 a=2 at 2 early1 a=2 at 4 onTime2! a=1 at 5 Wend',
      },
      {
        fact: 'retracts what it replaces',
        accumulation: 'retracting',
        early: everyTwo,
        events: 'a1 a2 a3 a4',
        emits: 'early0 a=2 at 2 not0 a=2 at 4 early1 a=4 at 4',
      },
      {
        fact: 'by time: a result is never behind the watermark',
        early: everyFour,
        events: 'a1 W2 a0 W9 a1 W12',
        emits: 'W2 early0 a=2 at 7 W9 early1 a=3 at 11 W12',
      },
      {
        fact: 'nothing is late but behind the end',
        early: everyTwo,
        events: 'W9 a1 a2 Wend a3',
        emits: 'W9 early0 a=2 at 10 onTime1! a=2 at 10 Wend late:a3',
      },
    ],
  },
])('$of', ({ window, cases }) => {
  test.each(cases)('$fact', ({ early, events, emits, accumulation = 'accumulating', latenessMs }) => {
    const kept = latenessMs === undefined ? {} : { latenessMs };
    const harness = windowHarness(window, 'output', { ...kept, panes: { early, accumulation } });
    expect(harness.play(events).drawn(showWindow)).toBe(emits);
  });
});

test('what has expired leaves no state behind', () => {
  for (const window of [TUMBLING, SLIDING, SESSION, GLOBAL]) {
    const panes = { early: [...everyFour, ...everyTwo], accumulation: 'retracting' } as const;
    const harness = windowHarness(window, 'output', { latenessMs: window.kind === 'global' ? 0 : 20, panes });
    harness.play('a1 b12 W9 a2 W18 a11 W60');
    if (window.kind === 'global') harness.play('Wend');
    expect(harness.state.cells('node').size()).toBe(0);
  }
});
