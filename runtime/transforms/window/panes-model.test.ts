// Panes against a model that keeps every event of every window and looks at all of them each time.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CompiledPanes, CompiledTrigger, CompiledWindow } from '../../plan/physical-plan.ts';
import { showWindow, trigger, windowHarness, type Play } from './window-drawing.ts';

type Fixed = Extract<CompiledWindow, { kind: 'tumbling' | 'sliding' }>;
type Accumulation = CompiledPanes['accumulation'];

const LATENESS_MS = 15;
/** What `when` asks in these tests: `n` is the event's time. */
const isMet = (timeMs: number): boolean => timeMs % 3 === 0;
const WHEN = 'event.n % 3 == 0';

type Window = {
  readonly start: number;
  readonly end: number;
  all: number;
  since: { timeMs: number; from: number }[];
  spent: Set<number>;
  number: number;
  told: string | null;
};

class Model {
  readonly out: string[] = [];
  readonly #window: Fixed;
  readonly #panes: CompiledPanes;
  readonly #windows = new Map<string, Window>();
  #watermark = -Infinity;

  constructor(window: Fixed, panes: CompiledPanes) {
    this.#window = window;
    this.#panes = panes;
  }

  add(id: string, timeMs: number): void {
    const windows = this.#startsOf(timeMs)
      .map((start) => [start, start + this.#window.sizeMs] as const)
      .filter(([, end]) => end - 1 + LATENESS_MS > this.#watermark);
    if (windows.length === 0) {
      if (this.#startsOf(timeMs).length > 0) this.out.push(`late:${id}${timeMs}`);
      return;
    }
    const closed: Window[] = [];
    for (const [start, end] of windows) {
      const name = `${id} ${start}`;
      const window = this.#windows.get(name) ?? { start, end, all: 0, since: [], spent: new Set(), number: 0, told: null };
      this.#windows.set(name, window);
      window.all++;
      window.since.push({ timeMs, from: Math.max(this.#watermark, start - 1) });
      if (end - 1 <= this.#watermark) closed.push(window);
      else this.#fireIfDue(id, window, this.#watermark);
    }
    for (const window of closed) this.#give(id, window, 'late', false);
  }

  rise(next: number): void {
    if (next <= this.#watermark) return;
    const open = [...this.#windows].filter(([, { end }]) => end - 1 > this.#watermark);
    for (const [name, window] of open.toSorted(([, a], [, b]) => a.start - b.start)) {
      const id = name.split(' ')[0]!;
      if (window.end - 1 <= next) this.#give(id, window, 'onTime', window.end - 1 + LATENESS_MS <= next);
      else this.#fireIfDue(id, window, next);
    }
    this.#watermark = next;
    this.out.push(`W${next}`);
  }

  #startsOf(timeMs: number): readonly number[] {
    const { sizeMs, offsetMs } = this.#window;
    const everyMs = this.#window.kind === 'tumbling' ? sizeMs : this.#window.everyMs;
    const starts = Array.from({ length: sizeMs }, (_, i) => timeMs - sizeMs + 1 + i);
    return starts.filter((start) => Math.abs(start - offsetMs) % everyMs === 0);
  }

  #fireIfDue(id: string, window: Window, watermark: number): void {
    const holding = this.#panes.early.flatMap((one, i) => (!window.spent.has(i) && this.#holds(one, window, watermark) ? [i] : []));
    if (holding.length === 0) return;
    this.#give(id, window, 'early', false);
    for (const i of holding) if (this.#panes.early[i]!.once) window.spent.add(i);
  }

  #holds({ everyMs, count, when }: CompiledTrigger, { since }: Window, watermark: number): boolean {
    const [first] = since;
    if (first === undefined || since.length < (count ?? 1)) return false;
    if (when !== null && !since.some(({ timeMs }) => isMet(timeMs))) return false;
    if (everyMs === null) return true;
    for (let passed = Math.max(first.from, -100) + 1; passed <= Math.min(watermark, 200); passed++) {
      if (Math.abs(passed + 1) % everyMs === 0) return true;
    }
    return false;
  }

  #give(id: string, window: Window, pane: string, isLast: boolean): void {
    const { accumulation } = this.#panes;
    const n = accumulation === 'discarding' ? window.since.length : window.all;
    const bounds = `[${window.start},${window.end}) ${id}=${n}`;
    if (accumulation === 'retracting' && window.told !== null) this.out.push(window.told);
    this.out.push(`${pane}${window.number}${isLast ? '!' : ''}${bounds}`);
    window.told = `not${window.number}${bounds}`;
    window.number++;
    window.since = [];
  }
}

const time = fc.integer({ min: -30, max: 50 });
const plays: fc.Arbitrary<Play[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b'), timeMs: time }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  ),
  { maxLength: 60 },
);
const triggers: fc.Arbitrary<CompiledTrigger[]> = fc.array(
  fc.record({
    everyMs: fc.option(fc.integer({ min: 1, max: 12 })),
    count: fc.option(fc.integer({ min: 1, max: 4 })),
    when: fc.option(fc.constant(WHEN)),
    once: fc.boolean(),
  }),
  { maxLength: 3 },
);
const accumulations = fc.constantFrom<Accumulation>('accumulating', 'discarding', 'retracting');
const offsetMs = fc.integer({ min: -9, max: 9 });
const fixed: fc.Arbitrary<Fixed> = fc.oneof(
  fc.record({ kind: fc.constant('tumbling' as const), sizeMs: fc.integer({ min: 1, max: 20 }), offsetMs }),
  fc.record({
    kind: fc.constant('sliding' as const),
    sizeMs: fc.integer({ min: 1, max: 20 }),
    everyMs: fc.integer({ min: 1, max: 20 }),
    offsetMs,
  }),
);
const windows: fc.Arbitrary<CompiledWindow> = fc.oneof(
  fixed,
  fc.record({ kind: fc.constant('session' as const), gapMs: fc.integer({ min: 1, max: 12 }) }),
  fc.constant({ kind: 'global' as const }),
);

type Playing = { readonly latenessMs?: number; readonly stepBytes?: number };

function played(
  window: CompiledWindow,
  panes: CompiledPanes,
  list: readonly Play[],
  { latenessMs = LATENESS_MS, stepBytes }: Playing = {},
) {
  const harness = windowHarness(window, 'output', { latenessMs: window.kind === 'global' ? 0 : latenessMs, panes }, stepBytes);
  for (const play of list) {
    if (play.kind === 'event') harness.push([{ id: play.id, timeMs: play.timeMs, n: play.timeMs === 13 ? 14 : play.timeMs }]);
    else if (play.kind === 'restart') harness.restart();
    else harness.advance(play.watermark);
  }
  return harness;
}

test('F4 F5 F7 triggers of tumbling and sliding windows give what the model gives, one by one', () => {
  fc.assert(
    fc.property(fixed, triggers, accumulations, plays, (window, early, accumulation, drawn) => {
      // 13 is drawn as no number (window-drawing.ts).
      const list = drawn.filter((play) => play.kind !== 'event' || play.timeMs !== 13);
      const panes = { early, accumulation };
      const model = new Model(window, panes);
      for (const play of list) {
        if (play.kind === 'event') model.add(play.id, play.timeMs);
        else if (play.kind === 'watermark') model.rise(play.watermark);
      }
      expect(sorted(played(window, panes, list).drawn(showWindow))).toEqual(sorted(model.out.join(' ')));
    }),
    { numRuns: 500 },
  );
});

test('windows that close key by key, with restarts between, give the same in the same order', () => {
  fc.assert(
    fc.property(
      windows,
      triggers,
      accumulations,
      plays,
      fc.constantFrom(0, LATENESS_MS),
      (window, early, accumulation, drawn, latenessMs) => {
        const list: Play[] = [...drawn, { kind: 'watermark', watermark: Infinity }];
        const panes = { early, accumulation };
        const whole = played(window, panes, list, { latenessMs });
        const text = whole.drawn(showWindow);
        for (const stepBytes of [1, 150]) {
          const parts = played(window, panes, list, { latenessMs, stepBytes });
          // Who goes on has early panes by time come as the window's keys did: the model's order is that of what is new.
          const isByTime = early.some(({ everyMs }) => everyMs !== null);
          const shown = (drawn: string): unknown => (isByTime ? sorted(drawn) : drawn);
          expect(shown(parts.drawn(showWindow))).toEqual(shown(text));
          expect(parts.state.cells('node').size()).toBe(0);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test.each(['tumbling', 'sliding', 'session', 'global'] as const)(
  'early panes by time and at the end come in parts, and others go on within them: %s',
  (kind) => {
    const window = { kind, sizeMs: 20, everyMs: 10, offsetMs: 0, gapMs: 20 } as CompiledWindow;
    const ids = Array.from({ length: 40 }, (_, i) => `k${String.fromCharCode(97 + (i % 26))}${String.fromCharCode(97 + (i % 7))}`);
    const drawnBy = (latenessMs: number, accumulation: Accumulation, stepBytes?: number): readonly string[] => {
      const panes = { early: [trigger({ everyMs: 4 }), trigger({ afterMs: 50 })], accumulation };
      const harness = windowHarness(window, 'output', { latenessMs, panes }, stepBytes);
      const take = (of: readonly string[], timeMs: number): void => harness.push(of.map((id) => ({ id, timeMs, n: 1 })));
      const drawn: string[] = [];
      const look = (act: () => void): void => {
        act();
        // What a moment gives, and how far it leads; of a window the order of keys is that in which they came to who gives it.
        drawn.push(
          harness
            .drawn(showWindow)
            .split(/ (?=W|early|onTime|late|not)/)
            .toSorted()
            .join(' '),
        );
      };
      take(ids, 1);
      take(ids.slice(20), 3);
      for (const watermark of [2, 5]) look(() => harness.advance(watermark));
      take(ids.slice(0, 30).toReversed(), 11);
      look(() => harness.clock(60));
      look(() => harness.advance(19)); // a window closes, its neighbour has early panes
      take(ids.slice(5), 17);
      look(() => harness.clock(130));
      for (const watermark of [25, 39, Infinity]) look(() => harness.advance(watermark));
      expect(harness.state.cells('node').size()).toBe(0);
      return drawn;
    };
    for (const latenessMs of kind === 'global' ? [0] : [0, 15])
      for (const accumulation of ['accumulating', 'discarding', 'retracting'] as const) {
        const whole = drawnBy(latenessMs, accumulation);
        expect(whole.join(' ')).toContain('early');
        for (const stepBytes of [1, 300]) expect(drawnBy(latenessMs, accumulation, stepBytes)).toEqual(whole);
      }
  },
);

/** Within one rise or event and window the order of keys is that in which they came: the model does not know it. */
function sorted(text: string): readonly (readonly string[])[] {
  return text.split(/ (?=W)/).map((part) => part.split(/ (?=\S*\[|late:)/).toSorted());
}

type Row = {
  readonly id: string;
  readonly n: number;
  readonly sum: number;
  readonly pane: string;
  readonly paneNumber: number;
  readonly isLast: boolean;
  readonly windowStartMs?: number;
  readonly windowEndMs?: number;
};

function rowsOf(window: CompiledWindow, panes: CompiledPanes, list: readonly Play[]): readonly Row[] {
  const { emissions } = played(window, panes, [...list, { kind: 'watermark', watermark: Infinity }]);
  return emissions.flatMap((emission) => (emission.kind === 'event' && emission.output === null ? [emission.value as Row] : []));
}

test('F7 the sum of what discarding panes have is the final result, of every kind of window', () => {
  fc.assert(
    fc.property(windows, triggers, plays, (window, early, list) => {
      const totals = (rows: readonly Row[]) =>
        Object.fromEntries(
          [...Map.groupBy(rows, ({ id }) => id)].map(([id, of]) => [
            id,
            [of.reduce((n, row) => n + row.n, 0), of.reduce((n, row) => n + row.sum, 0)],
          ]),
        );
      // What is held by who removes what is taken back is the final result.
      const held = new Map<string, Row>();
      for (const row of rowsOf(window, { early, accumulation: 'retracting' }, list)) {
        const name = `${row.id} ${row.windowStartMs} ${row.windowEndMs} ${row.paneNumber}`;
        if (row.pane !== 'retracted') {
          expect(held.has(name), `${name} is given once`).toBe(false);
          held.set(name, row);
          continue;
        }
        expect(held.get(name)).toMatchObject({ n: row.n, sum: row.sum });
        held.delete(name);
      }
      expect(totals(rowsOf(window, { early, accumulation: 'discarding' }, list))).toEqual(totals([...held.values()]));
      const names = [...held.values()].map((row) => `${row.id} ${row.windowStartMs} ${row.windowEndMs}`);
      expect(new Set(names).size, 'one result of each window is held').toBe(names.length);
    }),
    { numRuns: 500 },
  );
});

test('accumulating gives the panes of retracting, without what those take back', () => {
  fc.assert(
    fc.property(windows, triggers, plays, (window, early, list) => {
      const retracting = rowsOf(window, { early, accumulation: 'retracting' }, list).filter(({ pane }) => pane !== 'retracted');
      expect(rowsOf(window, { early, accumulation: 'accumulating' }, list)).toEqual(retracting);
      for (const [, of] of Map.groupBy(retracting, (row) => `${row.id} ${row.windowStartMs} ${row.windowEndMs}`))
        expect(
          of.slice(0, -1).some(({ isLast }) => isLast),
          'nothing follows the last',
        ).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('F5 F6 a result is never behind the watermark that went out before it, unless what it corrects was told', () => {
  fc.assert(
    fc.property(windows, triggers, accumulations, plays, (window, early, accumulation, list) => {
      let watermark = -Infinity;
      for (const emission of played(window, { early, accumulation }, [...list, { kind: 'watermark', watermark: Infinity }]).emissions) {
        if (emission.kind === 'watermark') ({ watermark } = emission);
        else if (emission.output === null && ['early', 'onTime'].includes((emission.value as Row).pane))
          expect(emission.timeMs).toBeGreaterThan(watermark);
      }
    }),
    { numRuns: 200 },
  );
});

test('without triggers the result at the end is that of a window without panes', () => {
  fc.assert(
    fc.property(fixed, plays, (window, list) => {
      const plain = windowHarness(window, 'output', { latenessMs: LATENESS_MS });
      for (const play of list) {
        if (play.kind === 'event') plain.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
        else if (play.kind === 'restart') plain.restart();
        else plain.advance(play.watermark);
      }
      const bare = (text: string): string => text.replaceAll(/\b(onTime|early|late)\d*!?(?=\[)/g, '');
      const paned = played(window, { early: [trigger({ count: 1_000 })], accumulation: 'accumulating' }, list);
      expect(sorted(bare(paned.drawn(showWindow)))).toEqual(sorted(bare(plain.drawn(showWindow))));
    }),
    { numRuns: 200 },
  );
});
