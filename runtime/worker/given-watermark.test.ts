import { expect, test } from 'vitest';
import type { EdgePlan } from '../plan/physical-plan.ts';
import { givenWatermark } from './given-watermark.ts';

const edge = (node: string, retired?: true): EdgePlan => ({ from: { node }, ...(retired === undefined ? {} : { retired }) }) as EdgePlan;
const edges = [edge('sums'), edge('late'), edge('*'), edge('gone', true)];

test.each([
  { fact: 'the lowest of its exchanges', outputs: [0, 1], watermarks: [7_000, 5_000], given: 5_000 },
  { fact: 'none yet, while one has none', outputs: [0, 1], watermarks: [7_000, null], given: null },
  { fact: 'the end, when all have ended', outputs: [0, 1], watermarks: [Infinity, Infinity], given: Number.MAX_SAFE_INTEGER },
  { fact: 'dead letters and retired exchanges say nothing', outputs: [0, 2, 3], watermarks: [7_000, null, null], given: 7_000 },
  { fact: 'nothing of who gives to nobody', outputs: [], watermarks: [], given: undefined },
  { fact: 'nor of who gives dead letters alone', outputs: [2], watermarks: [null], given: undefined },
])('given out: $fact', ({ outputs, watermarks, given }) => {
  expect(givenWatermark({ plan: { edges }, stage: { kind: 'keyed', outputs } }, watermarks)).toEqual(given === undefined ? {} : { given });
});

test('of a source nothing: its watermark is what it gives out', () =>
  expect(givenWatermark({ plan: { edges }, stage: { kind: 'source', outputs: [0] } }, [7_000])).toEqual({}));
