// Traces of events that are tried again, by a stage's retries or as dead letters that are put in again: each try is a span of its own, below
// the one that failed, and says which try it was.

import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import type { DeadLetter } from '../event/batch.ts';
import { decodeEvents } from '../event/segment.ts';
import { file } from '../job/source.ts';
import { job } from '../job/job.ts';
import type { Redriven } from '../journal/redrive-entry.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { Standing, Step } from './step-record.ts';
import { StepTrace, type SpanDraft } from './step-trace.ts';
import { TaskCore } from './step.ts';

type Event = { readonly id: string; readonly n: number };
const [TRACE, PARENT] = ['a'.repeat(32), 'b'.repeat(16)];

/** A sum of each key that fails so often for each event; what there is of spans is collected. */
class Task {
  core: TaskCore;
  readonly spans: SpanDraft[] = [];
  readonly dead: DeadLetter[] = [];
  nowMs = 1_000;
  fails: number;
  readonly #mayKeep: boolean;
  readonly #plan;
  #sequence = 0;
  #last: Step | null = null;

  constructor({ fails, retries = 3, mayKeep = true }: { readonly fails: number; readonly retries?: number; readonly mayKeep?: boolean }) {
    this.fails = fails;
    this.#mayKeep = mayKeep;
    const declared = job('j', (j) => {
      j.source('s', file<Event>({ path: 's.ndjson' }))
        .keyBy('id')
        .reduce<number, number>({ init: () => 0, step: (sum, { n }, context) => this.#add(sum + n, (value) => context.emit(value)) })
        .as('sums')
        .onError({ retries, backoff: '1s' })
        .toFile('out.ndjson');
    }).build();
    this.#plan = planJob(declared, {}, { deadLetterFile: false });
    this.core = this.#made();
    this.core.restore(null, this.core.state, false);
  }

  #add(sum: number, emit: (value: number) => void): number {
    if (this.fails > 0) throw new TypeError(`not yet: ${this.fails--} more`);
    emit(sum);
    return sum;
  }

  #made(): TaskCore {
    const stage = this.#plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === 'sums'))!;
    const table = (): never => {
      throw new Error('no table');
    };
    const [sampler, followed] = [{ next: () => [] }, () => new Set<string>()];
    const trace = new StepTrace({ runId: 'r', stage: stage.id, partition: 0, sampler, followed, mayKeep: () => this.#mayKeep });
    return new TaskCore({ plan: this.#plan, stage, partition: 0, makeTransform, table, sink: null, trace });
  }

  /** One event; traced by what is before the stage, or by nobody. */
  take(id: string, isTraced: boolean): this {
    const context = { traceId: TRACE, spanId: PARENT };
    const traces = isTraced ? { traces: [{ at: 0, context }] } : {};
    const batch = { values: [{ id, n: 1 }], times: [1], keys: [encodeKey(id)], ingestMs: this.nowMs, ...traces };
    const edge = this.#plan.edges[this.core.stage.inputs[0]!]!;
    this.core.takeRecords([makeInboxRecord(this.#plan, edge, { sequence: ++this.#sequence, batch, watermark: 0 })], this.nowMs);
    return this.#store();
  }

  /** The clock comes to the next try. */
  wake(): this {
    this.nowMs = this.core.nextWakeMs;
    this.core.wake(this.nowMs);
    return this.#store();
  }

  again(entry: Partial<Redriven>): this {
    const whole = {
      kind: 'redrive',
      stage: this.core.stage.id,
      partition: 0,
      node: 'sums',
      input: 0,
      timeMs: 1,
      atMs: 1,
      attempts: 2,
    } as const;
    this.core.takeRedriven({ sequence: 1, entry: { ...whole, event: { id: 'a', n: 1 }, key: encodeKey('a'), ...entry } }, this.nowMs);
    return this.#store();
  }

  /** Another owner goes on from bytes alone. */
  move(): this {
    const state = PartitionState.restore(this.core.state.checkpoint());
    this.core = this.#made();
    this.core.restore(this.#last!.header as Standing, state, true);
    return this;
  }

  #store(): this {
    this.#last = this.core.step(this.nowMs, { force: true })!;
    this.spans.push(...this.#last.spans);
    for (const { edge, bytes } of this.#last.events)
      if (this.#plan.edges[edge]?.from.node === '*') this.dead.push(...(decodeEvents(bytes).values as DeadLetter[]));
    return this;
  }

  /** `try ← parent: notes`, as a person would read it; the parent as the index of its span. */
  get story(): readonly string[] {
    const ids = this.spans.map(({ spanId }) => spanId);
    expect(new Set(ids).size, 'no id twice').toBe(ids.length);
    return this.spans.map(({ parentId, attributes, notes, error }) => {
      const parent = parentId === null ? 'root' : parentId === PARENT ? 'before' : String(ids.indexOf(parentId));
      const told = notes.map(({ name, attributes: of }) =>
        [name, of['millrace.attempt'] ?? '', of['exception.message'] ?? ''].map(String).join(' ').trim(),
      );
      return `${parent}, try ${String(attributes['millrace.attempt'] ?? 1)}: ${told.join('; ')}${error === null ? '' : ' ✗'}`;
    });
  }
}

test('every try is a span of its own below the first, with what went wrong, though nothing else comes between', () => {
  const task = new Task({ fails: 3 }).take('a', true).wake().wake().wake();
  expect(task.story).toEqual([
    'before, try 1: retry 1 TypeError: not yet: 3 more',
    '0, try 2: retry 2 TypeError: not yet: 2 more',
    '0, try 3: retry 3 TypeError: not yet: 1 more',
    '0, try 4:',
  ].map((line) => line.replace(/:$/, ': '))); // prettier-ignore
  expect(task.spans[0]?.notes[0]?.attributes).toMatchObject({ 'exception.type': 'TypeError', 'millrace.next_try_ms': 1_000 });
  expect(task.spans[2]?.notes[0]?.attributes).toMatchObject({ 'millrace.next_try_ms': 4_000 });
  expect(new Set(task.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
});

test('another owner between the tries goes on in the same trace, with the ids that the first would have given', () => {
  const stayed = new Task({ fails: 3 }).take('a', true).wake().wake().wake();
  const moved = new Task({ fails: 3 }).take('a', true).move().wake().move().wake().move().wake();
  expect(moved.spans).toEqual(stayed.spans);
});

test('what failed is kept though nothing is sampled: a trace of its own from the first failure on', () => {
  const task = new Task({ fails: 2 }).take('a', false).wake().wake();
  expect(task.story).toEqual([
    'root, try 1: retry 1 TypeError: not yet: 2 more',
    '0, try 2: retry 2 TypeError: not yet: 1 more',
    '0, try 3: ',
  ]);
  expect(task.spans[0]?.attributes['millrace.trace.why']).toBe('error');
  expect(new Set(task.spans.map(({ traceId }) => traceId)).size).toBe(1);
});

test('without room in the budget nothing is kept, and it is tried alike', () => {
  const task = new Task({ fails: 2, mayKeep: false }).take('a', false).wake().wake();
  expect(task.spans).toEqual([]);
  expect(task.fails).toBe(0);
});

test('what is tried in vain is an error where it was tried last, and a letter that names that span', () => {
  const task = new Task({ fails: 9, retries: 2 }).take('a', true).wake().wake();
  expect(task.story.at(-1)).toBe(
    '0, try 3: exception  not yet'.replace('exception  not yet', `exception  ${task.dead[0]?.message}`) + ' ✗',
  );
  expect(task.dead).toMatchObject([{ code: 'MR3002', attempts: 3, traceId: TRACE, spanId: task.spans.at(-1)?.spanId }]);
});

test('an event that only stood behind one that waits goes on in its own trace', () => {
  const task = new Task({ fails: 1 }).take('a', false).take('a', true).wake();
  expect(task.spans.filter(({ traceId }) => traceId === TRACE).map(({ attributes }) => attributes['millrace.attempt'])).toEqual([
    undefined,
    undefined,
  ]);
  expect(task.story.slice(-1)).toEqual(['1, try 1: ']);
});

test('a letter that is put in again goes on below the span that says what failed, with its number', () => {
  const trace = { traceId: TRACE, spanId: PARENT };
  const [traced, plain, failing] = [new Task({ fails: 0 }), new Task({ fails: 0 }), new Task({ fails: 9, retries: 0 })];
  expect(traced.again({ trace, attempts: 3 }).story).toEqual(['before, try 3: ']);
  expect(plain.again({}).story).toEqual([]);
  expect(failing.again({ trace }).story).toEqual([expect.stringMatching(/^before, try 2: exception .*not yet.* ✗$/)]);
  expect(failing.dead).toMatchObject([{ attempts: 2, traceId: TRACE, spanId: failing.spans[0]?.spanId }]);
});

test('a letter that nobody takes in is an error in its trace too', () => {
  const task = new Task({ fails: 0 }).again({ node: 'gone', trace: { traceId: TRACE, spanId: PARENT } });
  expect(task.dead).toMatchObject([{ code: 'MR3005', traceId: TRACE }]);
  expect(task.story).toEqual([expect.stringMatching(/^before, try 2: exception .* ✗$/)]);
});
