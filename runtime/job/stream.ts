// The fluent skin: what may follow what, with the event's type carried along every edge.
//
// Types only. draft-stream.ts makes the objects, draft.ts the graph value.
//   F1. A verb makes one stage; an unnamed filter and a keyBy belong to the verb that follows them.
//   F2. What may not be written is a parameter of type Mistake<'…'>: the message says what to write instead.

import type { Aggregate, GivenBy } from './aggregates.ts';
import type { Cel } from './cel.ts';
import type { Cells } from './cell.ts';
import type { AnyEvent, EventCode, EventFunction, EventOf, FieldCodes, ResultOf, Simplify, Synchronous } from './code.ts';
import type { LookupOptions, Unanswered, WithAnswer } from './lookup-type.ts';
import type { CheckMachine, CheckOutput, DeclaredMachine, MachineOptions, OutputEvent, XStateMachine } from './machine-type.ts';
import type { Mistake } from './mistake.ts';
import type { Match, MatchSelect, PatternOptions } from './pattern-type.ts';
import type { Actor, ReduceOptions, StateOptions } from './reduce-type.ts';
import type { EventSchema, TypeOfSchema } from './schema-type.ts';
import type { EventTimeOptions } from './source.ts';
import type { LookedUp, Lookup } from './table.ts';
import type { Window } from './window.ts';

declare const event: unique symbol;
declare const keyed: unique symbol;

type MapShape<E> = EventCode<E, unknown> | FieldCodes<E>;
type Case<E> = { readonly when?: EventCode<E, boolean>; readonly emit: MapShape<E> };
type FlatMapShape<E> = EventFunction<E, readonly unknown[]> | Cel<readonly unknown[]> | readonly Case<E>[];
type FlatMapped<C> = C extends readonly (infer One)[]
  ? One extends { readonly emit: infer Emit }
    ? EventOf<Emit>
    : never
  : ResultOf<C> extends readonly (infer One)[]
    ? One
    : AnyEvent;

type Guard<E, N extends E> = (event: E, key: unknown, timeMs: number, nowMs: number) => event is N;
/** What a type guard leaves of E. */
type Narrowed<E, C> = C extends Guard<E, infer N> ? N : E;

export type SinkOptions = { /** Name of the sink; derived from what it reads when absent. */ readonly name?: string };
export type NatsSinkOptions = SinkOptions & {
  readonly stream?: string;
  /** Results a message; one when absent. */ readonly batch?: number;
};
export type OnError = {
  /** How often a function that threw is called again for the event; 0 when absent. */ readonly retries?: number;
  /** Wait before the first retry, twice as long before each further one; `1s` when absent. */ readonly backoff?: string;
  /** No wait is longer; `1m` when absent. */ readonly backoffMax?: string;
  /** After the last try; `deadLetter` when absent. */ readonly then?: 'deadLetter' | 'stopPartition' | 'stopJob';
};
export type KeyOptions = { /** Partitions of the keyed stage; fixed for the life of its state. */ readonly partitions?: number };

/** Something whose events are of type E. */
export interface Emits<out E> {
  readonly [event]?: E;
}
/** Something with a key whose events are of type E. */
export interface Keyed<out E> {
  readonly [keyed]: E;
}

/** Events of type E on their way through a job. Every method returns a new stream and leaves this one as it is. */
export interface Stream<E> extends Emits<E> {
  /** Names the stage made last: its name identifies its state, its subjects and its metrics. Unnamed: `<input>-<verb>`. */
  as(name: string): this;
  /** What becomes of an event for which the code of the stage made last throws; a dead letter at once when nothing is said. */
  onError(policy: OnError): this;

  /** Only events for which it holds go on. A type guard narrows the event's type. */
  filter<const C extends EventCode<E, boolean>>(code: C & Synchronous<C>): Stream<Narrowed<E, C>>;
  /** One event for each: a function, CEL, or fields of those. */
  map<const C extends MapShape<E>>(code: C & Synchronous<C>): Stream<EventOf<C>>;
  /** Any number of events for each: a function or CEL that gives a list, or cases of which those that hold are emitted in order. */
  flatMap<const C extends FlatMapShape<E>>(code: C & Synchronous<C>): Stream<FlatMapped<C>>;
  /** By which output each event goes on: the first that takes it, or all with `match: 'all'`. `true` takes what comes so far. */
  branch<const B extends { readonly [name: string]: EventCode<E, boolean> | true }>(
    outputs: B,
    options?: { readonly match?: 'first' | 'all' },
  ): BranchedStream<E, keyof B & string>;
  /** No more events than this go on in a second of the clock; the others wait, and nothing more is taken in meanwhile. */
  rateLimit(perSecond: number, options?: { readonly burst?: number; readonly per?: 'stage' | 'partition' }): Stream<E>;
  /** Only events that are as declared go on. The others, with all that is wrong with each, are the output `invalid`. */
  validate<const S extends EventSchema = {}>(options: ValidateOptions<E, S>): ValidatedStream<Simplify<Omit<E, keyof S> & TypeOfSchema<S>>>;
  /** Compresses one field: a text or bytes as they are, anything else as JSON. */
  compress<const F extends keyof E & string, const T extends 'base64' | 'bytes' = 'base64'>(
    field: F,
    options?: { /** `gzip` when absent. */ readonly codec?: Codec; readonly to?: T },
  ): Stream<Simplify<Omit<E, F> & { [N in F]: T extends 'bytes' ? Uint8Array : string }>>;
  /** Unpacks one field. An event that holds more than `bytesMax` (1 MiB when absent) is a dead letter. */
  decompress<const F extends keyof E & string, const T extends 'text' | 'json' | 'bytes' = 'text'>(
    field: F,
    options?: { /** `gzip` when absent. */ readonly codec?: Codec; readonly to?: T; readonly bytesMax?: number },
  ): Stream<Simplify<Omit<E, F> & { [N in F]: T extends 'bytes' ? Uint8Array : T extends 'json' ? unknown : string }>>;
  /** Sets the event time anew, and how far out of order events come. */
  eventTime(options: EventTimeOptions<E>): Stream<E>;
  /** Adds rows of side inputs: `enrich({ plane: planes.lookup({ key: 'tailnum' }) })`. */
  enrich<const L extends { readonly [field: string]: Lookup<E, unknown> }>(lookups: L): Stream<Simplify<E & LookedUp<L>>>;
  /** A share of the events, chosen by hash of the event or of `by`: the same ones in every run. */
  sample(ratio: number, options?: { readonly by?: EventCode<E, unknown> }): Stream<E>;

  /** The key of what follows (events whose key is null become dead letters): a field, a function, CEL, or named parts. Results of a plain field carry that field. */
  keyBy<const K extends KeyShape<E>>(key: K & CheckKey<E, K>, options?: KeyOptions): KeyedStream<E, KeyFields<E, K>>;

  /** Each result a line of a file under the output folder, exactly once. */
  toFile(path: string, options?: SinkOptions): this;
  /** Each result a message on a subject that only this sink writes, exactly once. */
  toNats(subject: string, options?: NatsSinkOptions): this;
  /** No second write: the results stay in the journal of their stage. */
  toJournal(options?: SinkOptions): this;

  // What needs a key first (F2).
  window(window: Mistake<"window needs a key: write .keyBy('field') before .window(…)">): never;
  aggregate(aggregates: Mistake<"aggregate needs a key: write .keyBy('field') before .aggregate(…)">): never;
  changelog(options: Mistake<"changelog needs a key: write .keyBy('id') before .changelog(…)">): never;
  dedupe(ttl: Mistake<"dedupe needs a key: write .keyBy('field') before .dedupe(…)">): never;
  join(other: Mistake<"join needs a key: write .keyBy('field') before .join(…)">, options: unknown): never;
  pattern(pattern: Mistake<"pattern needs a key: write .keyBy('field') before .pattern(…)">): never;
  machine(machine: Mistake<"machine needs a key: write .keyBy('field') before .machine(…)">, options?: unknown): never;
  lookup(options: Mistake<"lookup needs a key: write .keyBy('field') before .lookup(…)">): never;
  reduce(actor: Mistake<"reduce needs a key: write .keyBy('field') before .reduce(…)">): never;
}

export type Codec = 'gzip' | 'deflate' | 'brotli' | 'zstd';

export type ValidateOptions<E, S extends EventSchema> = {
  readonly schema?: S;
  /** Whether a text may stand for a number, bool or time, and they for a text; nothing is rounded. */ readonly coerce?: boolean;
  /** Fields that the schema does not name; `keep` when absent. */ readonly others?: 'keep' | 'remove' | 'refuse';
  /** What must hold of an event that is as the schema says. */
  readonly rules?: readonly {
    readonly holds: EventCode<Simplify<Omit<E, keyof S> & TypeOfSchema<S>>, boolean>;
    readonly message?: string;
  }[];
};

/** Events that are as declared. `invalid`: those that are not, with all that is wrong; dead letters when nothing reads it. */
export interface ValidatedStream<E> extends Stream<E> {
  output<const Name extends string>(
    name: Name & (Name extends 'invalid' ? unknown : Mistake<`validate has one more output, "invalid", not "${Name}"`>),
  ): Stream<{ event: unknown; problems: readonly string[] }>;
}

/** Events by kind, each on an output of its own; `other`: what no output takes. */
export interface BranchedStream<E, Names> {
  as(name: string): this;
  onError(policy: OnError): this;
  output<const Name extends string>(
    name: Name & (Name extends Names | 'other' ? unknown : Mistake<`there is no branch "${Name}"; there are:`, Names>),
  ): Stream<E>;
}

type KeyShape<E> = string | Cel | EventFunction<E, unknown> | FieldCodes<E>;
/** Unknown unless K is a name that E does not have. */
type CheckKey<E, K> = K extends string
  ? K extends keyof E
    ? unknown
    : Mistake<`events have no field "${K}" to key by; they have:`, keyof E & string>
  : Synchronous<K>;
/** Fields of a result that hold the key. */
type KeyFields<E, K> = K extends keyof E & string
  ? { [F in K]: NonNullable<E[K]> }
  : K extends Cel<unknown, `event.${infer F}`>
    ? F extends keyof E & string
      ? { [N in F]: NonNullable<E[F]> }
      : { key: ResultOf<K> }
    : K extends Cel | ((...args: never[]) => unknown)
      ? { key: ResultOf<K> }
      : { -readonly [F in keyof K]: ResultOf<K[F]> };

type Aggregates<E> = { readonly [field: string]: Aggregate<E, unknown> };
type Aggregated<A> = { -readonly [F in keyof A]: GivenBy<A[F]> };

type CheckWindow<E, W> = W extends Window
  ? W extends Window<unknown, E>
    ? unknown
    : Mistake<'a condition `when` of the window reads events of another type than those of the stream'>
  : Mistake<"a window needs its type: .window(tumbling('1h')), .window(sliding('3h', '1h')) or .window(session('12h'))">;

export type ProcessingTimeOptions = {
  /** What becomes of a timer that is late because nobody ran; catchUp when absent. */
  readonly missed?: 'catchUp' | 'fireOnce' | 'skip';
  /** How late it is then; `10s` when absent. */
  readonly missedAfter?: string;
};

export type FeedbackOptions = {
  /** How often an event, and what comes of it, goes round; 100 when absent. Once more, and it is a dead letter. */
  readonly maxRounds?: number;
};

type CheckBack<E, B> =
  B extends Emits<E> ? unknown : Mistake<'what comes back are events of another type than those of the stream that has the key'>;

/** A stream with a key: what follows works on each key's events alone. N: the fields of results that hold the key. */
export interface KeyedStream<E, N> extends Keyed<E> {
  /** What follows works by the clock of the workers: an event happens when the stage takes it in, and nothing is late. For window, dedupe,
   *  pattern, interval and window join (both sides), machine and reduce. */
  processingTime(options?: ProcessingTimeOptions): KeyedStream<E, N>;
  /** Fills the state of the stage that follows: all events of these streams, which end (a file, a source with bounded: true), are taken
   *  in before anything of this one. They get the same key. */
  bootstrap(...streams: readonly [Emits<E>, ...Emits<E>[]]): KeyedStream<E, N>;
  /** What comes back: the stage that reads this key takes in the events of `back`, which come of it, as well, and they get the same key. To be
   *  written behind that stage. For aggregate, changelog, dedupe, machine and reduce. */
  feedback<const B extends Emits<unknown>>(back: B & CheckBack<E, B>, options?: FeedbackOptions): void;
  /** Cuts each key's events by event time. */
  window<W = undefined>(window?: W & CheckWindow<E, W>): W extends Window<infer P> ? WindowedStream<E, N, P> : CheckWindow<E, W>;
  /** A result whenever a key's figures change: the key's fields and one field for each aggregate. With `rows` events are changes of rows, and
   *  of each row only its newest version counts: figures are those of the table. */
  aggregate<const A extends Aggregates<E>>(
    aggregates: A,
    options?: { readonly state?: StateOptions; readonly rows?: RowsOptions<E> },
  ): KeptStream<Simplify<N & Aggregated<A>>>;
  /** Events are changes of rows, one row a key. What each does: first `retract` with the row that no longer holds, then `insert` with the new
   *  one, both at the time of the change. */
  changelog(options?: {
    /** Changes for which it holds delete. */ readonly deleted?: EventCode<E, boolean>;
  }): Stream<{ change: Change; row: E }>;
  /** Only the first event of a key within `ttl` of event time goes on. */
  dedupe(ttl: string): Stream<E>;
  /** Temporal join: the other side is a changelog of rows by key, and each event gets the row that was valid at its time. */
  join<
    O,
    const T extends 'inner' | 'left' = 'inner',
    const S extends Select<E, Right<KeyedBy<O>, T>> | undefined = Select<E, Right<KeyedBy<O>, T>> | undefined,
  >(
    other: O & CheckKeyed<O>,
    options: {
      readonly temporal: TemporalOptions<KeyedBy<O>>;
      readonly type?: T;
      /** The joined event; { left, right } when absent. */ readonly select?: S;
    },
  ): Stream<Joined<E, Right<KeyedBy<O>, T>, S>>;
  /** Table join: both sides are changelogs of rows by key; a change of either gives what changes of the join of the newest rows. */
  join<
    O,
    const T extends JoinType = 'inner',
    const S extends ChangeSelect<Left<E, T>, Right<KeyedBy<O>, T>> | undefined = ChangeSelect<Left<E, T>, Right<KeyedBy<O>, T>> | undefined,
  >(
    other: O & CheckKeyed<O>,
    options: {
      readonly table: TableJoinOptions<E, KeyedBy<O>>;
      readonly type?: T;
      /** The joined row; { left, right, change } when absent. */ readonly select?: S;
    },
  ): Stream<undefined extends S ? { left: Left<E, T>; right: Right<KeyedBy<O>, T>; change: Change } : EventOf<S>>;
  /** Events of both sides with equal keys whose times differ by at most `within`, or that lie in one window. */
  join<
    O,
    W extends string | undefined = undefined,
    V extends Window | undefined = undefined,
    const T extends JoinType = 'inner',
    const S extends Select<Left<E, T>, Right<KeyedBy<O>, T>, V> | undefined = Select<Left<E, T>, Right<KeyedBy<O>, T>, V> | undefined,
  >(
    other: O & CheckKeyed<O>,
    options: {
      readonly within?: W;
      readonly window?: V;
      readonly temporal?: NoTemporal;
      readonly table?: NoTable;
      readonly type?: T;
      /** The joined event; { left, right } and a window's bounds when absent. */ readonly select?: S;
    } & NeedsBound<W, V>,
  ): Stream<Joined<Left<E, T>, Right<KeyedBy<O>, T>, S, V>>;
  /** Sequences of each key's events, in the order of their times. A result is the key's fields, startMs, endMs and matched, or what select gives. */
  pattern<const S extends MatchSelect<E> | undefined = MatchSelect<E> | undefined>(
    pattern: PatternOptions<E> & { /** The result of a match. */ readonly select?: S },
  ): PatternStream<undefined extends S ? Match<E, N> : EventOf<S>, Match<E, N>, E>;
  /** An answer from outside for each event, into its field `as`. Events of a key keep their order unless `ordered: false`. */
  lookup<const As extends string, R = unknown>(options: LookupOptions<E, As, R>): AnsweredStream<WithAnswer<E, As, R>, E>;
  /** One actor a key: a machine of XState's own making, or one declared as in YAML. */
  machine<const M extends XStateMachine | DeclaredMachine>(machine: M & CheckMachine<E, M>, options?: MachineOptions): MachineStream<M>;
  /** One actor a key: a plain function from state and event to state. `reduce<State, Result>` says what it emits. */
  reduce<S, Out = AnyEvent, const C extends Cells = Cells>(actor: Actor<E, S, Out, C>, options?: ReduceOptions): ReducedStream<Out, S>;

  // What belongs before keyBy or behind a keyed verb (F2).
  filter(
    code: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .filter(…) before .keyBy(…), or after one of those'>,
  ): never;
  map(
    code: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .map(…) before .keyBy(…), or after one of those'>,
  ): never;
  flatMap(
    code: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .flatMap(…) before .keyBy(…), or after one of those'>,
  ): never;
  enrich(
    lookups: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .enrich(…) before .keyBy(…), or after one of those'>,
  ): never;
  keyBy(key: Mistake<'this stream already has a key: two keys in a row leave the first without use'>): never;
  toFile(
    path: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .toFile(…) before .keyBy(…), or after one of those'>,
  ): never;
  toNats(
    subject: Mistake<'after .keyBy(…) comes window, aggregate, dedupe, join, pattern, machine or reduce: write .toNats(…) before .keyBy(…), or after one of those'>,
  ): never;
}

/** Events of a key cut into windows. */
export interface WindowedStream<E, N, P = unknown> {
  /** A result for each key and window that had events, when the watermark reaches its end; with `early` before that too, with allowed
   *  lateness again when it is corrected. `state`: how long a window by count or the global one keeps a key without events. */
  aggregate<const A extends Aggregates<E>>(
    aggregates: A,
    options?: { readonly state?: StateOptions },
  ): AggregatedStream<Simplify<N & P & Aggregated<A>>, E>;
}

/** Running results. With `state: { onExpire: 'emit' }` what expired goes to the output `expired`, in the same shape. */
export interface KeptStream<R> extends Stream<R> {
  output<const Name extends string>(
    name: Name & (Name extends 'expired' ? unknown : Mistake<`a running aggregate has one more output, "expired", not "${Name}"`>),
  ): Stream<R>;
}

/** Results of windows. Events that came after their windows had closed go to the output `late`, dead letters when nothing reads it. */
export interface AggregatedStream<R, E> extends Stream<R> {
  output<const Name extends string>(
    name: Name & (Name extends 'late' ? unknown : Mistake<`a window has one more output, "late", not "${Name}"`>),
  ): Stream<E>;
}

/** Events with their answers. Those that got none go to the output `failed`, by onError when nothing reads it. */
export interface AnsweredStream<R, E> extends Stream<R> {
  output<const Name extends string>(
    name: Name & (Name extends 'failed' ? unknown : Mistake<`a lookup has one more output, "failed", not "${Name}"`>),
  ): Stream<Unanswered<E>>;
}

type PatternOutputs<P, E> = { /** Partial matches that time ended. */ timedOut: P; late: E };
/** Results of matches. `timedOut`: what never was whole in time. `late`: events that came after the watermark, dead letters when nothing reads it. */
export interface PatternStream<R, P, E> extends Stream<R> {
  output<const Name extends string>(
    name: Name &
      (Name extends keyof PatternOutputs<P, E> ? unknown : Mistake<`a pattern has two more outputs, "timedOut" and "late", not "${Name}"`>),
  ): Stream<PatternOutputs<P, E>[Name & keyof PatternOutputs<P, E>]>;
}

/** The actors of a machine: what they emit leaves on named outputs. */
export interface MachineStream<M> {
  as(name: string): this;
  /** What becomes of an event for which its code throws; a dead letter at once when nothing is said. */
  onError(policy: OnError): this;
  /** The events that the machine emits with that type (declared machines: on that output). */
  output<const Name extends string>(name: Name & CheckOutput<M, Name>): Stream<OutputEvent<M, Name>>;

  filter(code: Mistake<"a machine's events leave on named outputs: write .output('name') before .filter(…)">): never;
  map(code: Mistake<"a machine's events leave on named outputs: write .output('name') before .map(…)">): never;
  keyBy(key: Mistake<"a machine's events leave on named outputs: write .output('name') before .keyBy(…)">): never;
  toFile(path: Mistake<"a machine's events leave on named outputs: write .output('name') before .toFile(…)">): never;
  toNats(subject: Mistake<"a machine's events leave on named outputs: write .output('name') before .toNats(…)">): never;
  toJournal(options: Mistake<"a machine's events leave on named outputs: write .output('name') before .toJournal(…)">): never;
}

/** All that plain-function actors emitted; by `output` what they emitted on a named one. */
export interface ReducedStream<Out, S = unknown> extends Stream<Out> {
  /** `expired`: states that expired, with `state: { onExpire: 'emit' }`. */
  output(name: 'expired'): Stream<{ readonly key: unknown; readonly state: S }>;
  output(name: string): Stream<Out>;
}

type Bounds<V> = V extends Window ? [windowStartMs: number, windowEndMs: number] : [];
type SelectCode<L, R, V> = Cel | ((left: L, right: R, ...bounds: Bounds<V>) => unknown);
type Select<L, R, V = undefined> = SelectCode<L, R, V> | { readonly [field: string]: SelectCode<L, R, V> };
/** Whether a row of a table join holds from now on, or no longer. */
export type Change = 'insert' | 'retract';
type ChangeCode<L, R> = Cel | ((left: L, right: R, change: Change) => unknown);
type ChangeSelect<L, R> = ChangeCode<L, R> | { readonly [field: string]: ChangeCode<L, R> };
export type RowsOptions<E> = {
  /** Tells the rows of a key apart: a field, a function or CEL. */
  readonly id: (keyof E & string) | EventCode<E, unknown>;
  /** Changes for which it holds say that the row is deleted. */
  readonly deleted?: EventCode<E, boolean>;
};
type TableSideOptions<E> = {
  /** Tells rows of one key apart: a field, a function or CEL. Absent: a key has one row. */
  readonly id?: (keyof E & string) | EventCode<E, unknown>;
  /** Changes for which it holds say that the row is deleted. */
  readonly deleted?: EventCode<E, boolean>;
};
export type TableJoinOptions<L, R> = {
  /** Rows of this side. */ readonly left?: TableSideOptions<L>;
  /** Rows of the other side. */ readonly right?: TableSideOptions<R>;
  /** rows (when absent): each row of the result that is new. changes: also each that no longer holds, before what takes its place. */
  readonly emit?: 'rows' | 'changes';
};
/** What a join whose table options do not fit is told. */
type NoTable = Mistake<'a table join takes { left: { id, deleted }, right: { id, deleted }, emit }'>;
/** A changelog of rows by key, looked up by event time. */
export type TemporalOptions<R> = {
  /** How much later than the watermark a row may come and still be seen; each event waits that much longer. None when absent. */
  readonly grace?: string;
  /** Rows for which it holds say that their key is deleted. */
  readonly deleted?: EventCode<R, boolean>;
  /** A row that is older than this at the time of an event is as none. */
  readonly validFor?: string;
};
type KeyedBy<O> = O extends Keyed<infer R> ? R : never;
type CheckKeyed<O> =
  O extends Keyed<unknown> ? unknown : Mistake<"the other side of a join needs a key: write .join(other.keyBy('field'), …)">;
export type JoinType = 'inner' | 'left' | 'right' | 'full';
/** The side of an outer join that has no partner is null. */
type Left<L, T> = T extends 'right' | 'full' ? L | null : L;
type Right<R, T> = T extends 'left' | 'full' ? R | null : R;
type NeedsBound<W, V> = W extends string
  ? unknown
  : V extends Window
    ? unknown
    : Mistake<"a join needs its time bound: { within: '10m' } lets events match whose times differ by at most 10 minutes; { window: tumbling('1h') } those of one window; { temporal: {} } gives each event the row that was valid at its time">;
/** What a join whose temporal options do not fit is told. */
type NoTemporal =
  Mistake<'a temporal join takes { grace, deleted, validFor } and is inner or left: rows wait for events, none of them is ever without a match'>;
type Joined<L, R, S, V = undefined> = undefined extends S
  ? V extends Window
    ? { left: L; right: R; windowStartMs: number; windowEndMs: number }
    : { left: L; right: R }
  : EventOf<S>;
