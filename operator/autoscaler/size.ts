// How many workers some work needs. Pure.
//
//   Z1. More work never needs fewer workers.
//   Z2. Tasks are dealt out by their number, not by their load (runtime/worker/assignment.ts): the worker with the heaviest task is
//       what counts. For that at most SKEW_MAX times the workers are taken that an even load would need.
//   Z4. One task is one worker's: work of a task beyond that is nobody's.
//   Z3. Never more than the tasks of the widest stage: the rest would have nothing to do.

import type { Signals } from './evaluate.ts';
import type { ScalingSettings } from './settings.ts';

const SKEW_MAX = 1.5;
/** A hundredth of a worker more is no worker. */
const SLACK = 0.02;

export type Limits = Pick<ScalingSettings, 'min' | 'max'> & {
  /** Partitions of the widest stage. */
  readonly partitions: number;
};

/** `work`: workers that it would keep fully busy, room to spare included; a task is done by one (Z4). `heaviestMax`: what the worker
 *  with the heaviest task may have to do. */
export function sizeFor(work: number, shares: Signals['shares'], limits: Limits, heaviestMax = 1): number {
  const parallel = shares.length === 0 ? work : shares.reduce((sum, { share }) => sum + Math.min(1, work * share), 0);
  const even = Math.max(1, Math.ceil(parallel - SLACK));
  const most = Math.ceil(even * SKEW_MAX);
  let size = even;
  while (size < most && heaviest(work, shares, size) > heaviestMax + SLACK) size++;
  return within(size, limits);
}

/** What the worker with the heaviest task is to do, of what one can. */
export function heaviest(work: number, shares: Signals['shares'], size: number): number {
  const [first, ...others] = shares;
  if (first === undefined || others.length === 0) return work / size;
  const beside = Math.ceil(shares.length / size) - 1;
  return work * (first.share + (beside * (1 - first.share)) / others.length);
}

export function within(size: number, { min, max, partitions }: Limits): number {
  return Math.max(Math.min(size, max, Math.max(partitions, min)), Math.min(min, max));
}
