import { expect, test } from 'vitest';
import { taskName } from '../../runtime/plan/physical-plan.ts';
import { declaredOf } from '../lifecycle/observed-sample.ts';
import { stageTimes } from './stage-times.ts';

/** orders → sums (two partitions) → out. */
const { plan } = declaredOf('h1');
const END = Number.MAX_SAFE_INTEGER;

type Told = { readonly watermark: number | null; readonly given?: number | null; readonly idle?: true };
const running: Readonly<Record<string, Told>> = {
  'orders/0': { watermark: 9_000 },
  'sums/0': { watermark: 8_000, given: 7_000 },
  'sums/1': { watermark: 5_000, given: 4_000 },
  'out/0': { watermark: 3_000 },
};

test.each<{ readonly fact: string; readonly change: Readonly<Record<string, Told | null>>; readonly times: readonly string[] }>([
  { fact: 'by the partition that is furthest behind, beside what was given out before it', change: {}, times: ['sums 5/9', 'out 3/4'] },
  {
    fact: 'what a stage holds back by itself is no lag of the next one',
    change: { 'sums/0': { watermark: 8_000, given: 1_000 }, 'out/0': { watermark: 1_000 } },
    times: ['sums 5/9', 'out 1/1'],
  },
  { fact: 'a task that nobody reports makes its stage unknown, and the next one', change: { 'sums/1': null }, times: [] },
  {
    fact: 'an older worker does not say what it gives out',
    change: { 'sums/0': { watermark: 8_000 } },
    times: ['sums 5/9'],
  },
  { fact: 'without a watermark yet nothing is known', change: { 'sums/0': { watermark: null, given: null } }, times: [] },
  {
    fact: 'behind a source that has ended there is no time to be behind of',
    change: { 'orders/0': { watermark: END } },
    times: ['out 3/4'],
  },
  {
    fact: 'a source that is idle stands where it does',
    change: { 'orders/0': { watermark: 6_000, idle: true } },
    times: ['sums 5/6', 'out 3/4'],
  },
])('$fact', ({ change, times }) => {
  const figures = new Map(Object.entries({ ...running, ...change }).flatMap(([task, told]) => (told === null ? [] : [[task, told]])));
  expect(plan.stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, p) => taskName(id, p)))).toEqual(
    expect.arrayContaining(Object.keys(running)),
  );
  const told = stageTimes(plan, plan.stages, figures);
  expect(told.map(({ stage, givenMs, takenMs }) => `${stage} ${takenMs / 1_000}/${givenMs / 1_000}`)).toEqual(times);
});
