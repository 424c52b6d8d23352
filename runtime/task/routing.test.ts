// branch and rateLimit inside a task: every event on the outputs that take it, and no more of them in a second than may go on.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { Batch } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';

/** A stage behind an exchange, with `verb` fused into it; `reads`: the outputs of it that a sink reads. */
class Task {
  core: TaskCore;
  /** By output: the events in order. */
  readonly out: Record<string, number[]> = {};
  deadLetters = 0;
  nowMs = 0;
  readonly #plan: ReturnType<typeof planJob>;
  #sequence = 0;
  #standing: Standing | null = null;

  constructor(verb: Readonly<Record<string, unknown>>, reads: readonly string[]) {
    this.#plan = planOfSpec({
      sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.n' } }],
      stages: [
        { name: 'once', from: 's', keyBy: 'event.n', partitions: 1, dedupe: { ttl: '1ms' } },
        { name: 'v', from: 'once', ...verb },
      ],
      sinks: reads.map((output, i) => ({ name: `out-${i}`, from: output, file: { path: `${i}.ndjson` } })),
    });
    this.core = this.#make();
    this.core.restore(null, this.core.state, false);
  }

  take(...numbers: readonly number[]): this {
    const values = numbers.map((n) => ({ n }));
    const keys = numbers.map((n) => encodeKey(n));
    const batch: Batch = { values, times: numbers.map((n) => n * 10), keys, ingestMs: 1 };
    const edge = this.#plan.edges[this.#stage.inputs[0]!]!;
    const watermark = Math.max(...batch.times);
    this.core.takeRecords([makeInboxRecord(this.#plan, edge, { sequence: ++this.#sequence, batch, watermark })], this.nowMs);
    return this.#store();
  }

  wake(): this {
    this.nowMs = Math.max(this.nowMs, this.core.nextWakeMs);
    this.core.wake(this.nowMs);
    return this.#store();
  }

  restart(): this {
    const state = PartitionState.restore(this.core.state.checkpoint());
    this.core = this.#make();
    this.core.restore(this.#standing, state, true);
    return this;
  }

  residue(): number | null {
    return residueOf(this.core.counters);
  }

  get watermark(): number | null | undefined {
    return this.#standing?.watermarks[0];
  }

  get #stage() {
    return this.#plan.stages.find(({ id }) => id === 'once')!;
  }

  #store(): this {
    const step: Step | null = this.core.step(this.nowMs, { force: true });
    if (step === null) return this;
    this.#standing = step.header;
    for (const { edge, bytes } of step.events) {
      const { from } = this.#plan.edges[edge]!;
      const values = decodeEvents(bytes).values as { n: number }[];
      if (from.node === '*') this.deadLetters += values.length;
      else (this.out[from.output ?? ''] ??= []).push(...values.map(({ n }) => n));
    }
    return this;
  }

  #make(): TaskCore {
    const table = (): never => {
      throw new Error('no table');
    };
    return new TaskCore({ plan: this.#plan, stage: this.#stage, partition: 0, makeTransform, table, sink: null });
  }
}

const outputs = [
  { name: 'small', when: 'event.n < 3' },
  { name: 'even', when: 'event.n % 2 == 0' },
];

test.each([
  {
    fact: 'first: the first output that takes it; what none takes is filtered when nothing reads the output other',
    verb: { branch: { outputs } },
    reads: ['v.small', 'v.even'],
    gives: { small: [1, 2], even: [4, 6] },
    filtered: 2,
  },
  {
    fact: 'all: every output that takes it',
    verb: { branch: { outputs, match: 'all' } },
    reads: ['v.small', 'v.even', 'v.other'],
    gives: { small: [1, 2], even: [2, 4, 6], other: [3, 5] },
    filtered: 0,
  },
  {
    fact: 'an output without a condition takes the rest',
    verb: { branch: { outputs: [...outputs, { name: 'rest' }] } },
    reads: ['v.rest'],
    gives: { rest: [3, 5] },
    filtered: 0,
  },
  {
    fact: 'behind a filter',
    verb: { filter: 'event.n > 2', branch: { outputs } },
    reads: ['v.even'],
    gives: { even: [4, 6] },
    filtered: 4,
  },
])('branch $fact', ({ verb, reads, gives, filtered }) => {
  const task = new Task(verb, reads).take(1, 2, 3, 4, 5, 6);
  expect(task.out).toEqual(gives);
  expect([task.core.counters.filtered, task.residue()]).toEqual([filtered, 0]);
});

test('B3 branch: an event for which a condition fails is a dead letter, and on no output', () => {
  const failing = { branch: { match: 'all', outputs: [{ name: 'all' }, { name: 'some', when: '10 / event.n > 1' }] } };
  const task = new Task(failing, ['v.all', 'v.some']).take(0, 5);
  expect([task.out, task.deadLetters, task.residue()]).toEqual([{ all: [5], some: [5] }, 1, 0]);
});

test('rateLimit: a burst at once, then so many in a second; nothing is taken in while events wait', () => {
  const task = new Task({ rateLimit: { perSecond: 10, burst: 3 } }, ['v']).take(1, 2, 3, 4, 5);
  expect([task.out['']?.length, task.core.isFull, task.core.nextWakeMs, task.watermark]).toEqual([3, true, 100, 39]);
  expect([task.wake().out['']?.length, task.core.nextWakeMs]).toEqual([4, 200]);
  expect([task.wake().out[''], task.core.isFull, task.core.nextWakeMs, task.watermark]).toEqual([[1, 2, 3, 4, 5], false, Infinity, 50]);
  expect(task.residue()).toBe(0);
});

test('rateLimit: a move gives no new tokens, and forgets none that waits', () => {
  const task = new Task({ rateLimit: { perSecond: 10, burst: 3 } }, ['v']).take(1, 2, 3, 4, 5).restart();
  task.wake();
  expect(task.out['']).toEqual([1, 2, 3]);
  while (task.core.nextWakeMs !== Infinity) task.wake();
  expect([task.out[''], task.nowMs >= 200]).toEqual([[1, 2, 3, 4, 5], true]);
});

test('rateLimit: who goes on with a clock that is minutes behind counts from there, and gives no more than the rate', () => {
  const task = new Task({ rateLimit: { perSecond: 10, burst: 3 } }, ['v']);
  task.nowMs = 300_000;
  task.take(1, 2, 3, 4, 5).restart();
  task.nowMs = 60_000;
  task.core.wake(task.nowMs);
  expect([task.wake().out[''], task.core.nextWakeMs]).toEqual([[1, 2, 3, 4], 60_200]);
  expect([task.wake().out[''], task.nowMs]).toEqual([[1, 2, 3, 4, 5], 60_200]);
});

test('rateLimit per stage: its partitions share the rate', () => {
  const { spec } = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', file: { path: 's.ndjson' }, eventTime: { at: 'event.n' } }],
      stages: [
        { name: 'once', from: 's', keyBy: 'event.n', partitions: 4, dedupe: { ttl: '1ms' } },
        { name: 'v', from: 'once', rateLimit: { perSecond: 10 } },
        { name: 'w', from: 'once', rateLimit: { perSecond: 10, per: 'partition' } },
      ],
      sinks: [{ name: 'out', from: ['v', 'w'], file: { path: 'out.ndjson' } }],
    },
  });
  const plan = planJob({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'j' }, spec }, {});
  const ops = plan.stages.flatMap(({ nodes }) => nodes.flatMap(({ op }) => (op.kind === 'rateLimit' ? [op] : [])));
  expect(ops).toMatchObject([
    { perSecond: 2.5, burst: 2 },
    { perSecond: 10, burst: 10 },
  ]);
});

const feeds = fc.record({
  perSecond: fc.integer({ min: 1, max: 2_000 }),
  burst: fc.integer({ min: 1, max: 20 }),
  moves: fc.array(fc.tuple(fc.constantFrom('take', 'wake', 'restart', 'wait'), fc.integer({ min: 1, max: 30 })), { maxLength: 40 }),
});

test('rateLimit: at no time more went on than the bucket gave, nothing is lost, and the order is kept', () => {
  fc.assert(
    fc.property(feeds, ({ perSecond, burst, moves }) => {
      const task = new Task({ rateLimit: { perSecond, burst } }, ['v']);
      let next = 0;
      const check = (): void => {
        const given = task.out['']?.length ?? 0;
        expect(given).toBeLessThanOrEqual(burst + (perSecond * task.nowMs) / 1_000 + 1e-6);
        expect(task.residue()).toBe(0);
      };
      for (const [move, count] of moves) {
        if (move === 'take' && !task.core.isFull) task.take(...Array.from({ length: count }, () => next++));
        else if (move === 'restart') task.restart();
        else if (move === 'wait') task.nowMs += count;
        else if (task.core.nextWakeMs !== Infinity) task.wake();
        check();
      }
      for (let wakes = 0; task.core.nextWakeMs !== Infinity && wakes < 5_000; wakes++) {
        task.wake();
        check();
      }
      expect(task.out[''] ?? []).toEqual(Array.from({ length: next }, (_, n) => n));
    }),
  );
});
