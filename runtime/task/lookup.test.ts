// Lookups inside a task: what is asked, in which order what goes on, what waits for it, and what a restart asks again.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { Batch, DeadLetter } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { Ask, Reply } from '../transforms/outside.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';

type Fields = Readonly<Record<string, unknown>>;
const HTTP = { url: "'http://answers.test/of'", query: { id: 'event.id', n: 'event.n' } };

class Task {
  core: TaskCore;
  readonly out: unknown[] = [];
  readonly failed: unknown[] = [];
  readonly dead: DeadLetter[] = [];
  /** Questions without an answer, oldest first. */
  asks: Ask[] = [];
  readonly #plan: ReturnType<typeof planJob>;
  #sequence = 0;
  #standing: Standing | null = null;

  constructor(lookup: Fields = {}, { onError, reads = [] }: { readonly onError?: Fields; readonly reads?: readonly string[] } = {}) {
    const job = streamJobSchema.parse({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamJob',
      metadata: { name: 'j' },
      spec: {
        sources: [{ name: 's', file: { path: 's.ndjson' } }],
        stages: [
          {
            name: 'asked',
            from: 's',
            keyBy: 'event.id',
            lookup: { http: HTTP, as: 'a', ...lookup },
            ...(onError === undefined ? {} : { onError }),
          },
        ],
        sinks: [{ name: 'out', from: ['asked', ...reads], file: { path: 'out.ndjson' } }],
      },
    });
    this.#plan = planJob(job, {}, { deadLetterFile: false });
    this.core = this.#make();
    this.core.restore(null, this.core.state, false);
  }

  take(drawing: string, watermark?: number): this {
    const events = drawing.split(' ').map((text) => ({ id: text[0] as string, n: Number(text.slice(1)) }));
    const times = events.map(({ n }) => n);
    const batch: Batch = { values: events, times, keys: events.map(({ id }) => encodeKey(id)), ingestMs: 1 };
    const stage = this.#plan.stages.find(({ id }) => id === 'asked')!;
    const edge = this.#plan.edges[stage.inputs[0]!]!;
    this.core.takeRecords(
      [makeInboxRecord(this.#plan, edge, { sequence: ++this.#sequence, batch, watermark: watermark ?? Math.max(...times) })],
      1,
    );
    return this.#store();
  }

  /** The answer to the question about event `n` comes. */
  answer(n: number, reply: Reply = { kind: 'answer', value: n * 10 }): this {
    const at = this.asks.findIndex(({ question }) => question.kind === 'http' && new URL(question.url).searchParams.get('n') === String(n));
    const [ask] = this.asks.splice(at, 1);
    this.core.takeAnswers([{ node: ask!.node, id: ask!.id, reply }], 1);
    return this.#store();
  }

  restart(): this {
    const state = PartitionState.restore(this.core.state.checkpoint());
    this.core = this.#make();
    this.core.restore(this.#standing, state, true);
    this.asks = [...this.core.takeAsks()];
    return this;
  }

  asked(): readonly (string | null)[] {
    return this.asks.map(({ question }) => (question.kind === 'http' ? new URL(question.url).searchParams.get('n') : null));
  }

  get watermark(): number | null | undefined {
    return this.#standing?.watermarks[0];
  }

  residue(): number | null {
    return residueOf(this.core.counters);
  }

  #store(): this {
    const step: Step | null = this.core.step(1, { force: true });
    this.asks.push(...this.core.takeAsks());
    if (step === null) return this;
    this.#standing = step.header;
    for (const { edge, bytes } of step.events) {
      const { from } = this.#plan.edges[edge]!;
      const { values } = decodeEvents(bytes);
      if (from.node === '*') this.dead.push(...(values as DeadLetter[]));
      else (from.output === null ? this.out : this.failed).push(...values);
    }
    return this;
  }

  #make(): TaskCore {
    const stage = this.#plan.stages.find(({ id }) => id === 'asked')!;
    const table = (): never => {
      throw new Error('no table');
    };
    return new TaskCore({ plan: this.#plan, stage, partition: 0, makeTransform, table, sink: null });
  }
}

const failed: Reply = { kind: 'failed', problem: 'away', attempts: 4 };
const ns = (values: readonly unknown[]): readonly unknown[] => values.map((value) => (value as { n: number }).n);

test('each event is asked for, and goes on with its answer in its field', () => {
  const task = new Task().take('a1');
  expect(task.asks).toMatchObject([{ node: 'asked', question: { kind: 'http', method: 'GET', url: 'http://answers.test/of?id=a&n=1' } }]);
  expect(task.out).toEqual([]);
  expect(task.answer(1).out).toEqual([{ id: 'a', n: 1, a: 10 }]);
  expect([task.residue(), task.core.counters.held]).toEqual([0, 0]);
});

test('ordered (the default): events of a key keep their order whatever is answered first, other keys go on', () => {
  const task = new Task().take('a1 a2 b3 a4').answer(4).answer(2).answer(3);
  expect(ns(task.out)).toEqual([3]);
  expect(ns(task.answer(1).out)).toEqual([3, 1, 2, 4]);
});

test('unordered: each goes on as soon as its answer is there', () => {
  expect(ns(new Task({ ordered: false }).take('a1 a2 a3').answer(3).answer(1).answer(2).out)).toEqual([3, 1, 2]);
});

test('the watermark stays behind what waits, and the end of the input is not the end', () => {
  const task = new Task({ ordered: false }).take('a5 a7', Infinity);
  expect([task.watermark, task.core.done]).toEqual([4, false]);
  expect([task.answer(5).watermark, task.core.done]).toEqual([6, false]);
  expect([task.answer(7).watermark, task.core.done]).toEqual([Infinity, true]);
});

test('a restart asks again only what has no recorded answer, and answers that come twice count once', () => {
  const task = new Task().take('a1 a2 a3').answer(2);
  expect(task.restart().asked()).toEqual(['1', '3']);
  const [again] = task.asks;
  task.answer(1);
  task.core.takeAnswers([{ node: 'asked', id: again!.id, reply: { kind: 'answer', value: 'other' } }], 1);
  expect(ns(task.answer(3).out)).toEqual([1, 2, 3]);
});

test('as many as may be asked at the same time wait, and nothing more is taken in', () => {
  const task = new Task({ maxInFlight: 2 }).take('a1');
  expect(task.core.isFull).toBe(false);
  expect(task.take('a2').core.isFull).toBe(true);
  expect(task.answer(1).core.isFull).toBe(false);
});

test('without an answer: a dead letter with its own code and all tries, which others of its key do not wait for', () => {
  const task = new Task()
    .take('a1 a2')
    .take('b7')
    .restart()
    .answer(1, { ...failed, stack: 'Error: away\n at x' })
    .answer(2);
  expect(task.dead).toMatchObject([
    {
      code: 'MR3009',
      at: 'asked',
      place: 's/0 seq 1',
      event: { id: 'a', n: 1 },
      attempts: 4,
      key: 'a',
      timeMs: 1,
      stack: 'Error: away\n at x',
    },
  ]);
  expect(ns(task.answer(7).out)).toEqual([2, 7]);
  expect(task.residue()).toBe(0);
});

test('the output failed gets what had no answer when something reads it, with the reason', () => {
  const task = new Task({}, { reads: ['asked.failed'] }).take('a1 a2').answer(1, failed).answer(2);
  expect(task.failed).toEqual([{ event: { id: 'a', n: 1 }, problem: 'MR3009 LookupFailed: asked got no answer after 4 tries: away' }]);
  expect([task.dead, task.residue()]).toEqual([[], 0]);
});

test('onError: a lookup without answer can stop its partition', () => {
  const task = new Task({}, { onError: { then: 'stopPartition' } }).take('a1');
  expect(() => task.answer(1, failed)).toThrow(expect.objectContaining({ code: 'MR3006' }));
});

test.each([
  { fact: 'an event that is no object', lookup: { http: { url: "'http://x'" } }, says: 'an answer can be put into an object only' },
  { fact: 'an address that is none', lookup: { http: { url: "'answers'" } }, says: 'the address to ask is "answers"' },
  {
    fact: 'an address of another kind',
    lookup: { http: { url: "'file:///etc/passwd'" } },
    says: 'not one that begins with http:// or https://',
  },
  {
    fact: 'a parameter that is a list',
    lookup: { http: { url: "'http://x'", query: { all: '[1]' } } },
    says: 'a parameter or header is [1]',
  },
])('$fact is a dead letter at once, and nobody is asked', ({ fact, lookup, says }) => {
  const task = new Task(lookup);
  if (fact === 'an event that is no object') {
    const { core } = task;
    core.takeRedriven(
      {
        sequence: 1,
        entry: {
          kind: 'redrive',
          stage: 'asked',
          partition: 0,
          node: 'asked',
          input: 0,
          event: 5,
          timeMs: 1,
          key: 'a',
          attempts: 2,
          atMs: 1,
        },
      },
      1,
    );
    const step = core.step(1, { force: true })!;
    expect(decodeEvents(step.events[0]!.bytes).values).toMatchObject([
      { code: 'MR3002', message: expect.stringContaining(says) as string },
    ]);
    return;
  }
  task.take('a1');
  expect(task.asks).toEqual([]);
  expect(task.dead).toMatchObject([{ code: 'MR3002', message: expect.stringContaining(says) as string }]);
});

const runs = fc.record({
  ordered: fc.boolean(),
  keys: fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 30 }),
  moves: fc.array(fc.tuple(fc.constantFrom('take', 'answer', 'fail', 'restart'), fc.nat()), { maxLength: 60 }),
});

test('I4 whatever is answered when, and whoever takes over: each event comes out once, in the order of its key when ordered', () => {
  fc.assert(
    fc.property(runs, ({ ordered, keys, moves }) => {
      const task = new Task({ ordered });
      let taken = 0;
      const lost = new Set<number>();
      const take = (count: number): void => {
        const part = keys.slice(taken, taken + count).map((key, i) => `${key}${taken + i}`);
        taken += part.length;
        if (part.length > 0) task.take(part.join(' '));
      };
      const answer = (pick: number, isFailed: boolean): void => {
        const n = Number(task.asked()[pick % task.asks.length]);
        if (isFailed) lost.add(n);
        task.answer(n, isFailed ? failed : undefined);
      };
      for (const [move, pick] of moves) {
        if (move === 'take') take(1 + (pick % 5));
        else if (move === 'restart') task.restart();
        else if (task.asks.length > 0) answer(pick, move === 'fail');
        expect(task.residue()).toBe(0);
        const waits = task.core.counters.held > 0;
        if (waits && typeof task.watermark === 'number') expect(task.watermark).toBeLessThan(taken);
      }
      take(keys.length);
      for (let pick = 7; task.asks.length > 0; pick += 3) answer(pick, false);
      const expected = keys.flatMap((id, n) => (lost.has(n) ? [] : [{ id, n, a: n * 10 }]));
      const byN = (a: unknown, b: unknown): number => (a as { n: number }).n - (b as { n: number }).n;
      expect(task.out.toSorted(byN)).toEqual(expected);
      if (ordered)
        for (const key of ['a', 'b', 'c'])
          expect(task.out.filter((one) => (one as { id: string }).id === key)).toEqual(expected.filter(({ id }) => id === key));
      expect(task.dead.map(({ event }) => (event as { n: number }).n).toSorted((a, b) => a - b)).toEqual(
        [...lost].toSorted((a, b) => a - b),
      );
      expect([task.residue(), task.core.counters.held]).toEqual([0, 0]);
    }),
  );
});
