import { expect, test } from 'vitest';
import { stateText } from './partition-state.ts';

test.each([
  { partition: {}, says: 'running' },
  { partition: { isIdle: true, heldMs: 0 }, says: 'running, idle' },
  { partition: { isHeld: true, heldMs: 12_000 }, says: 'running, held by alignment (12 s so far)' },
  { partition: { isHeld: true, isIdle: true, heldMs: 0 }, says: 'running, held by alignment' },
  { partition: { heldMs: 12_000 }, says: 'running (held by alignment for 12 s)' },
  { partition: { isBackPressure: true, backPressureMs: 3_000 }, says: 'running, back-pressure (3 s so far)' },
  { partition: { backPressureMs: 300 }, says: 'running (back-pressure for 300 ms)' },
  { partition: { stalled: 'MR2111 ConsumerMissing: why' }, says: 'running, stalled: MR2111 ConsumerMissing: why' },
] as const)('$says', ({ partition, says }) => expect(stateText({ state: 'running', ...partition })).toBe(says));
