import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assign } from './assignment.ts';
import type { Assignment, TaskRef } from './assignment.ts';
import { assignStandbys } from './standbys.ts';

const stage = (name: string, partitions: number, isFollowed = true): TaskRef[] =>
  Array.from({ length: partitions }, (_, p) => ({ name: `${name}/${p}`, stage: name, isFollowed }));
const anywhere = (workers: readonly string[]): { workers: readonly string[]; nodeOf: () => null } => ({ workers, nodeOf: () => null });

type Placed = { readonly owners: Assignment; readonly standbys: Assignment };
const NONE: Placed = { owners: {}, standbys: {} };

/** Both assignments, as who leads makes them. */
function place(tasks: readonly TaskRef[], workers: readonly string[], before: Placed = NONE): Placed {
  const owners = assign(tasks, workers, before.owners, before.standbys);
  return { owners, standbys: assignStandbys(tasks, anywhere(workers), owners, before.standbys) };
}

/** Assigned again until nothing moves. */
function settle(tasks: readonly TaskRef[], workers: readonly string[], before: Placed = NONE): Placed {
  const once = place(tasks, workers, before);
  const again = place(tasks, workers, once);
  return JSON.stringify(again) === JSON.stringify(once) ? once : settle(tasks, workers, again);
}

const countOf = (of: Assignment, tasks: readonly TaskRef[], worker: string): number =>
  tasks.filter(({ name }) => of[name] === worker).length;

describe('assignStandbys', () => {
  test('one worker alone follows nothing', () => expect(place(stage('a', 4), ['w1']).standbys).toEqual({}));

  test('only tasks that are to be followed have a standby', () => {
    const { standbys } = place([...stage('source', 2, false), ...stage('a', 2)], ['w1', 'w2']);
    expect(Object.keys(standbys).sort()).toEqual(['a/0', 'a/1']);
  });

  test('of two workers each follows what the other runs', () => {
    const { owners, standbys } = place(stage('a', 8), ['w1', 'w2']);
    for (const { name } of stage('a', 8)) expect(new Set([owners[name], standbys[name]])).toEqual(new Set(['w1', 'w2']));
  });

  test('another node than the owner is preferred', () => {
    const tasks = stage('a', 4);
    const workers = ['w1', 'w2', 'w3', 'w4'];
    const nodeOf = (worker: string): string => (worker < 'w3' ? 'n1' : 'n2');
    const owners = assign(tasks, workers, {});
    const standbys = assignStandbys(tasks, { workers, nodeOf }, owners, {});
    for (const { name } of tasks) expect(nodeOf(standbys[name]!)).not.toBe(nodeOf(owners[name]!));
  });

  const names = fc.uniqueArray(fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5', 'w6', 'w7'), { minLength: 2 });
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 });

  test('never the owner, evenly in each stage, and nothing changes while nothing changes', () => {
    fc.assert(
      fc.property(names, names, sizes, (before, after, counts) => {
        const tasks = counts.flatMap((size, index) => stage(`s${index}`, size));
        const placed = settle(tasks, after, settle(tasks, before));
        counts.forEach((_, index) => {
          const own = tasks.filter((task) => task.stage === `s${index}`);
          for (const { name } of own) {
            expect(after).toContain(placed.standbys[name]);
            expect(placed.standbys[name]).not.toBe(placed.owners[name]);
          }
          for (const of of [placed.owners, placed.standbys]) {
            const held = after.map((worker) => countOf(of, own, worker));
            expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
          }
        });
        expect(place(tasks, [...after].reverse(), placed)).toEqual(placed);
      }),
    );
  });

  test('what a worker ran goes to those that have followed it, and nothing else moves with it', () => {
    fc.assert(
      fc.property(names, sizes, fc.nat(), (workers, counts, pick) => {
        const tasks = counts.flatMap((size, index) => stage(`s${index}`, size));
        const before = settle(tasks, workers);
        const gone = workers[pick % workers.length]!;
        const after = place(
          tasks,
          workers.filter((worker) => worker !== gone),
          before,
        );
        for (const { name } of tasks)
          if (before.owners[name] === gone) expect(after.owners[name]).toBe(before.standbys[name]);
          else expect(after.owners[name]).toBe(before.owners[name]);
      }),
    );
  });

  test('when a worker is gone, what others follow of others is followed on', () => {
    const tasks = stage('a', 12);
    const before = settle(tasks, ['w1', 'w2', 'w3', 'w4']);
    const { standbys } = place(tasks, ['w1', 'w2', 'w3'], before);
    for (const { name } of tasks)
      if (before.standbys[name] !== 'w4' && before.owners[name] !== 'w4') expect(standbys[name]).toBe(before.standbys[name]);
  });
});
