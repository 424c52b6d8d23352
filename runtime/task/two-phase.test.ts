// A window that is computed in two phases gives what it gives in one: the same results, late events and dead letters, in the same order,
// whoever goes on in the middle.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeEvents } from '../event/segment.ts';
import { Combined } from '../event/combined.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';
import { StepTrace } from './step-trace.ts';

type Spec = Readonly<Record<string, unknown>>;

const SPLITS = 2;
const WINDOWS: readonly Spec[] = [
  { tumbling: { size: '10ms' } },
  { tumbling: { size: '10ms', offset: '3ms' } },
  { sliding: { size: '10ms', every: '4ms' } },
  { tumbling: { size: '10ms' }, allowedLateness: '8ms', accumulation: 'retracting' },
  { sliding: { size: '12ms', every: '4ms' }, allowedLateness: '9ms' },
];
const AGGREGATES: readonly Spec[] = [
  { n: { count: {} } },
  {
    n: { count: {}, where: 'event.n > 2.0' },
    sum: { sum: '12 / event.d' },
    mean: { mean: 'event.n' },
    min: { min: 'event.n' },
    max: { max: 'event.id + string(event.d)' },
    about: { approxDistinct: 'event.d' },
  },
];

type Shape = { readonly window: number; readonly aggregates: number; readonly late: boolean };

function planOf({ window, aggregates, late }: Shape, preAggregate: boolean): PhysicalPlan {
  return planOfSpec({
    sources: [{ name: 's', nats: { subjects: ['a', 'b'] }, eventTime: { at: 'event.at', maxOutOfOrder: '5ms' } }],
    stages: [
      {
        name: 'w',
        from: 's',
        partitions: 1,
        keyBy: 'event.id',
        window: { ...WINDOWS[window], preAggregate },
        aggregate: AGGREGATES[aggregates],
      },
    ],
    sinks: [
      { name: 'o', from: 'w', nats: { subject: 'out' } },
      ...(late ? [{ name: 'l', from: 'w.late', nats: { subject: 'late' } }] : []),
    ],
  });
}

type Event = { readonly id: string; readonly at: number; readonly n: number; readonly d: number };
/** Events that a split reads in one step; behind it the task may be restored from what it stored. `isTaken`: the window takes in what is
 *  there. */
type Turn = { readonly split: number; readonly events: readonly Event[]; readonly isKilled: boolean; readonly isTaken: boolean };

const event: fc.Arbitrary<Event> = fc.record({
  id: fc.constantFrom('a', 'a', 'a', 'b', 'c'),
  at: fc.nat(60),
  n: fc.constantFrom(0.1, 0.2, 0.3, 1e16, -1e16, 3, -0, 1e300),
  d: fc.nat(6), // what divides by 0 fails
});
const turn: fc.Arbitrary<Turn> = fc.record({
  split: fc.nat(SPLITS - 1),
  events: fc.array(event, { maxLength: 25 }),
  isKilled: fc.boolean(),
  isTaken: fc.boolean(),
});

type Told = { readonly values: unknown[]; readonly letters: unknown[]; late: number };
/** `sent`: values that the window's task gets; `combined`: those that are sums. */
type Way = { readonly told: Told; readonly combined: number; readonly sent: number };

function play(plan: PhysicalPlan, turns: readonly Turn[], isTraced: boolean): Way {
  const [from, to] = ['source', 'keyed'].map((kind) => plan.stages.find((stage) => stage.kind === kind) as StagePlan) as [
    StagePlan,
    StagePlan,
  ];
  const [splits, window] = [
    Array.from({ length: SPLITS }, (_, split) => new Task(plan, from, split, isTraced)),
    new Task(plan, to, 0, isTraced),
  ];
  const told: Told = { values: [], letters: [], late: 0 };
  const lane: InboxRecord[] = [];
  let [combined, sent] = [0, 0];
  const take = (): void => {
    for (const record of lane.splice(0)) {
      window.core.takeRecords([record], 1);
      tell(plan, window.step(), told);
    }
  };
  const ends = splits.map((_, split): Turn => ({ split, events: [], isKilled: false, isTaken: true }));
  const sequences = { lane: 0, read: 0 };
  for (const [place, { split, events, isKilled, isTaken }] of [...turns, ...ends].entries()) {
    const task = splits[split] as Task;
    sequences.read++;
    const position = { sequences: { a: sequences.read } } as never;
    const done = place >= turns.length;
    task.core.takeRead({ values: events, deadLetters: [], position, ingestMs: 1, done } as never, 1);
    const step = task.step();
    if (step !== null) {
      tell(plan, { ...step, events: step.events.filter(({ edge }) => !to.inputs.includes(edge)) }, told);
      const segments = step.events.filter(({ edge }) => to.inputs.includes(edge));
      const values = segments.flatMap(({ bytes }) => decodeEvents(bytes).values);
      combined += values.filter((value) => value instanceof Combined).length;
      sent += values.length;
      const sequence = ++sequences.lane;
      lane.push({
        stage: from.id,
        partition: split,
        sequence,
        number: sequence,
        kind: 'commit',
        more: false,
        bytes: 1,
        watermarks: step.header.watermarks,
        idle: [],
        segments,
      });
    }
    if (isKilled) task.restore();
    if (isTaken) take();
    if (isKilled && isTaken) window.restore();
  }
  take();
  told.late = window.core.counters.late;
  return { told, combined, sent };
}

class Task {
  core: TaskCore;
  readonly #make: () => TaskCore;
  #stored: { readonly standing: Standing; readonly image: Uint8Array } | null = null;

  constructor(plan: PhysicalPlan, stage: StagePlan, partition: number, isTraced: boolean) {
    const table = (): never => {
      throw new Error('no table');
    };
    const trace = isTraced ? traceOf(plan, stage, partition) : null;
    this.#make = () => new TaskCore({ plan, stage, partition, makeTransform, table, sink: null, trace });
    this.core = this.#make();
    this.core.restore(null, new PartitionState(), false);
  }

  /** Each event has one end, sums too. */
  step(): Step | null {
    const step = this.core.step(1, { force: true });
    if (step === null) return null;
    expect(residueOf(step.header.counters)).toBe(0);
    this.core.state.takeDelta();
    this.#stored = { standing: step.header as Standing, image: this.core.state.checkpoint() };
    return step;
  }

  restore(): void {
    if (this.#stored === null) return;
    this.core = this.#make();
    this.core.restore(this.#stored.standing, PartitionState.restore(this.#stored.image), true);
  }
}

/** Every fifth event of a read begins a trace. */
function traceOf(plan: PhysicalPlan, stage: StagePlan, partition: number): StepTrace {
  return new StepTrace({
    runId: plan.job,
    stage: stage.id,
    partition,
    sampler: { next: (count) => Array.from({ length: Math.ceil(count / 5) }, (_, i) => i * 5) },
    followed: () => new Set(),
    mayKeep: () => false,
  });
}

/** Results with their time, key and whether they are traced; letters without the ids of their traces. */
function tell(plan: PhysicalPlan, step: Step | null, told: Told): void {
  for (const { edge, bytes } of step?.events ?? []) {
    const { values, times, keys, traces = [] } = decodeEvents(bytes);
    const isData = plan.edges[edge]?.from.node !== '*';
    const traced = new Set(traces.map(({ at }) => at));
    values.forEach((value, i) => {
      if (isData) told.values.push([plan.edges[edge]?.id, value, times[i], keys?.[i], traced.has(i)]);
      else {
        const { traceId, spanId, ...letter } = value as { traceId?: string; spanId?: string };
        told.letters.push({ ...letter, isTraced: traceId !== undefined && spanId !== undefined });
      }
    });
  }
}

/** A window is corrected once a portion, and what a portion holds is no promise: the last result of each key and window counts. */
function settled({ told: { values, letters, late } }: Way): unknown {
  const last = new Map<string, unknown>();
  const others: unknown[] = [];
  for (const each of values as [string, { pane?: string; windowStartMs: number }, number, string, boolean][]) {
    const [edge, value, timeMs, key] = each;
    if (value.pane === undefined) others.push(each);
    else if (value.pane !== 'retracted') last.set(`${edge} ${key} ${value.windowStartMs}`, [value, timeMs]);
  }
  return { last, others, letters, late };
}

const shape: fc.Arbitrary<Shape> = fc.record({
  window: fc.nat(WINDOWS.length - 1),
  aggregates: fc.nat(AGGREGATES.length - 1),
  late: fc.boolean(),
});

test('H1 two phases give the results, late events, dead letters and traces of one', { timeout: 300_000 }, () => {
  let combined = 0;
  let [results, letters, late] = [0, 0, 0];
  fc.assert(
    fc.property(shape, fc.array(turn, { maxLength: 12 }), fc.boolean(), (drawn, turns, isTraced) => {
      const one = play(planOf(drawn, false), turns, isTraced);
      const two = play(planOf(drawn, true), turns, isTraced);
      const told = WINDOWS[drawn.window]?.['allowedLateness'] === undefined ? (way: Way): unknown => way.told : settled;
      expect(told(two)).toEqual(told(one));
      expect(one.combined).toBe(0);
      combined += two.combined;
      results += one.told.values.length;
      letters += one.told.letters.length;
      late += one.told.late;
    }),
    { numRuns: 300 },
  );
  for (const each of [combined, results, letters, late]) expect(each).toBeGreaterThan(100); // all of it happens
});

test('M3 of a hot key the window gets a sum for each read, not its events', () => {
  const READS = 10;
  const EVENTS = 2_000;
  const events = Array.from({ length: EVENTS }, (_, i) => ({ id: i % 20 === 0 ? `k${i % 3}` : 'hot', at: i % 10, n: 1, d: 1 }));
  const turns = Array.from({ length: READS }, (_, i): Turn => ({ split: i % SPLITS, events, isKilled: false, isTaken: true }));
  const shape: Shape = { window: 0, aggregates: 0, late: false };
  const [one, two] = [play(planOf(shape, false), turns, false), play(planOf(shape, true), turns, false)];
  expect(two.told).toEqual(one.told);
  expect(two.told.values.find((each) => (each as [string, unknown, number, string])[3] === 'hot')).toMatchObject([
    expect.anything(),
    { n: READS * EVENTS * 0.95 },
    9,
    'hot',
    false,
  ]);
  expect([one.sent, two.sent]).toEqual([READS * EVENTS, READS * 4]); // keys
});
