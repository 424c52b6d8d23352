// What a transform tells people about itself. Counted since its task began on this worker: no record holds it, and nothing is decided
// by it.

export type TransformFigures = ActorFigures | WindowFigures;

export type ActorFigures = {
  readonly kind: 'actors';
  /** State, as its text (a flat state's name, else JSON) → actors that are in it now. */
  readonly states: Readonly<Record<string, number>>;
  readonly transitions: readonly TransitionCount[];
};

/** State before, type of the event or timer, state after, how often. */
export type TransitionCount = readonly [from: string, event: string, to: string, count: number];

export type WindowFigures = {
  readonly kind: 'windows';
  /** Results that are being gathered: one for each key of each open window (of sliding ones: of each slice). */
  readonly open: number;
  /** Earliest open windows (slices) and their keys, at most OPEN_TOLD_MAX. Sessions are not told one by one: each key has its own. */
  readonly spans: readonly OpenSpan[];
  /** Results given out. */
  readonly results: number;
};

export type OpenSpan = readonly [startMs: number, endMs: number, keys: number];

/** What is told of one transform fits a report, whatever a job has: the commonest states and transitions, the earliest windows. */
export const STATES_TOLD_MAX = 64;
export const TRANSITIONS_TOLD_MAX = 128;
export const OPEN_TOLD_MAX = 32;
