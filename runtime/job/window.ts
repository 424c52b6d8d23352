// Windows of event time, aligned to the epoch.

import type { TriggerSpec, WindowSpec } from '../../crds/stream-job/window.ts';
import type { AnyEvent, EventCode } from './code.ts';
import { codeOf } from './code.ts';

declare const window: unique symbol;
declare const takes: unique symbol;

/** Made by `tumbling`, `sliding`, `session`, `countWindow` or `globalWindow`. P: fields that its results have beside key and aggregates. E: the events
 *  that its triggers read. */
export interface Window<out P = unknown, in E = never> {
  readonly spec: WindowSpec;
  readonly [window]?: P;
  readonly [takes]?: (event: E) => void;
}

/** When an early result comes: when all that it says is so for what is new since the last. */
export type Trigger<E = never> = {
  /** The watermark has passed a multiple of this time. */ readonly every?: string;
  /** So much time of the clock has gone by since the first new event came. */ readonly processingTime?: string;
  /** So many new events have come. */ readonly count?: number;
  /** A new event for which this holds has come. A function says of which type: `(order: Order) => order.amount > 100`. */ readonly when?: EventCode<
    E,
    boolean
  >;
  /** true: of each window only the first time. */ readonly once?: boolean;
};
type WindowKind = 'tumbling' | 'sliding' | 'session' | 'count' | 'global';
type Accumulation = 'accumulating' | 'discarding' | 'retracting';

export type KeyWatermark = {
  /** It stays this far behind the highest time of the key; '0s' when absent. */ readonly maxOutOfOrder?: string;
  /** The windows of a key that had no event for so long, by the clock, close. */ readonly closeAfter: string;
};

/** What may come before and after a window's end, and how it is computed. */
export type PaneOptions = {
  /** Results before the end, whenever one of these holds. Results then have the fields `pane`, `paneNumber` and `isLast`. */
  readonly early?: readonly Trigger[];
  /** How long after its end a window is kept to be corrected by events that come later; its results then have a field `pane`. */
  readonly allowedLateness?: string;
  /** What a further result has. discarding: what came since the last one. retracting: all so far, and before it what it replaces comes
   *  once more, as pane `retracted`. accumulating (the default): all so far. */
  readonly accumulation?: Accumulation;
  /** Each key has a watermark of its own, which closes its windows and says what is late. Without early and allowedLateness. */
  readonly keyWatermark?: KeyWatermark;
  /** false: events are not summed up by key before they go to the partition of their key, even where that is sound (`millrace plan` tells). */
  readonly preAggregate?: boolean;
};
export type Pane = 'onTime' | 'late' | 'retracted';
export type EarlyPane = 'early' | Pane;
type Bounds = { windowStartMs: number; windowEndMs: number };
type Numbered = {
  pane: EarlyPane;
  /** From 0, of each key and window; of what is retracted the one that it was told by. */ paneNumber: number;
  /** true: no other result of the window will come. */ isLast: boolean;
};
type PaneOf<O> = O extends { readonly early: readonly unknown[] } | { readonly accumulation: 'discarding' }
  ? Numbered
  : O extends { readonly allowedLateness: string }
    ? { pane: Pane }
    : unknown;

type Condition<V> = { readonly when: (event: V, ...rest: never[]) => unknown };
/** What all triggers read. */
type ReadBy<O> = O extends { readonly early: readonly (infer T)[] }
  ? (T extends Condition<infer V> ? (event: V) => void : never) extends (event: infer V) => void
    ? V
    : unknown
  : unknown;

/** Windows of equal size that follow one another: `tumbling('1h')`. Durations: `250ms`, `10s`, `1h30m`, `3d`. */
export function tumbling<const O extends PaneOptions & { readonly offset?: string }>(
  size: string,
  options?: O,
): Window<Bounds & PaneOf<O>, ReadBy<O>> {
  const { offset, ...panes }: PaneOptions & { readonly offset?: string } = options ?? {};
  return { spec: { tumbling: { size, ...(offset === undefined ? {} : { offset }) }, ...panesOf(panes) } };
}

/** Windows of `size` that begin every `every`: `sliding('3h', '1h')`. */
export function sliding<const O extends PaneOptions & { readonly offset?: string }>(
  size: string,
  every: string,
  options?: O,
): Window<Bounds & PaneOf<O>, ReadBy<O>> {
  const { offset, ...panes }: PaneOptions & { readonly offset?: string } = options ?? {};
  return { spec: { sliding: { size, every, ...(offset === undefined ? {} : { offset }) }, ...panesOf(panes) } };
}

/** Events of a key whose gaps are under `gap` belong together: `session('12h')`. */
export function session<const O extends PaneOptions>(gap: string, options?: O): Window<Bounds & PaneOf<O>, ReadBy<O>> {
  return { spec: { session: { gap }, ...panesOf(options ?? {}) } };
}

export type CountOptions = {
  /** A result comes after so many events, over the last `size`; `size` when absent. */ readonly every?: number;
  /** A result comes also of fewer events, when the watermark has passed the time of the first one by so much. */ readonly orAfter?: string;
  /** In which order events count; arrival when absent. */ readonly order?: 'arrival' | 'eventTime';
};

/** Windows of so many events of a key: `countWindow(100, { every: 10 })`. `windowNumber`: from 0, of each key. */
export function countWindow(
  size: number,
  { order = 'arrival', ...options }: CountOptions = {},
): Window<Bounds & { windowNumber: number }, unknown> {
  return { spec: { count: { size, ...options, order } } };
}

export type GlobalOptions<E = never> = {
  /** Its results: whenever one of these holds. */ readonly early: readonly Trigger<E>[];
  /** discarding: what is told is forgotten. */ readonly accumulation?: Accumulation;
};

/** One window of a key for all time, which ends with the input: `globalWindow({ early: [{ count: 100 }] })`. */
export function globalWindow<E = AnyEvent>(options: GlobalOptions<E>): Window<Numbered, E> {
  return { spec: { global: {}, ...panesOf(options) } };
}

function panesOf({ early, keyWatermark, ...rest }: PaneOptions): Omit<WindowSpec, WindowKind> {
  return {
    ...rest,
    ...(keyWatermark === undefined ? {} : { keyWatermark: { maxOutOfOrder: '0s', ...keyWatermark } }),
    ...(early === undefined ? {} : { early: early.map(triggerOf) }),
  };
}

function triggerOf({ when, once = false, ...rest }: Trigger): TriggerSpec {
  return { ...rest, ...(when === undefined ? {} : { when: codeOf(when) }), once };
}
