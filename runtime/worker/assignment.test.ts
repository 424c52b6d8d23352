import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign, assignInPools } from './assignment.ts';
import type { Assignment, Candidate, TaskRef } from './assignment.ts';

const stage = (name: string, partitions: number): TaskRef[] =>
  Array.from({ length: partitions }, (_, p) => ({ name: `${name}/${p}`, stage: name }));
const loads = (tasks: readonly TaskRef[], workers: readonly string[], result: Assignment): number[] =>
  workers.map((worker) => tasks.filter(({ name }) => result[name] === worker).length);
const moves = (before: Assignment, after: Assignment): number =>
  Object.keys(after).filter((task) => before[task] !== undefined && before[task] !== after[task]).length;

describe('assign', () => {
  test('without workers nobody owns anything', () => expect(assign(stage('a', 4), [], {})).toEqual({}));

  test.each([
    { fact: 'a second worker takes half, and only half moves', tasks: stage('a', 8), before: ['w1'], after: ['w1', 'w2'], moved: 4 },
    { fact: 'a worker that goes gives only its own tasks away', tasks: stage('a', 8), before: ['w1', 'w2'], after: ['w1'], moved: 4 },
    {
      fact: 'the same workers move nothing',
      tasks: [...stage('a', 8), ...stage('b', 3)],
      before: ['w1', 'w2', 'w3'],
      after: ['w3', 'w2', 'w1'],
      moved: 0,
    },
    { fact: 'one worker replaced by another moves what it had', tasks: stage('a', 8), before: ['w1', 'w2'], after: ['w1', 'w3'], moved: 4 },
    { fact: 'a single task stays where it is when a worker joins', tasks: stage('sink', 1), before: ['w1'], after: ['w0', 'w1'], moved: 0 },
  ])('$fact', ({ tasks, before, after, moved }) => {
    const first = assign(tasks, before, {});
    expect(moves(first, assign(tasks, after, first))).toBe(moved);
  });

  test('every task has one living owner, loads of a stage differ by at most one, and a second look changes nothing', () => {
    const names = fc.uniqueArray(fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7'), { minLength: 1 });
    fc.assert(
      fc.property(names, names, fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }), (before, after, sizes) => {
        const tasks = sizes.flatMap((size, index) => stage(`s${index}`, size));
        const result = assign(tasks, after, assign(tasks, before, {}));
        expect(Object.keys(result)).toHaveLength(tasks.length);
        sizes.forEach((_, index) => {
          const counts = loads(
            tasks.filter((task) => task.stage === `s${index}`),
            after,
            result,
          );
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        });
        expect(assign(tasks, [...after].reverse(), result)).toEqual(result);
      }),
    );
  });
});

describe('assignInPools', () => {
  const inPool = (pool: string | undefined, tasks: readonly TaskRef[]): TaskRef[] => tasks.map((task) => ({ ...task, pool }));
  const crew = (text: string): Candidate[] =>
    text.split(' ').map((each) => ({ worker: each, pool: each.startsWith('h') ? 'heavy' : undefined }));
  const tasks = [...stage('a', 3), ...inPool('heavy', stage('b', 4))];
  const poolsOf = (result: Assignment): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(Object.groupBy(Object.keys(result), (task) => task[0] ?? '')).map(([name, own]) => [
        name,
        [...new Set((own ?? []).map((task) => result[task]?.[0]))].join(''),
      ]),
    );

  test.each([
    { fact: 'each stage is with workers of its pool', before: {}, workers: 'd1 d2 h1', owners: { a: 'd', b: 'h' } },
    { fact: 'a pool without workers waits, and the others go on', before: {}, workers: 'd1 d2', owners: { a: 'd' } },
    {
      fact: 'what moves to a pool without workers stays where it is until there is one',
      before: { 'b/0': 'd1', 'b/1': 'd2', 'b/2': 'd1', 'b/3': 'd2' },
      workers: 'd1 d2',
      owners: { a: 'd', b: 'd' },
    },
    {
      fact: 'and then goes there',
      before: { 'b/0': 'd1', 'b/1': 'd2', 'b/2': 'd1', 'b/3': 'd2' },
      workers: 'd1 d2 h1',
      owners: { a: 'd', b: 'h' },
    },
    { fact: 'of owners that are gone nothing is kept', before: { 'b/0': 'h9' }, workers: 'd1', owners: { a: 'd' } },
  ])('$fact', ({ before, workers, owners }) => {
    const result = assignInPools(tasks, crew(workers), before as Assignment);
    expect(poolsOf(result)).toEqual(owners);
    expect(assignInPools(tasks, crew(workers).toReversed(), result)).toEqual(result);
  });

  test('whoever comes and goes, a pool is assigned as if it were alone', () => {
    const pools = fc.record({ d: fc.integer({ min: 1, max: 4 }), h: fc.integer({ min: 1, max: 4 }) });
    const named = ({ d, h }: { d: number; h: number }): Candidate[] =>
      crew([...Array.from({ length: d }, (_, i) => `d${i}`), ...Array.from({ length: h }, (_, i) => `h${i}`)].join(' '));
    fc.assert(
      fc.property(pools, pools, (before, after) => {
        const result = assignInPools(tasks, named(after), assignInPools(tasks, named(before), {}));
        for (const pool of [undefined, 'heavy']) {
          const own = tasks.filter((task) => task.pool === pool);
          const workers = (of: { d: number; h: number }): string[] => named(of).flatMap((one) => (one.pool === pool ? [one.worker] : []));
          expect(result).toMatchObject(assign(own, workers(after), assign(own, workers(before), {})));
        }
      }),
    );
  });
});
