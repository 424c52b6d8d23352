// F4 F5: early results of windows of event time by the clock, through the steps of a task whose clock the test turns.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import { PartitionState } from '../state/partition-state.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';
import type { Standing } from './step-record.ts';

type Result = {
  readonly id: string;
  readonly n: number;
  readonly windowStartMs?: number;
  readonly pane: string;
  readonly paneNumber: number;
};

/** A window behind an exchange. Event time is what the test says, the clock too. */
class Windowed {
  readonly results: Result[] = [];
  readonly #plan: ReturnType<typeof planOfSpec>;
  #core: TaskCore;
  #sequence = 0;
  #standing: Standing | null = null;

  constructor(window: object) {
    this.#plan = planOfSpec({
      sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.t' } }],
      stages: [{ name: 'w', from: 's', keyBy: 'event.id', partitions: 1, window, aggregate: { n: { count: {} } } }],
      sinks: [{ name: 'out', from: 'w', file: { path: 'out.ndjson' } }],
    });
    this.#core = this.#make();
    this.#core.restore(null, this.#core.state, false);
  }

  get wakeMs(): number {
    return this.#core.nextWakeMs;
  }

  /** `a5`: an event of key a at 5. */
  take(nowMs: number, watermark: number, ...events: readonly string[]): this {
    const times = events.map((text) => Number(text.slice(1)));
    const values = events.map((text, i) => ({ id: text[0], t: times[i] }));
    const batch = { values, times, keys: values.map(({ id }) => encodeKey(id)), ingestMs: nowMs };
    const edge = this.#plan.edges[this.#stage.inputs[0]!]!;
    this.#core.takeRecords([makeInboxRecord(this.#plan, edge, { sequence: ++this.#sequence, batch, watermark })], nowMs);
    return this.#store(nowMs);
  }

  wake(nowMs: number): this {
    this.#core.wake(nowMs);
    return this.#store(nowMs);
  }

  /** Another worker goes on from the record. */
  crash(): this {
    const state = PartitionState.restore(this.#core.state.checkpoint());
    this.#core = this.#make();
    this.#core.restore(this.#standing, state, true);
    return this;
  }

  /** `a=2 early#0`, since the last call. */
  drawn(): string {
    return this.results
      .splice(0)
      .map(({ id, n, pane, paneNumber }) => `${id}=${n} ${pane}#${paneNumber}`)
      .join(' ');
  }

  get #stage() {
    return this.#plan.stages.find(({ id }) => id === 'w')!;
  }

  #make(): TaskCore {
    const table = (): never => {
      throw new Error('no table');
    };
    return new TaskCore({ plan: this.#plan, stage: this.#stage, partition: 0, makeTransform, table, sink: null });
  }

  #store(nowMs: number): this {
    const step = this.#core.step(nowMs, { force: true });
    if (step === null) return this;
    this.#standing = step.header;
    for (const { edge, bytes } of step.events) {
      if (this.#plan.edges[edge]!.from.node === '*') throw new Error(JSON.stringify(decodeEvents(bytes).values));
      this.results.push(...(decodeEvents(bytes).values as Result[]));
    }
    return this;
  }
}

const NOW = 1_000_000;
const KINDS = [
  { kind: 'tumbling', window: { tumbling: { size: '1h' } } },
  { kind: 'session', window: { session: { gap: '1h' } } },
  { kind: 'global', window: { global: {} } },
] as const;

describe.each(KINDS)('early results by the clock, $kind', ({ window }) => {
  const job = (trigger: object, more: object = {}): Windowed => new Windowed({ ...window, early: [trigger], ...more });

  test('F5 come so long after the first new event, though nothing else comes, and the task asks to be woken for it', () => {
    const run = job({ processingTime: '10s' })
      .take(NOW, 0, 'a1', 'b2')
      .take(NOW + 3_000, 0, 'a2');
    expect([run.drawn(), run.wakeMs]).toEqual(['', NOW + 10_000]);
    expect(run.wake(NOW + 10_000).drawn()).toBe('a=2 early#0 b=1 early#0');
    expect(run.wakeMs).toBe(Infinity); // nothing is new
    run.take(NOW + 60_000, 0, 'a3');
    expect(run.wakeMs).toBe(NOW + 70_000);
    expect(run.wake(NOW + 70_000).drawn()).toBe('a=3 early#1');
  });

  test('F5 a new owner goes on waiting from when the event came', () => {
    const run = job({ processingTime: '10s' }).take(NOW, 0, 'a1').crash();
    expect(run.wakeMs).toBe(NOW + 10_000);
    expect(run.wake(NOW + 12_000).drawn()).toBe('a=1 early#0');
    expect(run.crash().wakeMs).toBe(Infinity);
  });

  test('F4 with other conditions both must hold, whichever does first', () => {
    const run = job({ processingTime: '10s', count: 2 }).take(NOW, 0, 'a1');
    expect(run.wake(NOW + 10_000).drawn()).toBe('');
    expect(run.take(NOW + 11_000, 0, 'a2').drawn()).toBe('a=2 early#0');
    run.take(NOW + 12_000, 0, 'a3', 'a4');
    expect([run.drawn(), run.wakeMs]).toEqual(['', NOW + 22_000]);
    expect(run.wake(NOW + 22_000).drawn()).toBe('a=4 early#1');
  });

  test('F4 one of several triggers is enough; once is once', () => {
    const run = new Windowed({ ...window, early: [{ processingTime: '10s', once: true }, { count: 3 }] });
    expect(run.take(NOW, 0, 'a1', 'a2', 'a3').drawn()).toBe('a=3 early#0');
    expect(
      run
        .take(NOW + 1_000, 0, 'a4')
        .wake(NOW + 11_000)
        .drawn(),
    ).toBe('a=4 early#1');
    expect(
      run
        .take(NOW + 12_000, 0, 'a5')
        .wake(NOW + 99_000)
        .drawn(),
    ).toBe('');
  });

  test('F7 discarding: each has what came since the last', () => {
    const run = job({ processingTime: '10s' }, { accumulation: 'discarding' })
      .take(NOW, 0, 'a1', 'a2')
      .wake(NOW + 10_000);
    run
      .take(NOW + 20_000, 0, 'a3')
      .wake(NOW + 30_000)
      .take(NOW + 31_000, Infinity);
    expect(run.drawn()).toBe('a=2 early#0 a=1 early#1 a=0 onTime#2');
  });
});

test('two sessions that become one wait from the earlier of their events', () => {
  const run = new Windowed({ session: { gap: '10ms' }, early: [{ processingTime: '10s' }] });
  run
    .take(NOW, 0, 'a30')
    .take(NOW + 2_000, 0, 'a15')
    .take(NOW + 4_000, 0, 'a22');
  expect(run.wakeMs).toBe(NOW + 10_000);
  expect(run.wake(NOW + 10_000).drawn()).toBe('a=3 early#0');
});

test('a window that has ended is not looked at any more', () => {
  const run = new Windowed({ tumbling: { size: '10ms' }, early: [{ processingTime: '10s' }] }).take(NOW, 0, 'a1').take(NOW + 1_000, 9);
  expect([run.drawn(), run.wakeMs]).toEqual(['a=1 onTime#0', Infinity]);
});

/** Whatever comes: the clock goes on by `ms`, then events, a wake when one is due, or a crash. */
const happening = fc.record({
  ms: fc.integer({ min: 0, max: 8_000 }),
  what: fc.oneof(
    { weight: 5, arbitrary: fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 60 })), { maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant('crash' as const) },
  ),
  rise: fc.integer({ min: 0, max: 6 }),
});

test.each(KINDS.slice(0, 2).map(({ kind }) => ({ kind })))(
  'F5 F7 whatever comes and whoever dies, $kind: no event waits longer than was asked for, and what panes discard adds up to all events',
  ({ kind }) => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (list) => {
        const size = kind === 'tumbling' ? { tumbling: { size: '20ms' } } : { session: { gap: '20ms' } };
        const run = new Windowed({ ...size, early: [{ processingTime: '10s' }], accumulation: 'discarding' });
        let [nowMs, watermark, events] = [NOW, 0, 0];
        const wakeUpTo = (untilMs: number): void => {
          while (run.wakeMs <= untilMs) {
            nowMs = Math.max(nowMs, run.wakeMs);
            const due = run.wakeMs;
            run.wake(nowMs);
            expect(run.wakeMs).toBeGreaterThan(due);
          }
          nowMs = untilMs;
        };
        for (const { ms, what, rise } of list) {
          wakeUpTo(nowMs + ms);
          if (what === 'crash') run.crash();
          else {
            const drawn = what.map(([id, t]) => `${id}${Math.max(watermark + 1, t)}`);
            events += drawn.length;
            run.take(nowMs, watermark + rise, ...drawn);
            watermark += rise;
          }
          expect(run.wakeMs).toBeGreaterThan(nowMs);
        }
        wakeUpTo(nowMs + 10_000);
        expect(run.results.reduce((sum, { n }) => sum + n, 0)).toBe(events); // nothing is left to wait for
        expect(run.wakeMs).toBe(Infinity);
        run.take(nowMs, Infinity);
        expect(run.results.reduce((sum, { n }) => sum + n, 0)).toBe(events);
        const numbers = Map.groupBy(run.results, ({ id, windowStartMs }) => `${id} ${windowStartMs}`);
        if (kind === 'tumbling')
          for (const panes of numbers.values()) expect(panes.map(({ paneNumber }) => paneNumber)).toEqual(panes.map((_, i) => i));
      }),
    );
  },
);
