// The image of a partition's state as it goes to the blob store: as the state was when the image was begun, made piece by piece while
// steps go on. Its bytes: image-codec.ts.
//
//   SI1. A block takes about `blockBytes`, however large cells are: how many items it has follows from what those of the block before
//        took. One item is never divided.

import { assert } from '../base/assert.ts';
import type { Timer } from '../transforms/transform.ts';
import { encodeChanges } from './change-codec.ts';
import type { FrozenCells } from './frozen-cells.ts';
import { imageBlock, imageEnd, imageHead } from './image-codec.ts';

/** About a millisecond of encoding, and small beside what the store has under way. */
export const IMAGE_BLOCK_BYTES = 256 * 1024;
/** Of the first block of a transform, of which nothing is known yet. */
const FIRST_ITEMS_MAX = 64;
const FIRST_ITEM_BYTES = 64;

export type FrozenNode = { readonly id: string; readonly cells: FrozenCells; readonly timers: readonly Timer[] };

const NO_TIMERS: readonly Timer[] = [];

export class StateImage {
  readonly #nodes: readonly FrozenNode[];
  readonly #onEnd: (bytes: number | null) => void;
  #isTaken = false;
  #isClosed = false;

  /** `onEnd` is told of how many bytes its blocks had; null: not all were given. */
  constructor(nodes: readonly FrozenNode[], onEnd: (bytes: number | null) => void) {
    this.#nodes = nodes;
    this.#onEnd = onEnd;
  }

  /** Its bytes; once. It is closed when they were given, or their taker stops. */
  *chunks(blockBytes: number = IMAGE_BLOCK_BYTES): IterableIterator<Uint8Array> {
    assert(!this.#isTaken, 'an image is given once');
    this.#isTaken = true;
    let bytes = 0;
    try {
      yield imageHead();
      for (const node of this.#nodes) {
        for (const block of blocksOf(node, blockBytes)) {
          bytes += block.length;
          yield* imageBlock(block);
        }
      }
      this.#close(bytes);
      yield imageEnd();
    } finally {
      this.#close(null);
    }
  }

  /** Nobody wants it, or the rest of it: the state need not be kept as it was. */
  close(): void {
    this.#close(null);
  }

  #close(bytes: number | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onEnd(bytes);
  }
}

/** At least one: that there is such a transform is state too. */
function* blocksOf({ id, cells, timers }: FrozenNode, blockBytes: number): IterableIterator<Uint8Array> {
  let itemsMax = Math.max(1, Math.min(FIRST_ITEMS_MAX, Math.floor(blockBytes / FIRST_ITEM_BYTES)));
  let timersAt = 0;
  for (let isFirst = true; ; isFirst = false) {
    const namespaces = cells.take(itemsMax);
    const set = namespaces.length > 0 ? NO_TIMERS : timers.slice(timersAt, timersAt + itemsMax);
    timersAt += set.length;
    if (namespaces.length === 0 && set.length === 0 && !isFirst) return;
    const block = encodeChanges([{ nodeId: id, cells: { drops: [], namespaces }, timers: { cleared: [], set } }]);
    yield block;
    itemsMax = Math.max(1, Math.min(itemsMax * 2, Math.floor((itemsMax * blockBytes) / block.length))); // SI1
  }
}
