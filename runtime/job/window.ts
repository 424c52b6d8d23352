// Windows of event time, aligned to the epoch.

import type { WindowSpec } from '../../crds/stream-job/window.ts';

declare const window: unique symbol;

/** Made by `tumbling`, `sliding` or `session`. P: fields that its results have beside key, bounds and aggregates. */
export interface Window<out P = unknown> {
  readonly spec: WindowSpec;
  readonly [window]?: P;
}

/** What may come after a window's end. */
export type LateOptions = {
  /** How long after its end a window is kept to be corrected by events that come later; its results then have a field `pane`. */
  readonly allowedLateness?: string;
  /** retracting: before a corrected result the one that it replaces comes once more, as pane `retracted`. */
  readonly accumulation?: 'accumulating' | 'retracting';
};
export type Pane = 'onTime' | 'late' | 'retracted';
type PaneOf<O> = O extends { readonly allowedLateness: string } ? { pane: Pane } : unknown;

/** Windows of equal size that follow one another: `tumbling('1h')`. Durations: `250ms`, `10s`, `1h30m`, `3d`. */
export function tumbling<const O extends LateOptions & { readonly offset?: string }>(size: string, options?: O): Window<PaneOf<O>> {
  const { offset, ...late } = options ?? {};
  return { spec: { tumbling: { size, ...(offset === undefined ? {} : { offset }) }, ...late } };
}

/** Windows of `size` that begin every `every`: `sliding('3h', '1h')`. */
export function sliding<const O extends LateOptions & { readonly offset?: string }>(
  size: string,
  every: string,
  options?: O,
): Window<PaneOf<O>> {
  const { offset, ...late } = options ?? {};
  return { spec: { sliding: { size, every, ...(offset === undefined ? {} : { offset }) }, ...late } };
}

/** Events of a key whose gaps are under `gap` belong together: `session('12h')`. */
export function session<const O extends LateOptions>(gap: string, options?: O): Window<PaneOf<O>> {
  return { spec: { session: { gap }, ...options } };
}
