import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign } from './assignment.ts';
import type { Assignment, TaskRef } from './assignment.ts';

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
