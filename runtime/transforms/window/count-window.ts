// Count windows: a result of a key after every so many of its events, over so many.
//
// Cells: (1 + place, key) → PieceCell; and where windows overlap, (0, key) → the number of the piece that is being filled.
// Pieces are as long as the greatest common divisor of size and distance, so a window is a whole number of them and an event is added to
// one only. A window's pieces have their places in a ring: the next piece takes the place of the one that no window needs any more.
//   E1. Events count in the order in which they come (behind an order node: of their times). None is late.
//   E2. After each `every` events of a key a result comes of its last `size` events; of all while there are fewer.
//   E3. With `orAfterMs` what there is becomes a result too, when the watermark has passed the time of its first event by so much. The
//       next event begins a new window. Only windows that do not overlap have it.
//   E6. A key that expires (actor/expiring.ts) is forgotten with its windows, and begins anew with number 0. What is in no result yet is one
//       then, of fewer events, when it is asked for, or due by E3: a key may expire before the watermark says so. Else it is in none, as at
//       the end of the input.
//   E4. The results of a key are numbered from 0. Bounds are the times of the earliest event and, exclusively, of the latest.
//   E5. A result's time is that of its latest event, or of what made it due; never one that the watermark has passed.

import { assert } from '../../base/assert.ts';
import { greatestCommonDivisor } from '../../base/greatest-common-divisor.ts';
import type { Expirable } from '../actor/expiring.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import type { CompiledWindow, OpPlan } from '../../plan/physical-plan.ts';
import type { KeyedCells } from '../../state/keyed-cells.ts';
import { compileAggregates } from '../aggregate/aggregates.ts';
import type { Aggregates, Cell } from '../aggregate/aggregates.ts';
import { keysOf } from '../batch-keys.ts';
import { failEvent } from '../failure.ts';
import type { WindowFigures } from '../figures.ts';
import type { RestoreContext, StepContext, Timer } from '../transform.ts';
import { WindowResults } from './window-results.ts';

type WindowOp = Extract<OpPlan, { kind: 'window' }>;
type Shape = Extract<CompiledWindow, { kind: 'count' }>;
/** Its number from 0 says which one it is: the place alone does not. */
type PieceCell = [number: number, events: number, firstMs: number, lastMs: number, figures: Cell];

const FILLED = 0;
const RING = 1;
const TIMER = 'orAfter';

export class CountWindow implements Expirable {
  readonly carriesTraces = true;
  readonly absorbs = true;
  readonly stateAt = RING; // the first place of the ring is filled first, and stays
  readonly #givesExpired: boolean;
  readonly #aggregates: Aggregates;
  readonly #results: WindowResults;
  readonly #orAfterMs: number | null;
  /** Events of a piece; pieces of a window; pieces from one result to the next. */
  readonly #pieceEvents: number;
  readonly #windowPieces: number;
  readonly #stepPieces: number;
  /** Keys whose traced events up to a time are in their last result. */
  readonly #told = new Map<Key, number>();

  constructor({ size, every, orAfterMs }: Shape, op: WindowOp) {
    assert(size > 0 && every > 0 && every <= size, 'windows have a length and a distance');
    assert(orAfterMs === null || every === size, 'a time bound is of windows that do not overlap');
    this.#pieceEvents = greatestCommonDivisor(size, every);
    this.#windowPieces = size / this.#pieceEvents;
    this.#stepPieces = every / this.#pieceEvents;
    this.#orAfterMs = orAfterMs;
    this.#givesExpired = op.state?.emits === true;
    this.#aggregates = compileAggregates(op.aggregates);
    this.#results = new WindowResults(this.#aggregates, op);
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    if (batch.traces !== undefined) context.contributors.add(batch);
    let added = 0;
    for (let i = 0; i < keys.length; i++) if (this.#add(batch, i, keys[i]!, context)) added++;
    context.countAbsorbed(added);
    this.#emit(context);
  }

  onTimer({ key, atMs }: Timer, context: StepContext): void {
    const piece = this.#filledOf(key, context.cells);
    assert(piece[1] > 0, 'a window that is due has events');
    this.#give(key, piece, Math.max(piece[3], atMs), context);
  }

  /** E6. */
  expired(_cell: Value, key: Key, timeMs: number, context: StepContext): null {
    const { cells } = context;
    const piece = this.#filledOf(key, cells);
    const isDue = this.#orAfterMs !== null && timeMs >= piece[2] + this.#orAfterMs;
    if ((this.#givesExpired || isDue) && (piece[1] > 0 || piece[0] % this.#stepPieces > 0)) {
      const pieces = this.#windowOf(key, piece, cells).filter(([, events]) => events > 0);
      const [firstMs, lastMs] = [Math.min(...pieces.map((one) => one[2])), Math.max(...pieces.map((one) => one[3]))];
      const number = Math.floor(piece[0] / this.#stepPieces);
      this.#results.addCount(key, this.#sumOf(pieces), { bounds: [firstMs, lastMs + 1], timeMs: Math.max(lastMs, timeMs), number });
    }
    for (let place = 0; place < this.#windowPieces; place++) cells.delete(RING + place, key);
    if (this.#windowPieces > 1) cells.delete(FILLED, key);
    if (!context.contributors.isEmpty) this.#told.set(key, Infinity);
    return null;
  }

  give(context: StepContext): void {
    this.#emit(context);
  }

  onPause(context: StepContext): void {
    this.#emit(context);
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#emit(context);
    context.emitWatermark(watermark);
  }

  /** Open are the keys: each counts for itself. */
  figures({ cells }: RestoreContext): WindowFigures {
    return { kind: 'windows', open: cells.size(this.#windowPieces === 1 ? RING : FILLED), spans: [], results: this.#results.given };
  }

  /** False: the event is a dead letter. */
  #add(batch: Batch, index: number, key: Key, context: StepContext): boolean {
    const { cells } = context;
    const timeMs = batch.times[index]!;
    const piece = this.#filledOf(key, cells);
    try {
      this.#aggregates.add(piece[4], batch.values[index], key, timeMs, context.nowMs);
    } catch (error) {
      failEvent(context, batch, index, error);
      return false;
    }
    const isFirst = piece[1] === 0;
    piece[1]++;
    piece[2] = isFirst ? timeMs : Math.min(piece[2], timeMs);
    piece[3] = isFirst ? timeMs : Math.max(piece[3], timeMs);
    cells.put(this.#placeOf(piece[0]), key, piece);
    if (piece[1] === this.#pieceEvents) this.#complete(key, piece, context);
    else if (isFirst && this.#orAfterMs !== null) context.setTimer({ key, id: TIMER, atMs: timeMs + this.#orAfterMs, data: null });
    return true;
  }

  #complete(key: Key, piece: PieceCell, context: StepContext): void {
    if ((piece[0] + 1) % this.#stepPieces !== 0) {
      this.#begin(key, piece[0] + 1, context.cells);
      return;
    }
    if (this.#orAfterMs !== null && this.#pieceEvents > 1) context.clearTimer(key, TIMER);
    this.#give(key, piece, piece[3], context);
  }

  /** E2: the result of the window that ends with `piece`. The next piece begins. */
  #give(key: Key, piece: PieceCell, timeMs: number, context: StepContext): void {
    const pieces = this.#windowOf(key, piece, context.cells);
    const firstMs = Math.min(...pieces.map((one) => one[2]));
    const lastMs = Math.max(...pieces.map((one) => one[3]));
    const notBeforeMs = Number.isFinite(context.watermark) ? context.watermark + 1 : timeMs;
    this.#results.addCount(key, this.#sumOf(pieces), {
      bounds: [firstMs, lastMs + 1],
      timeMs: Math.max(lastMs, timeMs, notBeforeMs),
      number: (piece[0] + 1) / this.#stepPieces - 1,
    });
    if (!context.contributors.isEmpty) this.#told.set(key, this.#windowPieces === 1 ? lastMs + 1 : firstMs);
    this.#begin(key, piece[0] + 1, context.cells);
  }

  /** Pieces of the window that ends with `piece`, the oldest first. */
  #windowOf(key: Key, piece: PieceCell, cells: KeyedCells): readonly PieceCell[] {
    const pieces: PieceCell[] = [];
    for (let number = Math.max(0, piece[0] - this.#windowPieces + 1); number < piece[0]; number++)
      pieces.push(cells.get(this.#placeOf(number), key) as PieceCell);
    return [...pieces, piece];
  }

  #sumOf(pieces: readonly PieceCell[]): Cell {
    const [only] = pieces;
    if (pieces.length === 1) return only![4];
    const sum = this.#aggregates.init();
    for (const piece of pieces) this.#aggregates.merge(sum, piece[4]);
    return sum;
  }

  #filledOf(key: Key, cells: KeyedCells): PieceCell {
    const number = this.#windowPieces === 1 ? 0 : ((cells.get(FILLED, key) as number | undefined) ?? 0);
    const found = cells.get(this.#placeOf(number), key) as PieceCell | undefined;
    return found ?? [number, 0, 0, 0, this.#aggregates.init()];
  }

  #begin(key: Key, number: number, cells: KeyedCells): void {
    if (this.#windowPieces > 1) cells.put(FILLED, key, number);
    cells.put(this.#placeOf(number), key, [number, 0, 0, 0, this.#aggregates.init()] satisfies PieceCell);
  }

  #placeOf(number: number): number {
    return RING + (number % this.#windowPieces);
  }

  #emit(context: StepContext): void {
    if (this.#results.count > 0) context.emit(this.#results.take(context));
    for (const [key, timeMs] of this.#told) context.contributors.forgetOf(key, timeMs);
    this.#told.clear();
  }
}
