// When a partition is known to have taken in what became of a message, by reports that come late, doubled and from several owners.

import { expect, test } from 'vitest';
import { taskFigures } from '../testing/task-figures.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { planJob } from '../plan/plan.ts';
import { TakenIn } from './taken-in.ts';
import type { TaskFigures } from './task-figures.ts';

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', nats: { subjects: ['a.>', 'b'] } }],
      stages: [
        { name: 'first', from: 's', keyBy: 'event.id', partitions: 2, aggregate: { n: { count: {} } } },
        { name: 'second', from: 'first', keyBy: 'event.n', partitions: 2, aggregate: { m: { count: {} } } },
      ],
      sinks: [{ name: 'out', from: 'second', nats: { subject: 'out' } }],
    },
  }),
  { s: 2 },
  { deadLetterFile: false },
);
const edgeFrom = (stage: string, to: string): string =>
  String(plan.edges.find(({ fromStage, toStage }) => fromStage === stage && toStage === to)!.index);

const source = (sequence: number, more: Partial<TaskFigures> = {}): TaskFigures =>
  taskFigures('s/0', { taken: { sequence }, sequence: 100 + sequence, number: sequence, ...more });
const first = (partition: number, position: number, sequence: number): TaskFigures =>
  taskFigures(`first/${partition}`, { positions: { [edgeFrom('s', 'first')]: position }, sequence, number: sequence });
const second = (position: number): TaskFigures =>
  taskFigures('second/1', { positions: { [edgeFrom('first', 'second')]: position }, number: position });

const wanted = { subject: 'a.x', sequence: 7 };

test('behind the source, one position is enough', () => {
  const taken = TakenIn.of(plan, { stage: 'first', partition: 1 }, wanted)!;
  expect(taken.note([source(6), first(1, 500, 1)])).toBe(false);
  expect(taken.note([source(7)])).toBe(true);
});

test('the position must lie behind the record that holds the message', () => {
  const taken = TakenIn.of(plan, { stage: 'first', partition: 1 }, wanted)!;
  expect(taken.note([source(7), first(1, 106, 1)])).toBe(false);
  expect(taken.note([first(0, 107, 2)])).toBe(false);
  expect(taken.note([first(1, 107, 3)])).toBe(true);
});

test('a source that is at work may not have stored it: two records later it has', () => {
  const taken = TakenIn.of(plan, { stage: 'first', partition: 1 }, wanted)!;
  const busy = { busy: true, sequence: 50 };
  expect(taken.note([first(1, 1_000, 1), source(7, { ...busy, number: 3 })])).toBe(false);
  expect(taken.note([source(8, { ...busy, number: 4 })])).toBe(false);
  expect(taken.note([source(9, { ...busy, number: 5, sequence: 60 })])).toBe(true);
});

test('what an owner had taken in and not stored is nothing when another goes on', () => {
  const taken = TakenIn.of(plan, { stage: 'first', partition: 1 }, wanted)!;
  expect(taken.note([first(1, 1_000, 1), source(7, { busy: true, number: 3 })])).toBe(false);
  expect(taken.note([source(5, { epoch: 2, number: 5, busy: true })])).toBe(false);
  expect(taken.note([source(7, { epoch: 2, number: 6, busy: true })])).toBe(false);
  // A report of the owner before, which was under way.
  expect(taken.note([source(7, { epoch: 1, number: 9 })])).toBe(false);
  expect(taken.note([source(7, { epoch: 2, number: 8, busy: true })])).toBe(true);
});

test('of a stage between, all partitions must be behind it', () => {
  const taken = TakenIn.of(plan, { stage: 'second', partition: 1 }, wanted)!;
  expect(taken.note([source(7), first(0, 107, 30), second(1_000)])).toBe(false);
  expect(taken.note([first(1, 110, 1_001)])).toBe(false);
  expect(taken.note([second(1_001)])).toBe(true);
});

test('the split that does not read the subject is not waited for; a subject that nobody reads is said', () => {
  expect(TakenIn.of(plan, { stage: 'first', partition: 0 }, { subject: 'c', sequence: 1 })).toBeNull();
  const taken = TakenIn.of(plan, { stage: 'first', partition: 0 }, { subject: 'b', sequence: 3 })!;
  expect(taken.note([taskFigures('s/1', { taken: { sequence: 3 }, sequence: 9 }), first(0, 9, 1)])).toBe(true);
});
