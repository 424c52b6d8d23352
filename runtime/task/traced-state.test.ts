// What a task's state keeps of traces: whoever goes on with it tells the same spans as if nobody had changed.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { encodeKey } from '../event/key.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { InboxRecord } from './inbox.ts';
import { StepTrace } from './step-trace.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      partitions: 1,
      sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
      stages: [
        { name: 'tumbling', from: 's', keyBy: 'event.id', window: { tumbling: { size: '10ms' } }, aggregate: { n: { count: {} } } },
        { name: 'sessions', from: 's', keyBy: 'event.id', window: { session: { gap: '10ms' } }, aggregate: { n: { count: {} } } },
        {
          name: 'lamps',
          from: 's',
          keyBy: 'event.id',
          machine: {
            eventType: "'on'",
            initial: 'dark',
            states: {
              dark: { on: { on: { target: 'lit', reenter: true } } },
              lit: {
                after: { '10ms': { target: 'dark', actions: [{ emit: { output: 'out', value: { id: 'key' } } }] } },
                on: { on: { target: 'lit', reenter: true } },
              },
            },
          },
        },
      ],
      sinks: [{ name: 'out', from: ['tumbling', 'sessions', 'lamps.out'], nats: { subject: 'out' } }],
    },
  }),
  {},
  { deadLetterFile: false },
);
const stage = plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === 'tumbling'))!;
const input = plan.edges[stage.inputs[0]!]!;

function core(): TaskCore {
  const trace = new StepTrace({
    runId: 'r',
    stage: stage.id,
    partition: 0,
    sampler: { next: () => [] },
    followed: () => new Set(),
    mayKeep: () => false,
  });
  const table = (): never => {
    throw new Error('no table');
  };
  return new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null, trace });
}

type Event = { readonly id: string; readonly at: number; readonly trace?: string };

let sequence = 0;
function record(events: readonly Event[], watermark: number): InboxRecord {
  const traces = events.flatMap(({ trace }, at) =>
    trace === undefined ? [] : [{ at, context: { traceId: trace.repeat(32), spanId: trace.repeat(16) } }],
  );
  const batch = {
    values: events.map(({ id, at }) => ({ id, at })),
    times: events.map(({ at }) => at),
    keys: events.map(({ id }) => encodeKey(id)),
    ingestMs: 1,
    ...(traces.length > 0 ? { traces } : {}),
  };
  return makeInboxRecord(plan, input, { sequence: ++sequence, batch, watermark });
}

function take(task: TaskCore, one: InboxRecord): Step {
  task.takeRecords([one], 1);
  return task.step(1, { force: true })!;
}

/** The task as another owner has it: the state restored from its image and what changed since. */
function moved(standing: Step, image: Uint8Array, deltas: readonly Uint8Array[]): TaskCore {
  const state = PartitionState.restore(image);
  for (const delta of deltas) state.applyDelta(delta);
  const task = core();
  task.restore(standing.header as Standing, state, true);
  return task;
}

const FIRST = [
  { id: 'a', at: 1, trace: '1' },
  { id: 'a', at: 2 },
  { id: 'b', at: 3, trace: '2' },
];
const SECOND = [{ id: 'a', at: 4, trace: '3' }];

test('what closes or fires behind a move goes on in the traces of what went in before it', () => {
  const [first, second, end] = [record(FIRST, 0), record(SECOND, 1), record([], 100)];
  const stayed = core();
  take(stayed, first);
  take(stayed, second);
  const wanted = take(stayed, end).spans;

  const before = core();
  take(before, first);
  const image = before.state.checkpoint();
  // A step writes a small state whole; the change is looked at before it does.
  before.takeRecords([second], 1);
  const delta = before.state.takeDelta()!;
  const standing = before.step(1, { force: true })!;
  const went = take(moved(standing, image, [delta]), end);

  expect(went.spans).toEqual(wanted);
  const a = wanted.filter(({ what, traceId }) => what === 'tumbling' && traceId === '1'.repeat(32));
  expect(a.map(({ links }) => links.map(({ traceId }) => traceId))).toEqual([['3'.repeat(32)]]);
  expect(wanted.filter(({ what }) => what === 'sessions')).toHaveLength(2);
  const fired = wanted.filter(({ notes }) => notes.some(({ name }) => name === 'timer fired'));
  // The lamp of a was lit anew by the event of trace 3: its timer is of that one.
  expect(fired.map(({ traceId }) => traceId.slice(0, 1)).toSorted()).toEqual(['2', '3']);
});

test('D3 who looks at a key is told the traces of what its state waits for and is made of', () => {
  const task = core();
  take(task, record(FIRST, 0));
  take(task, record(SECOND, 1));
  const lamp = task.look('lamps', encodeKey('a'), 0)!;
  expect(lamp.timers.map(({ id }) => lamp.timerTraces.get(id))).toEqual(['3'.repeat(32)]);
  expect(task.look('tumbling', encodeKey('a'), 0)!.contributors).toEqual([
    { timeMs: 1, traceId: '1'.repeat(32) },
    { timeMs: 4, traceId: '3'.repeat(32) },
  ]);
  expect(task.look('lamps', encodeKey('nobody'), 0)).toMatchObject({ contributors: [], timers: [] });
});

test('a timer that an event without a trace sets anew is of no trace', () => {
  const task = core();
  take(task, record([{ id: 'a', at: 1, trace: '1' }], 0));
  take(task, record([{ id: 'a', at: 2 }], 1));
  const { spans } = take(task, record([], 100));
  expect(spans.filter(({ notes }) => notes.some(({ name }) => name === 'timer fired'))).toEqual([]);
});

test('two timers of one trace that fire in two steps, between which no event comes, have two spans', () => {
  const task = core();
  take(task, record([{ id: 'a', at: 1, trace: '1' }, { id: 'b', at: 5, trace: '1' }], 0)); // prettier-ignore
  const fired = [12, 16].map((watermark) =>
    take(task, record([], watermark)).spans.filter(({ notes }) => notes.some(({ name }) => name === 'timer fired')),
  );
  expect(fired.map((spans) => spans.length)).toEqual([1, 1]);
  expect(fired[0]?.[0]?.spanId).not.toBe(fired[1]?.[0]?.spanId);
});

test('state without a traced event has nothing of traces, and when the last one went into its result nothing is left', () => {
  const plain = core();
  take(plain, record([{ id: 'a', at: 1 }], 0));
  const traced = core();
  take(traced, record([{ id: 'a', at: 1, trace: '1' }], 0));
  const text = (task: TaskCore): string => Buffer.from(task.state.checkpoint()).toString('latin1');
  expect(text(plain)).not.toContain('traces');
  expect(text(traced)).toContain('1'.repeat(32));
  take(traced, record([], 100));
  expect(text(traced)).not.toContain('1'.repeat(32));
});

test('what it keeps is bounded, whatever is traced', () => {
  const task = core();
  for (let round = 0; round < 2; round++) {
    const events = Array.from({ length: 1_100 }, (_, i) => ({ id: `k${round * 1_100 + i}`, at: 1, trace: '1' }));
    take(task, record(events, 0));
  }
  const sizes = ['tumbling', 'lamps'].map((id) => task.state.traces(id).found?.size());
  expect(sizes).toEqual([1_024, 1_024]);
});
