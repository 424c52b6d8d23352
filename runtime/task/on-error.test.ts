// What a stage says of failures: tries again in the order of keys, then a dead letter, or a stop that stores nothing.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Batch, DeadLetter } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import { file } from '../job/source.ts';
import { job } from '../job/job.ts';
import type { OnError } from '../job/stream.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { Standing, Step } from './step-record.ts';
import { TaskCore } from './step.ts';

type Event = { readonly id: string; readonly n: number };
type Reduce = (state: number, event: Event, context: { emit(value: unknown): void }) => number;

/** Events by key through a function that adds them up and gives each sum. */
function jobOf(step: Reduce, policy: OnError | undefined): StreamJob {
  return job('j', (j) => {
    const actors = j
      .source('s', file<Event>({ path: 's.ndjson' }))
      .keyBy('id')
      .reduce<number, unknown>({ init: () => 0, step })
      .as('sums');
    (policy === undefined ? actors : actors.onError(policy)).toFile('out.ndjson');
  }).build();
}

class Task {
  core: TaskCore;
  readonly out: unknown[] = [];
  readonly dead: DeadLetter[] = [];
  nowMs = 1_000;
  readonly #step: Reduce;
  #policy: OnError | undefined;
  #sequence = 0;
  #standing: Standing | null = null;

  constructor(step: Reduce, policy?: OnError) {
    this.#step = step;
    this.#policy = policy;
    this.core = this.#make();
    this.core.restore(null, this.core.state, false);
  }

  /** A record with these events, `a1` is the event { id: 'a', n: 1 } at the time 1; the watermark is the last time. */
  take(drawing: string, watermark?: number): this {
    const events = drawing.split(' ').map((text) => ({ id: text[0] as string, n: Number(text.slice(1)) }));
    const times = events.map(({ n }) => n);
    const batch: Batch = { values: events, times, keys: events.map(({ id }) => encodeKey(id)), ingestMs: this.nowMs };
    const { plan, edge } = this.#planned();
    const record = makeInboxRecord(plan, edge, { sequence: ++this.#sequence, batch, watermark: watermark ?? Math.max(...times) });
    this.core.takeRecords([record], this.nowMs);
    return this.#store(this.core.step(this.nowMs, { force: true }));
  }

  /** The clock comes to what waits next. */
  wake(): this {
    this.nowMs = Math.max(this.nowMs, this.core.nextWakeMs);
    this.core.wake(this.nowMs);
    return this.#store(this.core.step(this.nowMs, { force: true }));
  }

  /** Another owner goes on from bytes alone, by another policy if one is given. */
  restart(policy = this.#policy): this {
    this.#policy = policy;
    const state = PartitionState.restore(this.core.state.checkpoint());
    this.core = this.#make();
    this.core.restore(this.#standing, state, true);
    return this;
  }

  get watermark(): number | null | undefined {
    return this.#standing?.watermarks[0];
  }

  residue(): number | null {
    return residueOf(this.core.counters);
  }

  #store(step: Step | null): this {
    if (step === null) return this;
    const { plan } = this.#planned();
    this.#standing = step.header;
    for (const { edge, bytes } of step.events) {
      const { values } = decodeEvents(bytes);
      if (plan.edges[edge]?.from.node === '*') this.dead.push(...(values as DeadLetter[]));
      else this.out.push(...values);
    }
    return this;
  }

  #make(): TaskCore {
    const { plan, stage } = this.#planned();
    const table = (): never => {
      throw new Error('no table');
    };
    return new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null });
  }

  #planned() {
    const plan = planJob(jobOf(this.#step, this.#policy), {}, { deadLetterFile: false });
    const stage = plan.stages.find(({ id }) => id === 'sums')!;
    return { plan, stage, edge: plan.edges[stage.inputs[0]!]! };
  }
}

/** Fails for `n` as often as `failures` says, then adds. */
function failing(failures: Record<number, number>): Reduce {
  const left = { ...failures };
  return (sum, { id, n }, context) => {
    if ((left[n] ?? 0) > 0) {
      left[n]!--;
      throw new TypeError(`not now: ${n}`);
    }
    context.emit(`${id}${n}`);
    return sum + n;
  };
}

const policy: OnError = { retries: 3, backoff: '100ms', backoffMax: '250ms' };

test('a function that threw is called again, what comes behind it with its key waits, other keys go on', () => {
  const task = new Task(failing({ 2: 2 }), policy).take('a1 a2 b3 a4');
  expect(task.out).toEqual(['a1', 'b3']);
  expect(task.take('a5 b6').out).toEqual(['a1', 'b3', 'b6']);
  expect(task.wake().out).toHaveLength(3);
  expect(task.wake().out).toEqual(['a1', 'b3', 'b6', 'a2', 'a4', 'a5']);
  expect([task.dead, task.residue(), task.core.nextWakeMs]).toEqual([[], 0, Infinity]);
});

test('waits grow from backoff, doubled, to backoffMax', () => {
  const task = new Task(failing({ 1: 9 }), policy).take('a1');
  const waits: number[] = [];
  for (let before = task.nowMs; task.core.nextWakeMs !== Infinity; before = task.nowMs) {
    task.wake();
    waits.push(task.nowMs - before);
  }
  expect(waits).toEqual([100, 200, 250]);
  expect(task.dead).toHaveLength(1);
});

test('after the last try: a dead letter with event, cause, stack, position, attempts, and what waited goes on', () => {
  const task = new Task(failing({ 2: 99 }), { retries: 1, backoff: '1s' }).take('a2 a3').take('b9').restart().wake();
  expect(task.out).toEqual(['b9', 'a3']);
  expect(task.dead).toEqual([
    {
      code: 'MR3002',
      at: 'sums',
      message: 'MR3002 TransformFailed: sums: TypeError: not now: 2',
      issues: [],
      event: { id: 'a', n: 2 },
      place: 's/0 seq 1', // of the record that brought it, whoever goes on with it
      timeMs: 2,
      key: 'a',
      attempts: 2,
      stack: expect.stringMatching(/^TypeError: not now: 2\n +at .*on-error\.test\.ts/) as string,
    },
  ]);
  const atOnce = new Task(failing({ 2: 1 })).take('a2');
  expect(atOnce.dead).toMatchObject([{ place: 's/0 seq 1', stack: expect.stringContaining('on-error.test.ts') as string }]);
  expect(atOnce.dead[0]).not.toHaveProperty('attempts');
});

test('the watermark does not pass what waits, and rises when it has gone on', () => {
  const task = new Task(failing({ 2: 1 }), policy).take('a1 a2 b5', 4);
  expect(task.watermark).toBe(1);
  expect(task.wake().watermark).toBe(4);
});

test('the end of the input is not the end while something waits', () => {
  const task = new Task(failing({ 2: 1 }), policy).take('a2', Infinity);
  expect([task.core.done, task.core.isEnding, task.out]).toEqual([false, false, []]);
  task.wake();
  expect([task.core.done, task.out]).toEqual([true, ['a2']]);
});

test('what waits is state: another owner tries it again, in the order of its key, also when the job says nothing of retries any more', () => {
  const task = new Task(failing({ 2: 2 }), policy).take('a1 a2 a3').restart().wake().restart();
  expect(task.wake().out).toEqual(['a1', 'a2', 'a3']);
  const without = new Task(failing({ 2: 1, 4: 1 }), policy).take('a1 a2 a3').restart({ then: 'deadLetter' });
  expect(without.wake().out).toEqual(['a1', 'a2', 'a3']);
  expect(without.take('a4').dead).toHaveLength(1);
  expect(without.residue()).toBe(0);
});

test.each([
  { then: 'stopPartition', code: 'MR3006' },
  { then: 'stopJob', code: 'MR3007' },
] as const)('$then: nothing of the step is given out, and $code says which event and why', ({ then, code }) => {
  const task = new Task(failing({ 3: 1 }), { then }).take('a1');
  expect(() => task.take('a2 a3')).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(/not now: 3.*"n":3/) as string }),
  );
  expect([task.out, task.dead]).toEqual([['a1'], []]);
  expect(() => new Task(failing({ 3: 2 }), { then, retries: 1 }).take('a3').wake()).toThrow(expect.objectContaining({ code }));
});

test('an expression that fails is not tried again: it would say the same for ever', () => {
  const step = ((sum: number, { n }: Event, context: { emit(value: unknown): void }) => {
    if (n === 2) context.emit(undefined); // refused by the engine, not thrown by the code
    return sum;
  }) as Reduce;
  expect(new Task(step, policy).take('a2').dead).toHaveLength(1);
});

const tasks = fc.record({
  events: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 40 }),
  cuts: fc.array(fc.constantFrom('take', 'wake', 'restart'), { maxLength: 30 }),
});

test('whatever fails how often, and whoever takes over: each event comes out once or is a dead letter, in the order of its key', () => {
  fc.assert(
    fc.property(tasks, ({ events, cuts }) => {
      const named = events.map(([id, failures], n) => ({ id, n, failures }));
      const fails = Object.fromEntries(named.map(({ n, failures }) => [n, failures]));
      const task = new Task(failing(fails), policy);
      let taken = 0;
      const take = (count: number): void => {
        const part = named.slice(taken, taken + count);
        taken += part.length;
        if (part.length > 0) task.take(part.map(({ id, n }) => `${id}${n}`).join(' '));
      };
      for (const [place, cut] of cuts.entries()) {
        if (cut === 'take') take(1 + (place % 5));
        else if (cut === 'restart') task.restart();
        else if (task.core.nextWakeMs !== Infinity) task.wake();
        expect(task.residue()).toBe(0);
      }
      take(events.length);
      while (task.core.nextWakeMs !== Infinity) task.wake();
      for (const key of ['a', 'b', 'c']) {
        const own = named.filter(({ id }) => id === key);
        const isLost = (failures: number): boolean => failures > policy.retries!;
        expect(task.out.filter((text) => (text as string)[0] === key)).toEqual(
          own.filter(({ failures }) => !isLost(failures)).map(({ n }) => `${key}${n}`),
        );
        expect(task.dead.filter((letter) => letter.key === key).map(({ event }) => (event as Event).n)).toEqual(
          own.filter(({ failures }) => isLost(failures)).map(({ n }) => n),
        );
      }
      expect([task.residue(), task.core.counters.held]).toEqual([0, 0]);
    }),
  );
});
