// Dead letters that are put in again: where they go, what becomes of them, and what a task's record says of it.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { DeadLetter } from '../event/batch.ts';
import { compileJsonEventAgain } from '../event/codec/json-event.ts';
import { encodeKey, partitionOf } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import type { Redriven } from '../journal/redrive-entry.ts';
import { planJob } from '../plan/plan.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { redriveTarget } from './redrive-target.ts';
import { TaskCore } from './step.ts';
import type { Step } from './step-record.ts';

const job = streamJobSchema.parse({
  apiVersion: 'millrace.dev/v1alpha1',
  kind: 'StreamJob',
  metadata: { name: 'j' },
  spec: {
    sources: [{ name: 's', nats: { subjects: ['s'] }, schema: { id: 'string', n: 'int', at: 'timestamp' }, eventTime: { at: 'event.at' } }],
    stages: [
      { name: 'm', from: 's', map: { id: 'event.id', n: '10 / event.n' } },
      { name: 'w', from: 'm', keyBy: 'event.id', partitions: 4, window: { tumbling: { size: '10ms' } }, aggregate: { n: { count: {} } } },
      {
        name: 'kept',
        from: 'm',
        keyBy: 'event.id',
        partitions: 4,
        window: { tumbling: { size: '10ms' }, allowedLateness: '1h', accumulation: 'retracting' },
        aggregate: { n: { count: {} } },
      },
      { name: 'j', from: 'm', keyBy: 'event.id', partitions: 4, join: { with: 's', within: '5s' } },
    ],
    sinks: [{ name: 'out', from: ['w', 'kept', 'j'], nats: { subject: 'out' } }],
  },
});
const plan = planJob(job, {}, { deadLetterFile: false });
const schema = { id: 'string', n: 'int', at: 'timestamp' } as const;

function coreOf(stageId: string, partition = 0): TaskCore {
  const stage = plan.stages.find(({ id }) => id === stageId)!;
  const table = (): never => {
    throw new Error('no table');
  };
  const sink = {
    initial: {},
    writer: {
      prepare: (batches: readonly { readonly values: readonly unknown[]; readonly times: readonly number[] }[]) => ({
        payload: new Uint8Array(),
        count: 0,
        after: {},
        failed: batches.flatMap(({ values, times }) => values.map((value, i) => ({ value, timeMs: times[i]!, problem: 'no' }))),
      }),
    },
  };
  const parts = { plan, stage, partition, makeTransform, table, decodeAgain: compileJsonEventAgain(schema) };
  return new TaskCore({ ...parts, sink: stage.kind === 'sink' ? sink : null });
}

const entry = (of: Partial<Redriven>): Redriven => ({
  kind: 'redrive',
  stage: 's',
  partition: 0,
  node: 'm',
  input: 0,
  event: null,
  timeMs: 5,
  key: null,
  attempts: 2,
  atMs: 1,
  ...of,
});

function after(stage: string, ...entries: readonly Redriven[]): Step {
  const core = coreOf(stage);
  core.restore(null, core.state, false);
  entries.forEach((one, i) => core.takeRedriven({ sequence: 7 + i, entry: one }, 100));
  return core.step(100, { force: true })!;
}

function eventsOf(step: Step, isDead: boolean): unknown[] {
  const edges = step.events.filter(({ edge }) => (plan.edges[edge]!.from.node === '*') === isDead);
  return edges.flatMap(({ bytes }) => [...decodeEvents(bytes).values]);
}

test('an event goes to the transform that refused it, keeps its time, and is counted as one that came in', () => {
  const step = after('s', entry({ event: { id: 'a', n: 5, at: new Date(5) } }));
  expect(eventsOf(step, false)).toContainEqual({ id: 'a', n: 2 });
  expect(step.events.map(({ bytes }) => decodeEvents(bytes).times).flat()).toContain(5);
  expect(step.header).toMatchObject({ redriven: 7, counters: { eventsIn: 1, deadLetters: 0 } });
});

test('one that fails again is a dead letter again, and says which attempt that was', () => {
  const step = after('s', entry({ event: { id: 'a' }, attempts: 3 }));
  expect(eventsOf(step, true)).toMatchObject([{ code: 'MR3002', at: 'm', attempts: 3, event: { id: 'a' } }]);
  expect(step.header.counters).toMatchObject({ eventsIn: 1, eventsOut: 0, deadLetters: 1 });
});

test('what did not decode is decoded again, as text or as far as it was decoded, and has its issues when it does not', () => {
  const good = { id: 'a', n: 5, at: '1970-01-01T00:00:01Z' };
  const texts = [JSON.stringify(good), good, { ...good, n: 'x' }].map((event) => entry({ node: 's', event, timeMs: null }));
  const step = after('s', ...texts);
  expect(eventsOf(step, false).filter((event) => (event as { n: unknown }).n === 2)).toHaveLength(2 * 2); // on two exchanges
  expect(eventsOf(step, true)).toMatchObject([{ code: 'MR3001', at: 's', attempts: 2, issues: [expect.stringContaining('n')] }]);
  expect(step.header.redriven).toBe(9);
});

/** A task whose watermark is 50. */
function risen(stage: string): TaskCore {
  const core = coreOf(stage);
  core.restore(null, core.state, false);
  const [edge] = core.stage.inputs;
  const watermarks = plan.stages[0]!.outputs.map((output) => (output === edge ? 50 : null));
  const from = { stage: 's', partition: 0, sequence: 1, number: 1, kind: 'commit' as const, more: false, segments: [], bytes: 0 };
  core.takeRecords([{ ...from, watermarks }], 100);
  core.step(100, { force: true });
  return core;
}

test('an event of a window that has closed and is kept corrects its result', () => {
  const core = risen('w'); // which runs it too: they share an exchange
  for (const sequence of [1, 2]) {
    const redriven = entry({ stage: 'w', node: 'kept', event: { id: 'a' }, key: encodeKey('a') });
    core.takeRedriven({ sequence, entry: redriven }, 100);
  }
  const step = core.step(100, { force: true })!;
  const window = { id: 'a', windowStartMs: 0, windowEndMs: 10 };
  expect(eventsOf(step, false)).toEqual([
    { ...window, pane: 'late', n: 1 },
    { ...window, pane: 'retracted', n: 1 },
    { ...window, pane: 'late', n: 2 },
  ]);
  expect(step.header.counters).toMatchObject({ eventsIn: 2, deadLetters: 0, late: 0 });
});

test('an event of a window that has closed is late, as its policy says', () => {
  const core = risen('w');
  core.takeRedriven({ sequence: 1, entry: entry({ stage: 'w', node: 'w', event: { id: 'a' }, key: encodeKey('a') }) }, 100);
  const step = core.step(100, { force: true })!;
  expect(eventsOf(step, true)).toMatchObject([{ code: 'MR3002', at: 'w', attempts: 2, timeMs: 5 }]);
  expect(step.header.counters).toMatchObject({ late: 1, deadLetters: 1 });
});

test('a sink that still cannot write it says which attempt that was', () => {
  const step = after('out', entry({ stage: 'out', node: 'out', event: { id: 'a' } }));
  expect(eventsOf(step, true)).toMatchObject([{ code: 'MR3004', at: 'out', attempts: 2 }]);
});

test('when nobody is there to take it in, it is a dead letter as before (MR3005)', () => {
  const step = after('s', entry({ node: 'gone', event: { id: 'a' } }));
  expect(eventsOf(step, true)).toMatchObject([{ code: 'MR3005', at: 'gone', attempts: 2, event: { id: 'a' } }]);
});

test('what was taken in is never taken in again: the position rises with each', () => {
  const core = coreOf('s');
  core.restore(null, core.state, false);
  core.takeRedriven({ sequence: 7, entry: entry({ event: { id: 'a', n: 5 } }) }, 100);
  expect(() => core.takeRedriven({ sequence: 7, entry: entry({}) }, 100)).toThrow(/behind 7/);
});

const letter = (of: Partial<DeadLetter>): DeadLetter => ({
  code: 'MR3002',
  at: 'w',
  message: '',
  issues: [],
  event: { id: 'a' },
  place: null,
  timeMs: 1,
  key: encodeKey('a'),
  ...of,
});

test.each<{ fact: string; of: Partial<DeadLetter>; isGiven?: boolean; goes: string }>([
  { fact: 'of a keyed stage: to the partition of its key', of: {}, goes: `w/${partitionOf(encodeKey('a'), 4)} w 0` },
  { fact: 'of a transform in the stage of the source', of: { at: 'm', key: null }, goes: 's/0 m 0' },
  { fact: 'that did not decode: to the source', of: { at: 's', code: 'MR3001', key: null }, goes: 's/0 s 0' },
  { fact: 'of a sink', of: { at: 'out', code: 'MR3004', key: null }, goes: 'out/0 out 0' },
  { fact: 'of the right side of a join', of: { at: 'j', input: 1 }, goes: `j/${partitionOf(encodeKey('a'), 4)} j 1` },
  { fact: 'of an input that is gone', of: { input: 1 }, goes: 'w has no input 2 any more' },
  { fact: 'of a transform that is gone', of: { at: 'x' }, goes: 'the job has no transform, source or sink x any more' },
  { fact: 'of a timer', of: { input: null }, goes: 'what failed came of a timer or of the transform itself' },
  { fact: 'that is cut', of: { cut: true }, goes: 'only a part of the event is kept' },
  { fact: 'that is cut, with another event in its place', of: { cut: true, at: 's', key: null }, isGiven: true, goes: 's/0 s 0' },
  { fact: 'whose event is gone', of: { at: 's', code: 'MR3001', event: null }, goes: 'the event itself is gone' },
])('where a letter goes $fact', ({ of, isGiven = false, goes }) => {
  const target = redriveTarget(plan, letter(of), { isGiven });
  const text = target.kind === 'none' ? target.reason : `${target.stage.id}/${target.partition} ${target.node} ${target.input}`;
  expect(text.slice(0, goes.length)).toBe(goes);
});
