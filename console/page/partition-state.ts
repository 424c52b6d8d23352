// What a partition does, in words: also what it does not read, and why. Pure.

import type { LivePartition } from '../api.ts';
import { inert } from '../../runtime/base/inert.ts';
import { duration } from './format.ts';

export type WaitFields = 'isIdle' | 'isHeld' | 'heldMs' | 'isBackPressure' | 'backPressureMs' | 'stalled';

/** `running, held by alignment (12 s so far)`; what was and is not any more is told too: `running (held by alignment for 12 s)`. */
export function stateText(partition: Pick<LivePartition, 'state' | WaitFields>): string {
  const { state, isIdle, isHeld, heldMs = 0, isBackPressure, backPressureMs = 0, stalled } = partition;
  return [
    stalled === undefined ? '' : `, stalled: ${inert(stalled)}`,
    isIdle === true && isHeld !== true ? ', idle' : '',
    waitText('held by alignment', isHeld === true, heldMs),
    waitText('back-pressure', isBackPressure === true, backPressureMs),
  ].reduce((text, part) => text + part, state);
}

function waitText(name: string, isNow: boolean, ms: number): string {
  if (isNow) return ms === 0 ? `, ${name}` : `, ${name} (${duration(ms)} so far)`;
  return ms === 0 ? '' : ` (${name} for ${duration(ms)})`;
}
