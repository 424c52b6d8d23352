import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompiledWindow } from '../../plan/physical-plan.ts';
import type { StepHarness } from '../../testing/step-harness.ts';
import { showWindow, windowHarness } from './window-drawing.ts';

type TimeWindow = Extract<CompiledWindow, { kind: 'tumbling' | 'sliding' | 'session' }>;
const TUMBLING: TimeWindow = { kind: 'tumbling', sizeMs: 10, offsetMs: 0 };
const SLIDING: TimeWindow = { kind: 'sliding', sizeMs: 10, everyMs: 5, offsetMs: 0 };
const SESSION: TimeWindow = { kind: 'session', gapMs: 10 };
const own = (window: TimeWindow, maxOutOfOrderMs = 0, closeAfterMs = 100): StepHarness =>
  windowHarness(window, 'output', { keyWatermark: { maxOutOfOrderMs, closeAfterMs } });

describe('E4 each key has a watermark of its own', () => {
  test.each([
    { fact: 'its own events close its windows, at once', events: 'a1 a12 | b3', emits: '[0,10) a=1' },
    { fact: 'they may be out of order by so much', window: own(TUMBLING, 3), events: 'a1 a12 a2 a14', emits: '[0,10) a=2' },
    { fact: 'what comes later is late, for its key only', events: 'a1 a12 b1 | a2', emits: '[0,10) a=1 late:a2' },
    { fact: 'the watermark of all closes no window of a key', events: 'a1 W50 a2 a12', emits: 'W8 [0,10) a=2 W18' },
    { fact: 'a clock that is far ahead harms its key alone', events: 'a1 b1000 a2 a12 | b3', emits: '[0,10) a=2 late:b3' },
    { fact: 'who begins far behind is not late', events: 'W50 a1 a2 Wend', emits: 'W50 [0,10) a=2 Wend' },
    { fact: 'what is promised stays behind open windows', events: 'a1 b25 W40 a12 | a31', emits: 'W8 [0,10) a=1 W18 [10,20) a=1 W28' },
    {
      fact: 'the end closes all, by end, then by key',
      events: 'b1 a12 c3 | a2 Wend',
      emits: 'late:a2 [0,10) b=1 [0,10) c=1 [10,20) a=1 Wend',
    },
    { fact: 'a key that is quiet by the clock closes its windows', events: 'a1 C99 b2 C100', emits: '[0,10) a=1' },
    { fact: 'counted from its last event', events: 'a1 C60 a2 C100 C159 C160', emits: '[0,10) a=2' },
    { fact: 'a window closes once: what comes for it afterwards is late', events: 'a1 C100 a2', emits: '[0,10) a=1 late:a2' },
    { fact: 'the next window is open', events: 'a1 C100 a11 C200', emits: '[0,10) a=1 [10,20) a=1' },
    { fact: 'a quiet key lets the watermark on', events: 'a1 W40 C100', emits: 'W8 [0,10) a=1 W40' },
    { fact: 'all of it survives a restart', events: 'a1 R C60 R a2 R C159 R C160 R a3', emits: '[0,10) a=2 late:a3' },
    { fact: 'an event that fails closes nothing', events: 'a1 a25=13 a2 Wend', emits: '[0,10) a=2 Wend dead:a25' },
    { fact: 'windows that overlap', window: own(SLIDING), events: 'a7 a12 | a3 a16', emits: '[0,10) a=1 late:a3 [5,15) a=2' },
    {
      fact: 'an event that is too late for one counts for the others',
      window: own(SLIDING),
      events: 'a7 a12 a8 a16',
      emits: '[0,10) a=1 [5,15) a=3',
    },
    { fact: 'sessions', window: own(SESSION), events: 'a1 a9 a19 b3 Wend', emits: '[1,19) a=2 [3,13) b=1 [19,29) a=1 Wend' },
    { fact: 'a bridge merges sessions', window: own(SESSION, 20), events: 'a1 a15 a8 Wend', emits: '[1,25) a=3 Wend' },
    {
      fact: 'a session may grow until its end is passed',
      window: own(SESSION, 5),
      events: 'a1 a12 a8 a27 | a2',
      emits: '[1,22) a=3 late:a2',
    },
  ])('$fact', ({ window = own(TUMBLING), events, emits }) => {
    expect(window.play(events).drawn(showWindow)).toBe(emits);
  });
});

test('what is told of open windows', () => {
  const harness = own(TUMBLING).play('a1 b2 c15 d25 R d26 e3');
  const spans = [
    [0, 10, 3],
    [10, 20, 1],
    [20, 30, 1],
  ];
  expect(harness.figures()).toEqual({ kind: 'windows', open: 5, spans, results: 0 });
});

// ---- against a model that keeps every event and looks at all of them each time ----

type Play =
  | { readonly kind: 'event'; readonly id: string; readonly timeMs: number }
  | { readonly kind: 'watermark'; readonly watermark: number }
  | { readonly kind: 'clock'; readonly byMs: number }
  | { readonly kind: 'restart' };
type Span = { readonly start: number; readonly end: number; readonly times: readonly number[] };

class Model {
  readonly out: string[] = [];
  readonly #window: TimeWindow;
  readonly #maxOutOfOrderMs: number;
  readonly #closeAfterMs: number;
  readonly #keys = new Map<string, { latest: number; passed: number; seen: number; open: Span[] }>();
  #wanted = -Infinity;
  #emitted = -Infinity;
  #now = 0;

  constructor(window: TimeWindow, maxOutOfOrderMs: number, closeAfterMs: number) {
    this.#window = window;
    this.#maxOutOfOrderMs = maxOutOfOrderMs;
    this.#closeAfterMs = closeAfterMs;
  }

  add(id: string, time: number): void {
    const key = this.#keys.get(id) ?? { latest: -Infinity, passed: -Infinity, seen: 0, open: [] };
    const watermark = Math.max(key.latest - this.#maxOutOfOrderMs - 1, key.passed);
    const windows = this.#windowsOf(time, key.open).filter(({ end }) => end - 1 > watermark);
    if (windows.length === 0) {
      this.out.push(`late:${id}${time}`);
      return;
    }
    this.#keys.set(id, key);
    key.open = [...key.open.filter(({ start, end }) => !windows.some((one) => one.start <= start && one.end >= end)), ...windows];
    key.latest = Math.max(key.latest, time);
    key.seen = this.#now;
    const closed = key.open.filter(({ end }) => end - 1 <= key.latest - this.#maxOutOfOrderMs - 1);
    this.#close(closed.map((span) => ({ id, span })));
    this.#rise();
  }

  rise(watermark: number): void {
    this.#wanted = Math.max(this.#wanted, watermark);
    if (watermark === Infinity) this.#close([...this.#keys].flatMap(([id, { open }]) => open.map((span) => ({ id, span }))));
    this.#rise();
  }

  clock(byMs: number): void {
    this.#now += byMs;
    const quiet = [...this.#keys].filter(([, { seen }]) => this.#now - seen >= this.#closeAfterMs);
    this.#close(quiet.flatMap(([id, { open }]) => open.map((span) => ({ id, span }))));
    this.#rise();
  }

  #close(closed: readonly { id: string; span: Span }[]): void {
    for (const { id, span } of closed.toSorted((a, b) => a.span.end - b.span.end || (a.id < b.id ? -1 : 1))) {
      const key = this.#keys.get(id)!;
      key.open = key.open.filter((one) => one !== span);
      key.passed = Math.max(key.passed, span.end - 1);
      this.out.push(`[${span.start},${span.end}) ${id}=${span.times.length}`);
    }
  }

  #rise(): void {
    const ends = [...this.#keys.values()].flatMap(({ open }) => open.map(({ end }) => end - 2));
    const watermark = Math.min(this.#wanted, ...ends);
    if (watermark <= this.#emitted) return;
    this.#emitted = watermark;
    this.out.push(watermark === Infinity ? 'Wend' : `W${watermark}`);
  }

  #windowsOf(time: number, open: readonly Span[]): readonly Span[] {
    const window = this.#window;
    if (window.kind === 'session') {
      const touched = open.filter(({ start, end }) => time < end && time + window.gapMs > start);
      const times = [...touched.flatMap((one) => one.times), time].toSorted((a, b) => a - b);
      return [{ start: times[0]!, end: times.at(-1)! + window.gapMs, times }];
    }
    const everyMs = window.kind === 'sliding' ? window.everyMs : window.sizeMs;
    const starts = Array.from({ length: window.sizeMs }, (_, i) => time - i).filter((start) => Math.abs(start) % everyMs === 0);
    return starts.map((start) => ({
      start,
      end: start + window.sizeMs,
      times: [...(open.find((one) => one.start === start)?.times ?? []), time],
    }));
  }
}

const time = fc.integer({ min: -40, max: 80 });
const plays: fc.Arbitrary<Play[]> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: fc.record({ kind: fc.constant('event' as const), id: fc.constantFrom('a', 'b', 'c'), timeMs: time }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('watermark' as const), watermark: time }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock' as const), byMs: fc.integer({ min: 1, max: 40 }) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
    ),
    { maxLength: 60 },
  )
  .map((list) => [...list, { kind: 'watermark', watermark: Infinity }]);

test('E4 windows by the time of their key give what looking at every event of every key gives', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(TUMBLING, SLIDING, SESSION, { kind: 'sliding', sizeMs: 7, everyMs: 3, offsetMs: 0 } as const),
      fc.integer({ min: 0, max: 15 }),
      fc.integer({ min: 1, max: 60 }),
      plays,
      (window, maxOutOfOrderMs, closeAfterMs, list) => {
        const harness = own(window, maxOutOfOrderMs, closeAfterMs);
        const model = new Model(window, maxOutOfOrderMs, closeAfterMs);
        let now = 0;
        for (const play of list) {
          if (play.kind === 'event') {
            harness.push([{ id: play.id, timeMs: play.timeMs, n: 1 }]);
            model.add(play.id, play.timeMs);
          } else if (play.kind === 'watermark') {
            harness.advance(play.watermark);
            model.rise(play.watermark);
          } else if (play.kind === 'clock') {
            harness.clock((now += play.byMs));
            model.clock(play.byMs);
          } else harness.restart();
        }
        expect(harness.drawn(showWindow).split(/ (?=W|\[|late)/)).toEqual(model.out);
      },
    ),
    { numRuns: 400 },
  );
});
