// D2: stages that work by the clock, through the steps of a task whose clock the test turns.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents, encodeEvents } from '../event/segment.ts';
import { decodeHeader, encodeRecord } from '../journal/record-codec.ts';
import type { RecordHeader } from '../journal/record.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { compareState } from '../plan/state-fit.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { makeHeader } from '../testing/sample-records.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';
import type { Step } from './step-record.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Emits `tick` every second, from the first event of its key on, until `stop`. */
const ticker: Fields = {
  eventType: 'event.type',
  unhandled: 'ignore',
  initial: 'off',
  states: {
    off: { on: { go: 'on' } },
    on: {
      on: { stop: 'off' },
      after: { '1s': { target: 'on', reenter: true, actions: [{ emit: { output: 'tick', value: { id: 'key' } } }] } },
    },
  },
};
const tickerStage = (processingTime: Fields): Fields => ({
  name: 'w',
  from: 's',
  keyBy: 'event.id',
  partitions: 1,
  processingTime,
  machine: ticker,
});

function planOf(stage: Fields, output = 'w'): PhysicalPlan {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: ['s', ...('join' in stage ? ['t'] : [])].map((name) => ({ name, nats: { subjects: [name] }, eventTime: { at: 'timeMs' } })),
      stages: [stage],
      sinks: [{ name: 'out', from: output, nats: { subject: 'out' } }],
    },
  });
  return planJob(job, {}, { deadLetterFile: false });
}

/** The stage's one task. Results are drawn as `value@time`. */
class Clocked {
  readonly results: string[] = [];
  readonly #plan: PhysicalPlan;
  #core: TaskCore;
  #header: RecordHeader | null = null;
  #sequence = 0;

  constructor(plan: PhysicalPlan) {
    this.#plan = plan;
    this.#core = this.#make();
    this.#core.restore(null, this.#core.state, false);
  }

  get wakeMs(): number {
    return this.#core.nextWakeMs;
  }

  /** Events of types for keys come at `nowMs`: `a:go`. */
  take(nowMs: number, ...events: readonly string[]): void {
    this.#takeOn(0, nowMs, events);
  }

  /** The same, on the other side of a join. */
  takeRight(nowMs: number, ...events: readonly string[]): void {
    this.#takeOn(1, nowMs, events);
  }

  #takeOn(input: 0 | 1, nowMs: number, events: readonly string[]): void {
    const parts = events.map((text) => text.split(':') as [string, string]);
    const values = parts.map(([id, type]) => ({ id, type }));
    const batch = { values, times: values.map(() => 0), keys: parts.map(([id]) => encodeKey(id)), ingestMs: nowMs };
    const edge = this.#core.stage.inputs[input]!;
    const from = {
      stage: this.#plan.edges[edge]!.fromStage,
      partition: 0,
      sequence: ++this.#sequence,
      number: this.#sequence,
      kind: 'commit' as const,
      more: false,
    };
    const segments = values.length === 0 ? [] : [{ edge, count: values.length, bytes: encodeEvents([batch]) }];
    this.#core.takeRecords([{ ...from, watermarks: [], segments, bytes: values.length }], nowMs);
    this.#look(this.#core.step(nowMs, { force: true }));
  }

  /** The task is woken, though nothing came. */
  wake(nowMs: number): void {
    this.#look(this.#core.step(nowMs, { force: true }));
  }

  end(nowMs: number): void {
    const watermarks = this.#plan.stages[0]!.outputs.map(() => Infinity);
    const from = { stage: 's', partition: 0, sequence: ++this.#sequence, number: this.#sequence, kind: 'commit' as const, more: false };
    this.#core.takeRecords([{ ...from, watermarks, segments: [], bytes: 0 }], nowMs);
    this.#look(this.#core.step(nowMs, { force: true }));
  }

  pause(isPaused: boolean): void {
    this.#core.isPaused = isPaused;
  }

  /** Another worker goes on from the record. */
  crash(): void {
    this.#core.state.takeDelta();
    const state = PartitionState.restore(this.#core.state.checkpoint());
    this.#core = this.#make();
    this.#core.restore(this.#header, state, true);
  }

  /** Timers of a key, as somebody sees them who looks at it. */
  timers(id: string, nowMs: number): readonly number[] {
    return this.#core.look('w', encodeKey(id), nowMs)!.timers.map(({ atMs }) => atMs);
  }

  #make(): TaskCore {
    const table = (): never => {
      throw new Error('no table');
    };
    const stage = this.#plan.stages.find(({ id }) => id === 'w')!;
    return new TaskCore({ plan: this.#plan, stage, partition: 0, makeTransform, table, sink: null });
  }

  #look(step: Step | null): void {
    if (step === null) return;
    this.#header = decodeHeader(encodeRecord(makeHeader(step.header), []).bytes);
    for (const { edge, bytes } of step.events) {
      if (this.#plan.edges[edge]!.from.node === '*') throw new Error(JSON.stringify(decodeEvents(bytes).values));
      const { values, times } = decodeEvents(bytes);
      values.forEach((value, i) => this.results.push(`${draw(value as Fields)}@${times[i]}`));
    }
  }
}

function draw({ id, n, windowStartMs, matched, pair }: Fields): string {
  if (matched !== undefined)
    return Object.values(matched as Record<string, Fields[]>)
      .flat()
      .map(({ type }) => type)
      .join('');
  if (typeof pair === 'string') return pair;
  return windowStartMs === undefined ? String(id) : `${String(id)}=${String(n)}`;
}

const DAY = 86_400_000;

test('D2 a timer fires by the clock, though no event comes, and the task asks to be woken for it', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go', 'b:go');
  expect([job.wakeMs, job.timers('a', DAY)]).toEqual([DAY + 1_001, [DAY + 1_000]]);
  job.wake(DAY + 500);
  expect(job.results).toEqual([]);
  job.wake(DAY + 1_001);
  expect(job.results).toEqual([`a@${DAY + 1_000}`, `b@${DAY + 1_000}`]);
  expect(job.wakeMs).toBe(DAY + 2_001);
});

test('P5 while the job is paused the clock stands, whoever claims what; events that are on their way come behind what is due', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go');
  job.pause(true);
  job.take(DAY + 1_500);
  job.wake(DAY + 1_600);
  expect(job.results).toEqual([]);
  job.take(DAY + 1_700, 'a:stop');
  expect(job.results).toEqual([`a@${DAY + 1_000}`]);
});

test('D3 a timer that is cancelled does not fire, and nobody is woken for it', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go');
  job.take(DAY + 400, 'a:stop');
  expect([job.wakeMs, job.timers('a', DAY)]).toEqual([Infinity, []]);
  job.wake(DAY + 9_000);
  expect(job.results).toEqual([]);
});

test('D2 what is due comes before an event that comes at the same time', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go');
  job.take(DAY + 1_500, 'a:stop');
  expect(job.results).toEqual([`a@${DAY + 1_000}`]);
});

test.each([
  { missed: 'catchUp', gives: [1_000, 2_000, 3_000, 4_000, 5_000], next: 6_001 },
  { missed: 'fireOnce', gives: [5_300], next: 6_301 },
  { missed: 'skip', gives: [], next: 6_301 },
])('D2 after a pause of five seconds, with $missed', ({ missed, gives, next }) => {
  const job = new Clocked(planOf(tickerStage({ missed, missedAfter: '100ms' }), 'w.tick'));
  job.take(DAY, 'a:go');
  job.crash();
  job.wake(DAY + 5_300);
  expect(job.results).toEqual(gives.map((ms) => `a@${DAY + ms}`));
  expect(job.wakeMs).toBe(DAY + next);
  job.crash();
  job.wake(DAY + next);
  expect(job.results).toHaveLength(gives.length + 1);
});

test('D2 a timer that is a little late is not missed, whatever the policy', () => {
  const job = new Clocked(planOf(tickerStage({ missed: 'skip', missedAfter: '100ms' }), 'w.tick'));
  job.take(DAY, 'a:go');
  job.wake(DAY + 1_100);
  expect(job.results).toEqual([`a@${DAY + 1_000}`]);
});

test('D2 on a worker whose clock is behind, time waits until it has caught up', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go');
  job.wake(DAY + 900);
  job.crash();
  job.take(DAY + 200, 'b:go');
  expect(job.timers('b', DAY)).toEqual([DAY + 1_900]); // set at DAY + 900, the highest time that was given
  job.wake(DAY + 1_001);
  expect(job.results).toEqual([`a@${DAY + 1_000}`]);
});

test('a window by processing time closes though no event comes, and counts what came within it', () => {
  const stage = { name: 'w', from: 's', keyBy: 'event.id', partitions: 1, processingTime: {} };
  const job = new Clocked(planOf({ ...stage, window: { tumbling: { size: '10s' } }, aggregate: { n: { count: {} } } }));
  job.take(DAY + 100, 'a:x', 'b:x');
  job.take(DAY + 9_999, 'a:x');
  expect([job.results, job.wakeMs]).toEqual([[], DAY + 10_999]);
  job.wake(DAY + 10_999);
  expect(job.results).toEqual([`a=2@${DAY + 9_999}`, `b=1@${DAY + 9_999}`]);
  expect(job.wakeMs).toBe(Infinity); // nothing is open
});

test('dedupe by processing time lets an event through again when the time is over', () => {
  const job = new Clocked(planOf({ name: 'w', from: 's', keyBy: 'event.id', partitions: 1, processingTime: {}, dedupe: { ttl: '1m' } }));
  job.take(DAY, 'a:x', 'a:x');
  job.crash();
  job.take(DAY + 59_000, 'a:x');
  expect(job.results).toEqual([`a@${DAY}`]);
  job.take(DAY + 61_000, 'a:x');
  expect(job.results).toEqual([`a@${DAY}`, `a@${DAY + 61_000}`]);
});

const sequence: Fields = {
  within: '1s',
  steps: [
    { name: 'x', where: 'event.type == "x"' },
    { name: 'y', where: 'event.type == "y"' },
  ],
};
const keyed = { name: 'w', from: 's', keyBy: 'event.id', partitions: 1, processingTime: {} };
const joined = (join: Fields): PhysicalPlan =>
  planOf({
    ...keyed,
    join: { with: 't', select: { pair: '(left == null ? "-" : left.type) + (right == null ? "-" : right.type)' }, ...join },
  });

test('I1 a pattern by processing time takes events as they come, and times out though no event comes', () => {
  const job = new Clocked(planOf({ ...keyed, pattern: sequence }, 'w.timedOut'));
  job.take(DAY, 'a:x', 'b:y');
  expect([job.results, job.wakeMs]).toEqual([[], DAY + 1_000]);
  job.crash();
  job.wake(DAY + 999);
  expect(job.results).toEqual([]);
  job.wake(DAY + 1_000);
  expect([job.results, job.wakeMs]).toEqual([[`x@${DAY + 1_000}`], Infinity]);
});

test('I1 whatever comes and whoever dies, a pattern by processing time finds what it finds by event time, if events have the time of their arrival', () => {
  const act = fc.record({ kind: fc.constantFrom('x', 'x', 'y', 'y', 'wake', 'crash'), afterMs: fc.integer({ min: 0, max: 700 }) });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 20 }), (acts) => {
      const job = new Clocked(planOf({ ...keyed, pattern: sequence }));
      const arrived: { readonly type: string; readonly timeMs: number }[] = [];
      let nowMs = DAY;
      for (const { kind, afterMs } of acts) {
        nowMs += afterMs;
        if (kind === 'crash') job.crash();
        else if (kind === 'wake') job.wake(nowMs);
        else {
          job.take(nowMs, `a:${kind}`);
          arrived.push({ type: kind, timeMs: nowMs });
        }
      }
      const expected = arrived.flatMap((x, i) => {
        const y = arrived.slice(i + 1).find(({ type }) => type === 'y');
        return x.type === 'x' && y !== undefined && y.timeMs - x.timeMs < 1_000 ? [`xy@${y.timeMs}`] : [];
      });
      expect(job.results.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 100 },
  );
});

test('G1 an interval join by processing time: both sides come by the clock, and who is alone comes out though nothing else comes', () => {
  const job = new Clocked(joined({ within: '1s', type: 'left' }));
  job.take(DAY, 'a:x');
  job.takeRight(DAY + 1_000, 'a:y');
  expect(job.results).toEqual([`xy@${DAY + 1_000}`]);
  job.crash();
  job.take(DAY + 5_000, 'a:z');
  expect(job.wakeMs).toBeLessThanOrEqual(DAY + 6_001);
  job.wake(DAY + 6_000);
  expect(job.results).toHaveLength(1);
  job.wake(DAY + 6_001);
  expect(job.results).toEqual([`xy@${DAY + 1_000}`, `z-@${DAY + 5_000}`]);
  job.wake(DAY + 7_002);
  expect(job.wakeMs).toBe(Infinity); // nothing is kept
});

test('G1 a window join by processing time: pairs come when the window closes, though nothing else comes', () => {
  const job = new Clocked(joined({ window: { tumbling: { size: '10s' } } }));
  job.take(DAY + 100, 'a:x');
  job.crash();
  job.takeRight(DAY + 9_000, 'a:y');
  expect([job.results, job.wakeMs]).toEqual([[], DAY + 10_000]);
  job.wake(DAY + 10_000);
  expect([job.results, job.wakeMs]).toEqual([[`xy@${DAY + 9_999}`], Infinity]);
});

test('a bounded input ends though timers are far away: they fire', () => {
  const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
  job.take(DAY, 'a:go');
  job.end(DAY + 10);
  expect(job.results).toEqual([`a@${DAY + 1_000}`]);
});

test('a stage that worked by event time does not go on by the clock with the times that it has kept', () => {
  const timed = planOf({ name: 'w', from: 's', keyBy: 'event.id', partitions: 1, machine: ticker }, 'w.tick');
  const clocked = planOf(tickerStage({}), 'w.tick');
  const reasons = (from: PhysicalPlan, to: PhysicalPlan): readonly string[] =>
    compareState(
      from,
      from.stages.find(({ id }) => id === 'w')!,
      to,
    ).map(({ reason }) => reason);
  const says = (was: string, is: string): string =>
    `machine w worked by ${was} and would work by ${is}: times that it has kept would mean something else`;
  expect(reasons(timed, clocked)).toEqual([says('event time', 'the clock')]);
  expect(reasons(clocked, timed)).toEqual([says('the clock', 'event time')]);
  expect(reasons(clocked, planOf(tickerStage({ missed: 'skip' }), 'w.tick'))).toEqual([]);
});

test('D2 whatever comes and whoever dies, each timer fires once, in the order of times and keys', () => {
  const act = fc.record({
    kind: fc.constantFrom('go', 'go', 'stop', 'wake', 'wake', 'crash'),
    key: fc.constantFrom('a', 'b', 'c'),
    afterMs: fc.integer({ min: 0, max: 1_700 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
      const job = new Clocked(planOf(tickerStage({}), 'w.tick'));
      const due = new Map<string, number>(); // the slow model: key → when it ticks next
      const expected: string[] = [];
      let nowMs = DAY;
      for (const { kind, key, afterMs } of acts) {
        nowMs += afterMs;
        if (kind === 'crash') {
          job.crash();
          continue;
        }
        for (;;) {
          const next = [...due].filter(([, atMs]) => atMs < nowMs).sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1))[0];
          if (next === undefined) break;
          expected.push(`${next[0]}@${next[1]}`);
          due.set(next[0], next[1] + 1_000);
        }
        if (kind === 'go' && !due.has(key)) due.set(key, nowMs + 1_000);
        if (kind === 'stop') due.delete(key);
        if (kind === 'wake') job.wake(nowMs);
        else job.take(nowMs, `${key}:${kind}`);
        expect([job.wakeMs, job.results]).toEqual([Math.min(...due.values()) + 1, expected]);
      }
    }),
    { numRuns: 150 },
  );
});
