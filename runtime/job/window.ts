// Windows of event time, aligned to the epoch.

import type { WindowSpec } from '../../crds/stream-job/spec.ts';

declare const window: unique symbol;

/** Made by `tumbling`, `sliding` or `session`. */
export interface Window {
  readonly spec: WindowSpec;
  readonly [window]?: true;
}

/** Windows of equal size that follow one another: `tumbling('1h')`. Durations: `250ms`, `10s`, `1h30m`, `3d`. */
export function tumbling(size: string, options: { readonly offset?: string } = {}): Window {
  return { spec: { tumbling: { size, ...options } } };
}

/** Windows of `size` that begin every `every`: `sliding('3h', '1h')`. */
export function sliding(size: string, every: string, options: { readonly offset?: string } = {}): Window {
  return { spec: { sliding: { size, every, ...options } } };
}

/** Events of a key whose gaps are under `gap` belong together: `session('12h')`. */
export function session(gap: string): Window {
  return { spec: { session: { gap } } };
}
