// A plain-function actor: one state a key, a function from state and event to the next state.

/** What a step may do besides giving the next state. */
export interface ActorContext<Out = unknown> {
  readonly key: unknown;
  /** Event time, ms since the epoch. */
  readonly timeMs: number;
  readonly nowMs: number;
  /** An event out of the stage. */
  emit(event: Out, output?: string): void;
}

export type Actor<E, S, Out = unknown> = {
  /** The state of a key that had no event yet. */
  readonly init: (key: unknown) => S;
  /** The next state. Never changes the one it was given. */
  readonly step: (state: S, event: E, context: ActorContext<Out>) => S;
};
export type ReduceOutput<A> = A extends { readonly step: (state: never, event: never, context: ActorContext<infer Out>) => unknown }
  ? Out
  : never;
