// The contract of every transform: how it meets events, time and state inside one step.
//
// A step is synchronous: the task pushes batches into the nodes of its stage in order, then advances the watermark.
//   T1. A transform never waits, reads no clock, draws no chance but what the context gives.
//   T2. All state that must survive lies in the cells and timers that the context gives; fields hold only what can
//       be rebuilt from them (rebuilt in `restored`).
//   T3. What fails for one event becomes a dead letter for that event only; the others go on.
//   T6. What waits for the clock lies in cells, and is given on when the task wakes it; no watermark passes it meanwhile.
//   T5. Each event that it takes in has one end, and the transform says which (`absorbs`): what is said of none is lost.
//   T4. A transform emits only through `out`; batches that it emits are not changed afterwards (B2).

import type { TraceContext } from '../base/trace-context.ts';
import type { Batch, DeadLetter, Key, Value } from '../event/batch.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import type { Attributes } from '../telemetry/span.ts';
import type { Answer, Asks } from './outside.ts';
import type { Contributors } from './contributors.ts';
import type { TransformFigures } from './figures.ts';

export interface Transform {
  /** Events of one input side, in arrival order; `side` is 'left' but for the right input of a join. */
  onBatch(batch: Batch, context: StepContext, side: 'left' | 'right'): void;
  /** The input watermark rose to `watermark` (Infinity: input ended). Called after the events before it. Must forward
   *  through context.emitWatermark what may be promised downstream. Absent: forwards it unchanged. A transform that may have much to
   *  give in one rise goes up to a lower watermark, which it returns, and is called again. */
  onWatermark?(watermark: number, context: StepContext): number | void;
  /** In the stage of a source that is idle: so much time went by on the clock, since its last event or the last such call. Only where
   *  the source says that event time is to go on meanwhile (`idle.closeAfter`). */
  onQuiet?(passedMs: number, context: StepContext): void;
  /** It gives out a time that follows the clock: called at the beginning of each step, before its events. Such a transform is never idle,
   *  and a task wakes for what is due behind it. */
  onClock?(context: StepContext): void;
  /** A timer of this transform is due. Called in (time, key, id) order, before onWatermark of the same rise. */
  onTimer?(timer: Timer, context: StepContext): void;
  /** Called between two timers of a rise, when the step may end there: emits what it keeps for later in fields (T2). Absent: no step
   *  ends before all that are due have fired. */
  onPause?(context: StepContext): void;
  /** The watermark at which something of it is due that is no timer; Infinity: nothing is. Asked where its time is the clock's. */
  nextDueMs?(): number;
  /** After a restore, before the first event: rebuild what is derived from cells. */
  restored?(context: RestoreContext): void;
  /** It gives what it emits the traces of the events that caused it, by `Batch.traces`. Absent: a traced event comes to
   *  `onBatch` alone, and what is emitted meanwhile is its. */
  readonly carriesTraces?: true;
  /** What it takes in goes into its state for good, which it tells by `countAbsorbed`, and what it gives are new events. Absent: it
   *  gives each event on, or tells that it is filtered, late or a dead letter. */
  readonly absorbs?: true;
  /** Events that it keeps to give them on later as they are, told by its cells. Absent: none. */
  held?(): number;
  /** How many more events it may keep until the watermark lets them go: with none left it is crowded, and of its inputs only those are read on
   *  that hold the watermark back. Absent: as many as come. */
  readonly room?: number;
  /** It keeps events for something else than the watermark. Absent: it never does. */
  readonly waits?: Waits;
  /** It asks something outside of the job. Absent: it never does. */
  readonly asks?: Asks;
  /** What people may see of it, between two steps. Changes nothing. */
  figures?(context: RestoreContext): TransformFigures;
}

/** What waits for a time of the clock, or for what is outside (T6). */
export interface Waits {
  /** When it wants to be woken, wall-clock ms; Infinity: not by the clock. */
  nextMs(): number;
  /** The clock has come to `upToMs`. */
  wake(upToMs: number, context: StepContext): void;
  /** Events wait: input that has ended is not yet processed to its end. */
  readonly isHolding: boolean;
  /** So much waits that its task is to take nothing more in. */
  readonly isFull: boolean;
}

/** The output for late events. */
export const LATE = 'late';

/** The output for state that expired. */
export const EXPIRED = 'expired';

/** The output for what actors of a machine send each other: it comes back as the machine's right side. */
export const SENT = '*sent';

/** The output for changes of tables that are streams: it leads to the transform that reads them. */
export const ROWS = '*rows';

/** A durable event-time timer of one key of one transform. Same key and id: replaced. */
export type Timer = {
  readonly key: Key;
  readonly id: string;
  readonly atMs: number;
  /** Plain data given back when due. */ readonly data: Value;
};

/** One place, or that of each event; null: unknown. */
export type Places = string | { of(event: Value): string | null } | null;

export interface StepContext {
  /** Id of the transform that is called. */
  readonly nodeId: string;
  /** Watermark of this node's input before the current rise. */
  readonly watermark: number;
  /** Watermark that it has promised downstream. */
  readonly emitted: number;
  /** Watermark that the current rise leads to: Infinity tells a timer that the input has ended. Equals `watermark` between rises. */
  readonly watermarkNext: number;
  /** How often what is worked on has come back to its stage by a declared feedback. */
  readonly rounds: number;
  /** Wall-clock ms of this step, equal for all its events. */
  readonly nowMs: number;
  /** Earliest ingestion among what this step works on, ms. */
  readonly ingestMs: number;
  /** About how many bytes of results this step has room for. Where a transform may stop in a rise it stops behind that, but gives something. */
  readonly bytesLeft: number;
  /** This transform's keyed cells in this partition. */
  readonly cells: KeyedCells;
  /** Emits on the main output, or on a named one (`late`, a machine's output). */
  emit(batch: Batch, output?: string): void;
  emitWatermark(watermark: number): void;
  setTimer(timer: Timer): void;
  clearTimer(key: Key, id: string): void;
  /** Clears all timers of a key. */
  clearTimers(key: Key): void;
  /** Timers of a key that are set, in no order; what fires now is none any more. */
  timersOf(key: Key): readonly Timer[];
  /** Where an event that `onBatch` got came from, for dead letters; null: it is not known. Costs when it is asked for. */
  placeOf(event: Value): string | null;
  /** What is emitted or refused from now on in this call comes from there: of events that waited. */
  cameFrom(places: Places): void;
  /** `trace`: of the event, where `onBatch` got it among others. `cause`: what was thrown, where something was; the stage's onError
   *  then says what becomes of it. */
  deadLetter(letter: Omit<DeadLetter, 'at'>, trace?: TraceContext, cause?: unknown): void;
  /** Counts events that a window refused as late (they also go to the output `late`). */
  countLate(events: number): void;
  /** Counts events that were dropped on purpose (filter, sample, dedupe), for the conservation figures. */
  countFiltered(events: number): void;
  /** Counts events that went into the state, of a transform that absorbs. */
  countAbsorbed(events: number): void;
  /** Counts events that the transform made and did not emit: what becomes a dead letter and was not taken in. */
  countMade(events: number): void;
  /** The trace of the one event or timer that is worked on; null: it is not traced, or comes among others. */
  readonly trace: TraceContext | null;
  /** Tells the trace what happened to it. */
  note(name: string, attributes: Attributes): void;
  /** Tells the trace of an event that waited how often it was asked for outside; gives where that event goes on. */
  asked(trace: TraceContext | null, answer: Answer): TraceContext | null;
  /** Which traced events went into what the transform keeps. */
  readonly contributors: Contributors;
  /** The context of a result of several traced events, which links to them. `identity`: what is the same when it is made again. */
  gathered(from: readonly TraceContext[], identity: string): TraceContext;
  /** Side inputs by name. */
  table(name: string): Table;
  /** Those that are streams, as code sees them; null: it reads none. */
  readonly tables: SideTables | null;
}

export interface RestoreContext {
  readonly nodeId: string;
  readonly watermark: number;
  readonly cells: KeyedCells;
}

/** Tables that are streams, by name: the newest row of each key. */
export type SideTables = Readonly<Record<string, ReadonlyMap<unknown, Value>>>;

/** A side input. */
export interface Table {
  /** The row of `key` (for temporal tables the one valid at `atMs`), or null. */
  lookup(key: Key, atMs: number): Value | null;
  readonly rowCount: number;
  /** sha256 of the file's bytes, hex: the version that this run works with; empty where it is a stream. */
  readonly version: string;
}
