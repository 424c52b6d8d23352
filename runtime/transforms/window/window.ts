// Windows: which kind of window is which transform.

import { assert } from '../../base/assert.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { expiring, type Expirable } from '../actor/expiring.ts';
import type { Transform } from '../transform.ts';
import { CountWindow } from './count-window.ts';
import { KeyTimeWindow } from './key-time-window.ts';
import { PanedWindow } from './paned-window.ts';
import { SessionWindow } from './session-window.ts';
import { makeSliceGrid } from './slice-grid.ts';
import { SlicedWindow } from './sliced-window.ts';

/**
 * Aggregates per key and window of event time. A result when a window closes (the watermark, of its key where that has its own, reached its end - 1):
 * `{ …key parts, windowStartMs, windowEndMs, …aggregates }` with the time `windowEndMs - 1`. Late events go where `op.late` says.
 */
export function makeWindow(op: Extract<OpPlan, { kind: 'window' }>): Transform {
  const { keyWatermark } = op;
  if (keyWatermark !== undefined) return new KeyTimeWindow({ ...op, keyWatermark });
  switch (op.window.kind) {
    case 'tumbling':
    case 'sliding':
      assert(op.window.sizeMs > 0 && (op.window.kind === 'tumbling' || op.window.everyMs > 0), 'windows have a length and a distance');
      return op.panes === undefined ? new SlicedWindow(makeSliceGrid(op.window), op) : new PanedWindow(makeSliceGrid(op.window), op);
    case 'session':
      assert(op.window.gapMs > 0, 'sessions have a gap');
      return new SessionWindow(op.window.gapMs, op);
    case 'count':
      return kept(new CountWindow(op.window, op), op);
    case 'global':
      return kept(new PanedWindow(null, op), op);
  }
}

/** What expires the window gives out itself, as its results. */
function kept(window: Expirable, { state }: Extract<OpPlan, { kind: 'window' }>): Transform {
  return state === undefined ? window : expiring(window, { ttlMs: state.ttlMs, emits: false });
}
