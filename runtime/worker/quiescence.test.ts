import { expect, test } from 'vitest';
import { taskFigures } from '../testing/task-figures.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from '../plan/plan.ts';
import { bootstrapUnderWay, isQuiet, neverQuiet, underWay } from './quiescence.ts';
import type { TaskFigures } from './task-figures.ts';

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', nats: { subjects: ['a', 'b'] } }],
      stages: [{ name: 'c', from: 's', keyBy: 'event.id', partitions: 2, aggregate: { n: { count: {} } } }],
      sinks: [{ name: 'out', from: 'c', nats: { subject: 'out' } }],
    },
  }),
  { s: 2 },
  { deadLetterFile: false },
);
const edge = (id: string): string => String(plan.edges.find((one) => one.id === id)!.index);
const PAUSE = 'p1';

/** All at rest: s wrote up to 20, c up to 33, out up to 5. */
function atRest(): Map<string, TaskFigures> {
  const task = (stage: string, partition: number, sequence: number, positions: Record<string, number>): TaskFigures =>
    taskFigures(`${stage}/${partition}`, { sequence, positions, paused: PAUSE });
  const letters = {
    [edge('s.dead→dead-letters-subject')]: 20,
    [edge('c.dead→dead-letters-subject')]: 33,
    [edge('out.dead→dead-letters-subject')]: 5,
  };
  const tasks = [
    task('s', 0, 19, {}),
    task('s', 1, 20, {}),
    task('c', 0, 32, { [edge('s/key:id→c')]: 20 }),
    task('c', 1, 33, { [edge('s/key:id→c')]: 21 }),
    task('out', 0, 5, { [edge('c→out')]: 33 }),
    task('dead-letters-subject', 0, 9, letters),
  ];
  return new Map(tasks.map((one) => [one.task, one]));
}

test('at rest: all that sources have written has flowed to its end', () => {
  expect(underWay(plan, atRest(), PAUSE)).toBeNull();
  expect(isQuiet(plan, atRest(), PAUSE)).toBe(true);
});

test.each<{ fact: string; task: string; change: Partial<TaskFigures> | null; says: string }>([
  { fact: 'a source that does not keep the pause', task: 's/1', change: { paused: null }, says: 'source task s/1 reads on' },
  { fact: 'a source that keeps another pause', task: 's/1', change: { paused: 'p0' }, says: 'source task s/1 reads on' },
  { fact: 'a task that may take dead letters in again', task: 'c/1', change: { paused: null }, says: 'task c/1 reads on' },
  { fact: 'a source with a commit in flight', task: 's/0', change: { busy: true }, says: 'task s/0 works' },
  { fact: 'a task that nobody heard of', task: 'c/1', change: null, says: 'task c/1 does not run' },
  { fact: 'a task that claims', task: 'c/0', change: { state: 'claiming' }, says: 'task c/0 does not run' },
  {
    fact: 'a task that has not stored that it took in the last record',
    task: 'c/0',
    change: { positions: { [edge('s/key:id→c')]: 19 } },
    says: 'task c/0 has not taken in all of s',
  },
  { fact: 'a record in the inbox', task: 'out/0', change: { inboxBytes: 1 }, says: 'task out/0 works' },
  { fact: 'a stage that wrote once more', task: 'c/1', change: { sequence: 34 }, says: 'task out/0 has not taken in all of c' },
  {
    fact: 'a source that wrote before it paused, as its newest report says',
    task: 's/0',
    change: { sequence: 25 },
    says: 'task c/0 has not taken in all of s',
  },
])('not at rest: $fact', ({ task, change, says }) => {
  const figures = atRest();
  if (change === null) figures.delete(task);
  else figures.set(task, { ...figures.get(task)!, ...change });
  expect(underWay(plan, figures, PAUSE)).toBe(says);
});

const CANNOT_REST =
  '100000 events wait in task c/1 for a lookup, a rate or a retry, as many as may while the job is paused, and more lie before it; ' +
  'make another savepoint when less waits: give that stage more at once (maxInFlight, perSecond) or more partitions, or let it catch up';

test.each<{ fact: string; change: Partial<TaskFigures>; says: string | null }>([
  { fact: 'in which as much waits as may, and before which more lies', change: { inboxBytes: 1, cannotRest: 100_000 }, says: CANNOT_REST },
  { fact: 'in which as much waits as may, and that is all', change: { cannotRest: 100_000 }, says: null },
  { fact: 'that works', change: { inboxBytes: 1, busy: true }, says: null },
  { fact: 'whose report is of another pause', change: { inboxBytes: 1, cannotRest: 100_000, paused: 'p0' }, says: null },
])('a pause need not be waited for longer because of a task $fact: $says', ({ change, says }) => {
  const figures = atRest();
  figures.set('c/1', { ...figures.get('c/1')!, ...change });
  expect(neverQuiet(figures, PAUSE)).toBe(says);
  if (says !== null) expect(underWay(plan, figures, PAUSE)).toBe(says);
});

test('a task that has ended takes in nothing more', () => {
  const figures = atRest();
  for (const name of ['s/0', 's/1']) figures.set(name, { ...figures.get(name)!, state: 'done', paused: null });
  expect(underWay(plan, figures, PAUSE)).toBeNull();
});

test('actors that send each other events are at rest when all tasks of their stage have seen its last record', () => {
  const on = { x: { actions: [{ sendTo: { key: "'k'", type: 'y' } }] }, y: {} };
  const machine = { eventType: "'x'", initial: 'a', states: { a: { on } } };
  const sending = planJob(
    streamJobSchema.parse({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamJob',
      metadata: { name: 'j' },
      spec: {
        sources: [{ name: 's', nats: { subjects: ['a'] } }],
        stages: [{ name: 'm', from: 's', keyBy: 'event.id', partitions: 2, machine }],
        sinks: [],
      },
    }),
    { s: 1 },
    { deadLetterFile: false },
  );
  const rest = { ...atRest().get('c/0')!, positions: {}, stage: 'm', inboxBytes: 0 };
  const figures = (sequence: number, ownSequence: number): ReadonlyMap<string, TaskFigures> =>
    new Map([
      ['s/0', { ...rest, task: 's/0', stage: 's', sequence: 0 }],
      ['m/0', { ...rest, task: 'm/0', sequence: 7, ownSequence: 9 }],
      ['m/1', { ...rest, task: 'm/1', sequence, ownSequence }],
      ['dead-letters-subject/0', { ...rest, task: 'dead-letters-subject/0', state: 'done' }],
    ]);
  expect(underWay(sending, figures(9, 9), PAUSE)).toBeNull();
  expect(underWay(sending, figures(9, 8), PAUSE)).toBe('task m/1 has not taken in all of m');
  expect(underWay(sending, figures(10, 10), PAUSE)).toBe('task m/0 has not taken in all of m');
});

test('Q5 a bootstrap is under way until its source has ended and each partition has taken in all of it', () => {
  const filled = planJob(
    streamJobSchema.parse({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamJob',
      metadata: { name: 'j' },
      spec: {
        sources: [
          { name: 'live', nats: { subjects: ['a'] } },
          { name: 'old', file: { path: 'old.ndjson' } },
        ],
        stages: [{ name: 'm', from: 'live', bootstrap: ['old'], keyBy: 'event.id', partitions: 2, aggregate: { n: { count: {} } } }],
        sinks: [],
      },
    }),
    { live: 1 },
    { deadLetterFile: false },
  );
  const first = String(filled.edges.find(({ fromStage, toStage }) => fromStage === 'old' && toStage === 'm')!.index);
  const base = { ...atRest().get('s/0')!, paused: null };
  const figures = (old: Partial<TaskFigures>, taken: readonly [number, number]): ReadonlyMap<string, TaskFigures> =>
    new Map([
      ['old/0', { ...base, task: 'old/0', stage: 'old', sequence: 8, ...old }],
      ...taken.map((sequence, p): [string, TaskFigures] => [
        `m/${p}`,
        { ...base, task: `m/${p}`, stage: 'm', partition: p, positions: { [first]: sequence } },
      ]),
    ]);
  expect(bootstrapUnderWay(filled, figures({ state: 'running' }, [8, 8]))).toBe(
    'the bootstrap of m is taken in, old/0 has not come to its end',
  );
  expect(bootstrapUnderWay(filled, figures({ state: 'done' }, [8, 7]))).toBe(
    'the bootstrap of m is taken in, m/1 has not taken in all of old',
  );
  expect(bootstrapUnderWay(filled, new Map())).toBe('the bootstrap of m is taken in, old/0 has not come to its end'); // nobody was heard of
  expect(bootstrapUnderWay(filled, figures({ state: 'done' }, [8, 8]))).toBeNull();
  expect(bootstrapUnderWay(plan, new Map())).toBeNull(); // there is none
});
