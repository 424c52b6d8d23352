// Bytes of an image of a partition's state in the blob store: written and read in blocks, so that nobody ever holds all of them.
//
//   "MRI", version · (u32 length, block) … · u32 0            numbers are little-endian
//
//   I1. A block is a delta (change-codec.ts) to what the blocks before it have made; the first one is a delta to an empty state.
//   I2. Without the end mark it is torn. What is torn, or is no image, is told as MR2106, whatever it looks like.
//   I3. Bytes that begin otherwise are one delta: so images were written before, and so they still lie in records when they are small.

import { MillraceError, isError } from '../base/errors.ts';

const MAGIC = Buffer.from('MRI');
const VERSION = 2;
const HEAD_BYTES = MAGIC.length + 1;
const LENGTH_BYTES = 4;

export function imageHead(): Uint8Array {
  return Buffer.from([...MAGIC, VERSION]);
}

/** The block as it travels: its length, then itself. */
export function imageBlock(block: Uint8Array): readonly [length: Uint8Array, block: Uint8Array] {
  return [lengthOf(block.length), block];
}

export function imageEnd(): Uint8Array {
  return lengthOf(0);
}

type ImagePart = 'head' | 'length' | 'block' | 'nothing' | 'one delta';

/** Takes an image apart: chunks go in as they come, blocks come out as soon as they are whole. */
export class ImageBlocks {
  readonly #onBlock: (block: Uint8Array) => void;
  #awaited: ImagePart = 'head';
  #needed = HEAD_BYTES;
  /** What has come of what is awaited. */
  #pieces: Uint8Array[] = [];
  #held = 0;

  constructor(onBlock: (block: Uint8Array) => void) {
    this.#onBlock = onBlock;
  }

  /** Throws MR2106. */
  take(chunk: Uint8Array): void {
    const all = chunk.length;
    for (let at = 0; at < all;) {
      const part = chunk.subarray(at, at + this.#needed - this.#held);
      at += part.length;
      this.#pieces.push(part);
      this.#held += part.length;
      if (this.#held === this.#needed) this.#met(this.#gathered());
    }
  }

  /** All chunks were given. Throws MR2106 when more had to come. */
  end(): void {
    const isShort = this.#awaited === 'head' && this.#held > 0 && this.#pieces[0]?.[0] !== MAGIC[0];
    if (this.#awaited === 'one delta' || isShort) this.#block(this.#gathered());
    else if (this.#awaited !== 'nothing') throw damaged('its end is missing');
  }

  #met(bytes: Buffer): void {
    switch (this.#awaited) {
      case 'head':
        return this.#head(bytes);
      case 'length': {
        const length = bytes.readUInt32LE(0);
        return length === 0 ? this.#await('nothing', 1) : this.#await('block', length);
      }
      case 'block':
        this.#block(bytes);
        return this.#await('length', LENGTH_BYTES);
      case 'nothing':
        throw damaged('something follows its end');
      case 'one delta':
        throw damaged('it is too large');
    }
  }

  #head(bytes: Buffer): void {
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
      this.#await('one delta', Infinity);
      this.#pieces = [bytes];
      this.#held = bytes.length;
      return;
    }
    const version = bytes[MAGIC.length] as number;
    if (version !== VERSION) throw damaged(`it has version ${version}, and this release reads version ${VERSION}`);
    this.#await('length', LENGTH_BYTES);
  }

  /** What is no delta fails in whatever way it likes. That a value of the state cannot be read back (MR2112) is no fault of the block. */
  #block(bytes: Uint8Array): void {
    try {
      this.#onBlock(bytes);
    } catch (error) {
      throw isError(error, 'MR2106') || isError(error, 'MR2112') ? error : damaged('a block of it is no state', error);
    }
  }

  #await(awaited: ImagePart, needed: number): void {
    this.#awaited = awaited;
    this.#needed = needed;
  }

  #gathered(): Buffer {
    const [only] = this.#pieces;
    const bytes =
      this.#pieces.length === 1 && only !== undefined
        ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
        : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#held = 0;
    return bytes;
  }
}

function lengthOf(bytes: number): Uint8Array {
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(bytes);
  return length;
}

function damaged(problem: string, cause?: unknown): MillraceError<'MR2106'> {
  return new MillraceError('MR2106', { task: 'state', problem }, cause);
}
