// The text by which aggregates tell values apart.

import { encodeKey } from '../../event/key.ts';

/** Equal values have equal texts. Keys may not hold NaN and the infinities (JSON has none), values may. */
export function textOf(value: unknown): string {
  return typeof value === 'number' && !Number.isFinite(value) ? `\u0000${value}` : encodeKey(value);
}
