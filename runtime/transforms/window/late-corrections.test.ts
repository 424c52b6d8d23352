// Windows that are corrected after their end: drawn, and against a model that keeps every event and counts anew each time.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompiledWindow } from '../../plan/physical-plan.ts';
import { showWindow, windowHarness, type Play } from './window-drawing.ts';

type AlignedOrSession = Exclude<CompiledWindow, { kind: 'count' | 'global' }>;
const TUMBLING: CompiledWindow = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 };
const SLIDING: CompiledWindow = { kind: 'sliding', sizeMs: 6, everyMs: 2, offsetMs: 0 };
const SESSION: CompiledWindow = { kind: 'session', gapMs: 5 };

describe.each<{ of: string; window: CompiledWindow; cases: { fact: string; events: string; emits: string; retracts?: boolean }[] }>([
  {
    of: 'tumbling windows of 10 ms, kept for 20',
    window: TUMBLING,
    cases: [
      { fact: 'an event for a closed window gives its new result', events: 'a1 W9 a4', emits: '[0,10) a=1 W9 late[0,10) a=2' },
      { fact: 'once for all events of a batch', events: 'a1 W9 a4 a5 | a6', emits: '[0,10) a=1 W9 late[0,10) a=3 late[0,10) a=4' },
      { fact: 'of that key only', events: 'a1 b2 W9 b3', emits: '[0,10) a=1 [0,10) b=1 W9 late[0,10) b=2' },
      { fact: 'a window that was empty gets its first result', events: 'W9 a4', emits: 'W9 late[0,10) a=1' },
      { fact: 'an event that comes on time changes nothing', events: 'a1 W9 a12 W19', emits: '[0,10) a=1 W9 [10,20) a=1 W19' },
      { fact: 'until its lateness is over', events: 'a1 W28 a2 W29 a3', emits: '[0,10) a=1 W28 late[0,10) a=2 W29 late:a3' },
      {
        fact: 'results come by window, then as keys came',
        events: 'W19 b15 a2 c12',
        emits: 'W19 late[0,10) a=1 late[10,20) b=1 late[10,20) c=1',
      },
      { fact: 'after a restart too', events: 'a1 W9 R a4 R a5', emits: '[0,10) a=1 W9 late[0,10) a=2 late[0,10) a=3' },
      { fact: 'an event that fails corrects nothing', events: 'a1 W9 a4=13', emits: '[0,10) a=1 W9 dead:a4' },
      { fact: 'the end of the input closes all for good', events: 'a1 Wend a2', emits: '[0,10) a=1 Wend late:a2' },
      {
        fact: 'retracting: what is replaced comes first',
        retracts: true,
        events: 'a1 W9 a4 b4 W15 a5',
        emits: '[0,10) a=1 W9 not[0,10) a=1 late[0,10) a=2 late[0,10) b=1 W15 not[0,10) a=2 late[0,10) a=3',
      },
    ],
  },
  {
    of: 'sliding windows of 6 ms every 2, kept for 20',
    window: SLIDING,
    cases: [
      {
        fact: 'all closed windows of an event are corrected, those that are open are not told yet',
        events: 'a4 W7 a5 W11',
        emits: '[0,6) a=1 [2,8) a=1 W7 late[0,6) a=2 late[2,8) a=2 [4,10) a=2 W11',
      },
      {
        fact: 'of a window that has expired nothing is told, of the others of its event all is',
        events: 'W27 a4 W40',
        emits: 'W27 late[4,10) a=1 W40',
      },
    ],
  },
  {
    of: 'sessions with a gap of 5 ms, kept for 20',
    window: SESSION,
    cases: [
      { fact: 'an event within one that has ended corrects it', events: 'a1 a4 W8 a2', emits: '[1,9) a=2 W8 late[1,9) a=3' },
      { fact: 'one that lengthens it past the watermark reopens it', events: 'a1 W6 a4 W7 W8', emits: '[1,6) a=1 W6 W7 [1,9) a=2 W8' },
      { fact: 'one that is late by itself is a session of its own', events: 'a1 W20 a10', emits: '[1,6) a=1 W20 late[10,15) a=1' },
      {
        fact: 'until its lateness is over',
        events: 'a1 W24 a2 W30 a1 W31',
        emits: '[1,6) a=1 W24 late[1,7) a=2 W30 late:a1 W31',
      },
      { fact: 'after a restart too', events: 'a1 W6 R a2 R W20', emits: '[1,6) a=1 W6 late[1,7) a=2 W20' },
      {
        fact: 'retracting: two that have ended and are merged are both taken back',
        retracts: true,
        events: 'a1 a8 W20 a4',
        emits: '[1,6) a=1 [8,13) a=1 W20 not[1,6) a=1 not[8,13) a=1 late[1,13) a=3',
      },
      {
        fact: 'retracting: one that is reopened is taken back at once',
        retracts: true,
        events: 'a1 W6 a4 W8',
        emits: '[1,6) a=1 W6 not[1,6) a=1 [1,9) a=2 W8',
      },
      {
        fact: 'retracting: within a batch only what was told is taken back',
        retracts: true,
        events: 'a1 W20 a4 a8 a12',
        emits: '[1,6) a=1 W20 not[1,6) a=1 late[1,17) a=4',
      },
    ],
  },
])('$of', ({ window, cases }) => {
  test.each(cases)('$fact', ({ events, emits, retracts = false }) => {
    const harness = windowHarness(window, 'output', { latenessMs: 20, retracts });
    expect(harness.play(events).drawn(showWindow)).toBe(emits);
  });
});

// ---- against a model

const LATENESS_MS = 15;

/** All events that are counted, of each key; and which windows they make: start, end, count. */
class Model {
  readonly #window: AlignedOrSession;
  readonly #events = new Map<string, number[]>();
  #watermark = -Infinity;

  constructor(window: AlignedOrSession) {
    this.#window = window;
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** A session that has expired is gone: what comes near it later is another one. */
  rise(watermark: number): void {
    this.#watermark = Math.max(this.#watermark, watermark);
    if (this.#window.kind !== 'session') return;
    for (const [id, times] of this.#events) {
      const gone = [...this.windowsOf(id).keys()].map(boundsOf).filter(([, end]) => end - 1 + LATENESS_MS <= this.#watermark);
      this.#events.set(
        id,
        times.filter((timeMs) => !gone.some(([start, end]) => timeMs >= start && timeMs < end)),
      );
    }
  }

  windowsOf(id: string): ReadonlyMap<string, number> {
    const times = (this.#events.get(id) ?? []).toSorted((a, b) => a - b);
    const window = this.#window;
    if (window.kind === 'session') return sessionsOf(times, window.gapMs);
    const everyMs = window.kind === 'tumbling' ? window.sizeMs : window.everyMs;
    const found = new Map<string, number>();
    for (const timeMs of times)
      for (let start = timeMs - window.sizeMs + 1; start <= timeMs; start++)
        if (Math.abs(start - window.offsetMs) % everyMs === 0) {
          const name = `${start},${start + window.sizeMs}`;
          found.set(name, (found.get(name) ?? 0) + 1);
        }
    return found;
  }

  /** False: it is late. */
  add(id: string, timeMs: number): boolean {
    const before = this.#events.get(id) ?? [];
    this.#events.set(id, [...before, timeMs]);
    const mine = [...this.windowsOf(id).keys()].filter((name) => {
      const [start, end] = boundsOf(name);
      return timeMs >= start && timeMs < end && end - 1 + LATENESS_MS > this.#watermark;
    });
    const all = [...this.windowsOf(id).keys()].filter((name) => timeMs >= boundsOf(name)[0] && timeMs < boundsOf(name)[1]);
    if (mine.length > 0 || all.length === 0) return true;
    this.#events.set(id, before);
    return false;
  }
}

function sessionsOf(times: readonly number[], gapMs: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let [first, count] = [times[0] ?? 0, 0];
  times.forEach((timeMs, i) => {
    count++;
    if ((times[i + 1] ?? Infinity) - timeMs < gapMs) return;
    found.set(`${first},${timeMs + gapMs}`, count);
    [first, count] = [times[i + 1] ?? 0, 0];
  });
  return found;
}

function boundsOf(name: string): readonly [start: number, end: number] {
  const [start, end] = name.split(',').map(Number);
  return [start!, end!];
}

const time = fc.integer({ min: -40, max: 60 });
const plays: fc.Arbitrary<Play[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b'), timeMs: time }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 50 },
);
const windows: fc.Arbitrary<AlignedOrSession> = fc.oneof(
  fc.record({ kind: fc.constant('tumbling' as const), sizeMs: fc.integer({ min: 1, max: 20 }), offsetMs: fc.integer({ min: -9, max: 9 }) }),
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 1, max: 20 }),
    everyMs: fc.integer({ min: 1, max: 20 }),
    offsetMs: fc.integer({ min: -9, max: 9 }),
  }),
  fc.record({ kind: fc.constant('session' as const), gapMs: fc.integer({ min: 1, max: 12 }) }),
);

/** How many bytes a step may hold: all, or so few that a close goes key by key, with restarts between. */
const steps = fc.constantFrom(undefined, 1, 150);

/** What a reader holds who keeps results by key and window, and removes what is taken back. */
type Held = Map<string, number>;

test('retracting: at any moment a reader holds exactly the results of the windows that have closed and not expired', () => {
  fc.assert(
    fc.property(windows, plays, steps, (window, list, stepBytes) => {
      const harness = windowHarness(window, 'output', { latenessMs: LATENESS_MS, retracts: true }, stepBytes);
      const model = new Model(window);
      const held: Held = new Map();
      let [seen, late] = [0, 0];
      for (const play of list) {
        if (play.kind === 'restart') harness.restart();
        else if (play.kind === 'watermark') {
          harness.advance(play.watermark);
          model.rise(play.watermark);
        } else {
          harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
          if (!model.add(play.id, play.timeMs)) late++;
        }
        for (const emission of harness.emissions.slice(seen)) {
          if (emission.kind !== 'event' || emission.output === 'late') continue;
          const { id, n, windowStartMs, windowEndMs, pane } = emission.value as Record<string, string | number>;
          const name = `${id}:${windowStartMs},${windowEndMs}`;
          if (pane !== 'retracted') {
            expect(pane === 'onTime' ? held.has(name) : false, `${name} is on time once`).toBe(false);
            held.set(name, n as number);
          } else {
            expect(held.get(name), `what is taken back of ${name} was told`).toBe(n);
            held.delete(name);
          }
        }
        seen = harness.emissions.length;
        for (const id of ['a', 'b']) {
          const closed = [...model.windowsOf(id)].filter(([name]) => boundsOf(name)[1] - 1 <= model.watermark);
          const kept = closed.filter(([name]) => boundsOf(name)[1] - 1 + LATENESS_MS > model.watermark);
          for (const [name, count] of kept) expect(held.get(`${id}:${name}`), `${id}:${name}`).toBe(count);
          const mine = [...held.keys()].filter(
            (name) => name.startsWith(`${id}:`) && boundsOf(name.slice(2))[1] - 1 + LATENESS_MS > model.watermark,
          );
          expect(mine.toSorted()).toEqual(kept.map(([name]) => `${id}:${name}`).toSorted());
        }
      }
      expect(harness.late).toBe(late);
    }),
    { numRuns: 300 },
  );
});

test('accumulating gives the same new results, without what they replace', () => {
  fc.assert(
    fc.property(windows, plays, (window, list) => {
      const [told, replaced] = [true, false].map((retracts) => {
        const harness = windowHarness(window, 'output', { latenessMs: LATENESS_MS, retracts });
        for (const play of list) {
          if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
          else if (play.kind === 'restart') harness.restart();
          else harness.advance(play.watermark);
        }
        return harness.drawn(showWindow);
      }) as [string, string];
      expect(told.replaceAll(/not\[[^)]*\) \S+ ?/g, '').trim()).toBe(replaced.trim());
    }),
    { numRuns: 100 },
  );
});

test.each([true, false])('a close in parts gives the same results in the same order; retracting: %s', (retracts) => {
  fc.assert(
    fc.property(windows, plays, (window, list) => {
      const [whole, ...parts] = [undefined, 1, 150].map((stepBytes) => {
        const harness = windowHarness(window, 'output', { latenessMs: LATENESS_MS, retracts }, stepBytes);
        for (const play of list) {
          if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
          else if (play.kind === 'restart') harness.restart();
          else harness.advance(play.watermark);
        }
        return harness.emissions.flatMap((emission) => (emission.kind === 'event' ? [showWindow(emission.value, emission.timeMs)] : []));
      });
      for (const part of parts) expect(part).toEqual(whole);
    }),
    { numRuns: 200 },
  );
});

test('what has expired leaves no state behind', () => {
  for (const window of [TUMBLING, SLIDING, SESSION]) {
    const harness = windowHarness(window, 'output', { latenessMs: 20 }).play('a1 b12 W9 a2 W18 a11 W60');
    expect(harness.state.cells('node').size()).toBe(0);
  }
});
