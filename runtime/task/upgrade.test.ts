// A task that goes on under another declaration than the one its last record was made under.

import { expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import type { RecordHeader } from '../journal/record.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents, encodeEvents } from '../event/segment.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';

type Spec = Readonly<Record<string, unknown>>;
const WINDOW: Spec = {
  name: 'w',
  from: 's',
  keyBy: 'event.id',
  partitions: 1,
  window: { tumbling: { size: '10ms' } },
  aggregate: { n: { count: {} } },
};
const COUNTS: Spec = { name: 'c', from: 's', keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } };

function plan(
  stages: readonly Spec[],
  sinks: readonly (readonly [name: string, from: string | readonly string[]])[],
  before: PhysicalPlan | null = null,
): PhysicalPlan {
  const eventTime = { at: 'event.at' };
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [
        { name: 's', nats: { subjects: ['s'] }, eventTime },
        { name: 't', nats: { subjects: ['t'] }, eventTime },
      ],
      stages,
      sinks: sinks.map(([name, from]) => ({ name, from, nats: { subject: `out.${name}` } })),
    },
  });
  return planJob(job, {}, { deadLetterFile: false, before });
}

function coreOf(of: PhysicalPlan, stageId: string): TaskCore {
  const stage = of.stages.find(({ id }) => id === stageId)!;
  const table = (): never => {
    throw new Error('no table');
  };
  return new TaskCore({ plan: of, stage, partition: 0, makeTransform, table, sink: null });
}

const edgeOf = (of: PhysicalPlan, id: string): number => of.edges.find((edge) => edge.id === id && edge.retired !== true)!.index;
type Event = { readonly id: string; readonly at: number };

/** A record of `from` with events on `edge`, as the inbox gives it. */
function record(of: PhysicalPlan, from: string, edge: string, sequence: number, events: readonly Event[], watermark: number | null) {
  const stage = of.stages.find(({ id }) => id === from)!;
  const index = edgeOf(of, edge);
  const batch = { values: [...events], times: events.map(({ at }) => at), keys: events.map(({ id }) => encodeKey(id)), ingestMs: 1 };
  const segments = events.length === 0 ? [] : [{ edge: index, count: events.length, bytes: encodeEvents([batch]) }];
  const watermarks = stage.outputs.map((output) => (output === index ? watermark : null));
  return { stage: from, partition: 0, sequence, number: sequence, kind: 'commit' as const, more: false, watermarks, segments, bytes: 1 };
}

/** The last record of `core` after a step, and its state as bytes. */
function stored(core: TaskCore): { header: RecordHeader; image: Uint8Array } {
  const step = core.step(1, { force: true })!;
  core.state.takeDelta();
  return { header: step.header as RecordHeader, image: core.state.checkpoint() };
}

function goOn(of: PhysicalPlan, stageId: string, { header, image }: { header: RecordHeader; image: Uint8Array }): TaskCore {
  const core = coreOf(of, stageId);
  core.restore(header, PartitionState.restore(image), true);
  return core;
}

const results = (step: ReturnType<TaskCore['step']>): unknown[] => step!.events.flatMap(({ bytes }) => [...decodeEvents(bytes).values]);

test('counts follow their exchanges: in by number, out by place', () => {
  const first = plan(
    [WINDOW, { name: 'both', from: ['s', 't'], keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } }],
    [['out', 'both']],
  );
  const core = coreOf(first, 'both');
  core.takeRecords([record(first, 's', 's/key:id→both', 1, [{ id: 'a', at: 1 }], 1)], 1);
  core.takeRecords(
    [
      record(
        first,
        't',
        't/key:id→both',
        1,
        [
          { id: 'a', at: 1 },
          { id: 'b', at: 2 },
        ],
        1,
      ),
    ],
    1,
  );
  const before = stored(core);
  expect(before.header.counters.edgesIn).toEqual([1, 2]);
  const next = plan(
    [WINDOW, { name: 'both', from: ['t'], keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } }],
    [
      ['out', 'both'],
      ['copy', 'both'],
    ],
    first,
  );
  const { counters } = goOn(next, 'both', before);
  expect(counters.edgesIn).toEqual([2]);
  expect(counters.edgesOut).toEqual([...before.header.counters.edgesOut, 0]);
});

test('an input that held event time back is gone: windows close with the first step', () => {
  const both = { ...WINDOW, from: ['s', 't'] };
  const first = plan([both], [['out', 'w']]);
  const core = coreOf(first, 'w');
  core.takeRecords([record(first, 's', 's/key:id→w', 1, [{ id: 'a', at: 1 }], 50)], 1);
  const before = stored(core);
  expect(before.header.watermarks.filter((watermark) => watermark !== null)).toEqual([]);
  const next = plan([WINDOW], [['out', 'w']], first);
  const went = goOn(next, 'w', before);
  expect(went.step(2, { force: true })!.header.watermarks).toContain(50);
  const again = goOn(next, 'w', before);
  expect(results(again.step(2, { force: true }))).toMatchObject([{ windowStartMs: 0, windowEndMs: 10, n: 1 }]);
});

test('an exchange goes on behind its position, one that is new reads its lane from the beginning', () => {
  const first = plan([{ name: 'x', from: 's', filter: 'true' }], [['out', 's']]);
  const count = { name: 'sum', from: ['s'], keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } };
  const withSum = plan([count], [['out', 'sum']], first);
  const core = coreOf(withSum, 'sum');
  core.takeRecords([record(withSum, 's', 's/key:id→sum', 7, [{ id: 'a', at: 1 }], 1)], 1);
  const before = stored(core);
  const next = plan([{ ...count, join: undefined, from: ['s', 't'] }], [['out', 'sum']], withSum);
  const went = goOn(next, 'sum', before);
  expect([went.sequenceOf('s'), went.sequenceOf('t')]).toEqual([7, 0]);
  went.takeRecords(
    [record(next, 's', 's/key:id→sum', 5, [{ id: 'a', at: 1 }], 1), record(next, 's', 's/key:id→sum', 8, [{ id: 'a', at: 2 }], 2)],
    1,
  );
  expect(results(went.step(3, { force: true }))).toEqual([{ id: 'a', n: 2 }]);
});

test('a transform that is gone takes its state along, and the record that says so is owed', () => {
  const shared = { ...COUNTS, name: 'both' };
  const first = plan(
    [WINDOW, shared],
    [
      ['out', 'w'],
      ['out-c', 'both'],
    ],
  );
  const core = coreOf(first, 'w');
  core.takeRecords([record(first, 's', 's/key:id→w', 1, [{ id: 'a', at: 1 }], null)], 1);
  const before = stored(core);
  const next = plan([WINDOW], [['out', 'w']], first);
  const went = goOn(next, 'w', before);
  expect(went.owes).toBe(true);
  went.step(2, { force: true });
  expect([went.state.cells('both').size(), went.state.cells('w').size()]).toEqual([0, 1]);
});

test('under the same declaration nothing is owed, and nothing settles', () => {
  const first = plan([WINDOW], [['out', 'w']]);
  const core = coreOf(first, 'w');
  core.takeRecords([record(first, 's', 's/key:id→w', 1, [{ id: 'a', at: 1 }], 5)], 1);
  const went = goOn(first, 'w', stored(core));
  expect(went.owes).toBe(false);
  expect(went.step(2, { force: true })).toBeNull();
});

test('on a retired exchange nothing is given out, and it has no watermark', () => {
  const first = plan(
    [WINDOW],
    [
      ['out', 'w'],
      ['copy', 'w'],
    ],
  );
  const core = coreOf(first, 'w');
  core.takeRecords([record(first, 's', 's/key:id→w', 1, [{ id: 'a', at: 1 }], 5)], 1);
  const before = stored(core);
  const next = plan([WINDOW], [['out', 'w']], first);
  const went = goOn(next, 'w', before);
  went.takeRecords([record(next, 's', 's/key:id→w', 2, [{ id: 'a', at: 30 }], 40)], 2);
  const step = went.step(2, { force: true })!;
  const gone = first.edges.find(({ id }) => id === 'w→copy')!.index;
  expect(step.events.map(({ edge }) => edge)).not.toContain(gone);
  expect(step.header.watermarks[next.stages.find(({ id }) => id === 'w')!.outputs.indexOf(gone)]).toBeNull();
  expect(step.header.watermarks).toHaveLength(before.header.watermarks.length);
});
