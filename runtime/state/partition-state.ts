// All state of one partition of a stage: cells and timers of each of its transforms.
//
//   PS1. State after a checkpoint and all later deltas, applied in order, equals the state that wrote them.
//   PS2. A checkpoint holds no change that a delta still has to give: take the delta first.
//   PS3. Where memory for values is bounded, room is made whenever a delta was taken or applied: in between nothing goes.

import { assert } from '../base/assert.ts';
import type { Key, Value } from '../event/batch.ts';
import { TimerQueue } from '../time/timer-queue.ts';
import type { Timer } from '../transforms/transform.ts';
import { PLAIN_CELL } from './cell-changes.ts';
import type { NodeChanges } from './change-codec.ts';
import { decodeChanges, encodeChanges } from './change-codec.ts';
import { ImageBlocks } from './image-codec.ts';
import type { KeyedCells } from './keyed-cells.ts';
import { LiveCells } from './live-cells.ts';
import { SpilledValues } from './spilled-values.ts';
import { StateImage } from './state-image.ts';
import { TraceCells } from './trace-cells.ts';
import type { ValueMemory } from './value-memory.ts';

/** Behind the id of a transform, and no transform has such an id: what is kept beside its own cells. Of the traces of its events … */
const TRACES = '\u0000traces';
/** … and of events that wait before it. */
const WAITING = '\u0000waiting';

type Node = { readonly id: string; readonly cells: LiveCells; readonly timers: TimerQueue };

/** Bytes of a cell, list item or timer until the first delta or checkpoint has shown what they really take. */
const ITEM_BYTES_GUESS = 64;

export class PartitionState {
  readonly #nodes = new Map<string, Node>();
  #itemBytes = ITEM_BYTES_GUESS;
  #isImaged = false;
  /** Null: all values are in memory. */
  readonly #memory: ValueMemory | null;
  readonly #spilled: SpilledValues | null;
  readonly #leave: (() => void) | undefined;
  #isClosed = false;

  constructor(memory: ValueMemory | null = null) {
    this.#memory = memory;
    this.#spilled = memory === null ? null : new SpilledValues(memory);
    this.#leave = memory?.add(this);
  }

  /** Cells of a transform. The same object every time: keep it. */
  cells(nodeId: string): KeyedCells {
    return this.#node(nodeId).cells;
  }

  /** What is kept of the traces of events that the transform's state is made of, beside its cells. Ask when all was restored. */
  traces(nodeId: string): TraceCells {
    const id = nodeId + TRACES;
    return new TraceCells(this.#nodes.get(id)?.cells ?? null, () => this.#node(id).cells);
  }

  /** Cells of events that wait before a transform; `isNeeded` false: null when there are none. */
  waiting(nodeId: string, isNeeded: boolean): KeyedCells | null {
    const cells = this.#nodes.get(nodeId + WAITING)?.cells;
    if (cells === undefined) return isNeeded ? this.#node(nodeId + WAITING).cells : null;
    return isNeeded || cells.size() > 0 ? cells : null;
  }

  setTimer(nodeId: string, timer: Timer): void {
    this.#node(nodeId).timers.set(timer);
  }

  clearTimer(nodeId: string, key: Key, id: string): void {
    this.#nodes.get(nodeId)?.timers.clear(key, id);
  }

  timersOf(nodeId: string, key: Key): readonly Timer[] {
    return this.#nodes.get(nodeId)?.timers.of(key) ?? [];
  }

  /** Takes out the transform's earliest timer with atMs <= watermark, in (atMs, key, id) order; null when none is due. */
  popDue(nodeId: string, watermark: number): Timer | null {
    return this.#nodes.get(nodeId)?.timers.popDue(watermark) ?? null;
  }

  /** Time of the transform's earliest timer, or Infinity. */
  nextDueMs(nodeId: string): number {
    return this.#nodes.get(nodeId)?.timers.nextDueMs() ?? Infinity;
  }

  /** What a transform keeps of one key, of its earliest `cellsMax` cells: to be looked at only. */
  look(
    nodeId: string,
    key: Key,
    cellsMax: number,
  ): { readonly cells: readonly (readonly [number, Value])[]; readonly timers: readonly Timer[] } {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return { cells: [], timers: [] };
    const cells: (readonly [number, Value])[] = [];
    for (const namespace of node.cells.namespaces()) {
      const cell = node.cells.get(namespace, key);
      if (cell !== undefined && cells.push([namespace, cell]) >= cellsMax) break;
    }
    return { cells, timers: node.timers.of(key) };
  }

  /** All changes since the last take, cells as they are now; null when there are none. Throws MR2112 when a value could not be read since
   *  the state was made, whoever has caught that. */
  takeDelta(): Uint8Array | null {
    this.#spilled?.check();
    const changes: NodeChanges[] = [];
    for (const { id, cells, timers } of this.#nodes.values()) {
      if (!cells.isChanged && !timers.isChanged) continue;
      const taken: NodeChanges = { nodeId: id, cells: cells.takeChanges(), timers: timers.takeChanges() };
      if (!isEmpty(taken)) changes.push(taken);
    }
    const bytes = changes.length === 0 ? null : encodeChanges(changes);
    if (bytes !== null) this.#learnItemBytes(bytes.length, countItems(changes));
    this.#settle();
    return bytes;
  }

  /** Applies a delta that `takeDelta` of the same history gave. */
  applyDelta(bytes: Uint8Array): void {
    assert(!this.#isChanged(), 'a delta is applied to state that has changes of its own');
    for (const { nodeId, cells, timers } of decodeChanges(bytes)) {
      const node = this.#node(nodeId);
      node.cells.applyChanges(cells);
      node.timers.applyChanges(timers);
    }
    this.#settle();
  }

  /** Drops cells, timers and traces of all transforms but `nodeIds`, as changes of this state. True: there were some. */
  keepOnly(nodeIds: ReadonlySet<string>): boolean {
    let isDropped = false;
    for (const { id, cells, timers } of this.#nodes.values()) {
      if (nodeIds.has(id.split('\u0000', 1)[0] as string)) continue;
      isDropped = true;
      for (const namespace of cells.namespaces()) cells.drop(namespace);
      for (const { key, id: timer } of Array.from(timers.all())) timers.clear(key, timer);
    }
    return isDropped;
  }

  /** True while changes wait to be taken. */
  get isChanged(): boolean {
    return this.#isChanged();
  }

  /** All of the state in one piece, for a record; `restore` reads it. Changes must have been taken before (PS2). */
  checkpoint(): Uint8Array {
    assert(!this.#isChanged(), 'checkpoint before the delta was taken');
    const image = [...this.#nodes.values()].map(({ id, cells, timers }) => ({
      nodeId: id,
      cells: cells.image(),
      timers: { cleared: [], set: [...timers.all()] },
    }));
    const bytes = encodeChanges(image);
    this.#learnItemBytes(bytes.length, this.#itemCount());
    return bytes;
  }

  static restore(bytes: Uint8Array, memory: ValueMemory | null = null): PartitionState {
    const state = new PartitionState(memory);
    state.applyDelta(bytes);
    state.#learnItemBytes(bytes.length, state.#itemCount());
    return state;
  }

  /** All of the state as it is now, in pieces, for the blob store; `reading` reads it. Changes must have been taken before (PS2). Until
   *  it is closed there is no other one. */
  image(): StateImage {
    assert(!this.#isChanged(), 'an image before the delta was taken');
    assert(!this.#isImaged, 'one image at a time');
    this.#isImaged = true;
    this.#spilled?.hold();
    const items = this.#itemCount();
    const frozen = [...this.#nodes.values()];
    const nodes = frozen.map(({ id, cells, timers }) => ({ id, cells: cells.freeze(), timers: [...timers.all()] }));
    return new StateImage(nodes, (bytes) => {
      for (const { cells } of frozen) cells.thaw();
      this.#isImaged = false;
      this.#spilled?.release();
      if (this.#isClosed) this.#spilled?.close();
      if (bytes !== null) this.#learnItemBytes(bytes, items);
    });
  }

  /** An image is under way. */
  get isImaged(): boolean {
    return this.#isImaged;
  }

  /** A state that is made of the chunks of an image, given to `take` as they come. Both throw MR2106. */
  static reading(memory: ValueMemory | null = null): { readonly take: (chunk: Uint8Array) => void; readonly end: () => PartitionState } {
    const state = new PartitionState(memory);
    let bytes = 0;
    const blocks = new ImageBlocks((block) => {
      bytes += block.length;
      state.applyDelta(block);
    });
    const end = (): PartitionState => {
      blocks.end();
      state.#learnItemBytes(bytes, state.#itemCount());
      return state;
    };
    return { take: (chunk) => blocks.take(chunk), end };
  }

  /** About how many bytes the values in memory take, as they are encoded. Cheap. */
  get valueBytes(): number {
    let bytes = 0;
    for (const { cells } of this.#nodes.values()) bytes += cells.valueBytes;
    return bytes;
  }

  /** About how many bytes of values came to memory or changed since the last delta. Cheap. */
  get touchedBytes(): number {
    if (this.#memory === null) return 0;
    let bytes = 0;
    for (const { cells } of this.#nodes.values()) bytes += cells.touchedBytes;
    return bytes;
  }

  /** How many bytes a step may touch and give before it is to end. */
  get stepBytesMax(): number {
    return this.#memory?.stepBytesMax ?? Infinity;
  }

  /** Takes values out of memory until about `bytesMax` are left there. Throws what the store fails with. */
  spill(bytesMax: number): void {
    const share = bytesMax / this.valueBytes;
    for (const { cells } of this.#nodes.values()) cells.spill(cells.valueBytes * share);
  }

  /** What values that are not in memory take on disk. */
  get diskBytes(): number {
    return this.#spilled?.bytes ?? 0;
  }

  /** Nobody needs it any more, but for an image that is under way: what lies on disk goes. */
  close(): void {
    this.#isClosed = true;
    this.#leave?.();
    if (!this.#isImaged) this.#spilled?.close();
  }

  /** About how many bytes a checkpoint would have now: cells, list items and timers times what they took lately. Cheap. */
  bytesEstimate(): number {
    return Math.round(this.#itemCount() * this.#itemBytes);
  }

  #node(id: string): Node {
    let node = this.#nodes.get(id);
    if (node === undefined) {
      node = { id, cells: new LiveCells(this.#spilled), timers: new TimerQueue() };
      this.#nodes.set(id, node);
    }
    return node;
  }

  /** PS3. */
  #settle(): void {
    if (this.#memory === null) return;
    for (const { cells } of this.#nodes.values()) cells.settle();
    this.#memory.relieve();
  }

  #isChanged(): boolean {
    for (const { cells, timers } of this.#nodes.values()) if (cells.isChanged || timers.isChanged) return true;
    return false;
  }

  #itemCount(): number {
    let count = 0;
    for (const { cells, timers } of this.#nodes.values()) count += cells.weight + timers.size;
    return count;
  }

  /** A running mean, weighted by how much of the state was seen. */
  #learnItemBytes(bytes: number, items: number): void {
    if (items === 0) return;
    const weight = Math.min(1, items / Math.max(1, this.#itemCount()));
    this.#itemBytes += (bytes / items - this.#itemBytes) * weight;
  }
}

function isEmpty({ cells, timers }: NodeChanges): boolean {
  return cells.drops.length === 0 && cells.namespaces.length === 0 && timers.cleared.length === 0 && timers.set.length === 0;
}

function countItems(changes: readonly NodeChanges[]): number {
  let count = 0;
  for (const { cells, timers } of changes) {
    count += timers.set.length;
    for (const { puts } of cells.namespaces) count += putWeight(puts);
  }
  return count;
}

function putWeight(puts: readonly unknown[]): number {
  let weight = 0;
  for (let i = 0; i < puts.length; i += 3) weight += puts[i + 1] === PLAIN_CELL ? 1 : (puts[i + 2] as readonly unknown[]).length;
  return weight;
}
