// The bytes of a regular file from its beginning, unpacked, in chunks, one chunk read ahead.
//
// Owns: the file's handle. A file has a version, so that a run which goes on later can tell that it is still the same.

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { MillraceError } from '../../base/errors.ts';
import { GunzipSteps, salvage } from './gunzip.ts';

export type Chunk =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  /** The packed data is broken: nothing behind can be read. */
  | { readonly kind: 'broken'; readonly problem: string };

export type Compression = 'auto' | 'none' | 'gzip';

const READ_BYTES = 131_072;
const VERSION_BYTES = 65_536;

export class FileBytes {
  readonly path: string;
  readonly size: number;
  /** Size, and a hash of both ends of the file. */
  readonly version: string;
  readonly #file: FileHandle;
  readonly #gunzip: GunzipSteps | null;
  #readBytes = 0;
  #outBytes = 0;
  #ready: Chunk[] = [];
  #ahead: Promise<void> | null = null;

  private constructor(
    file: FileHandle,
    options: { readonly path: string; readonly size: number; readonly version: string; readonly packed: boolean },
  ) {
    this.#file = file;
    this.path = options.path;
    this.size = options.size;
    this.version = options.version;
    this.#gunzip = options.packed ? new GunzipSteps() : null;
  }

  /** Rejects with MR1001 when it can't be opened or is no regular file. */
  static async open(path: string, compression: Compression): Promise<FileBytes> {
    const file = await readable(path, () => open(path, 'r'));
    try {
      const stat = await readable(path, () => file.stat());
      if (!stat.isFile()) throw new MillraceError('MR1001', { path, problem: 'it is no regular file' });
      const head = await readable(path, () => readAt(file, 0, VERSION_BYTES));
      const tail = await readable(path, () => readAt(file, Math.max(0, stat.size - VERSION_BYTES), VERSION_BYTES));
      const version = `${stat.size}-${createHash('sha256').update(head).update(tail).digest('hex').slice(0, 16)}`;
      const magic = head[0] === 0x1f && head[1] === 0x8b;
      return new FileBytes(file, { path, size: stat.size, version, packed: compression === 'gzip' || (compression === 'auto' && magic) });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Share of the file that was read, 0 … 1. */
  get progress(): number {
    return this.size === 0 ? 1 : Math.min(1, this.#readBytes / this.size);
  }

  async next(): Promise<Chunk> {
    while (this.#ready.length === 0) await (this.#ahead ?? this.#fill());
    const chunk = this.#ready[0] as Chunk;
    if (chunk.kind !== 'bytes') return chunk; // the end stays the end
    this.#ready.shift();
    if (this.#ready.length === 0) {
      this.#ahead = this.#fill().finally(() => (this.#ahead = null));
      this.#ahead.catch(() => {}); // met again, and thrown, by the next call, which reads the same place again
    }
    return chunk;
  }

  async close(): Promise<void> {
    await this.#ahead?.catch(() => {});
    this.#gunzip?.close();
    await this.#file.close();
  }

  async #fill(): Promise<void> {
    const bytes = await readable(this.path, () => readAt(this.#file, this.#readBytes, READ_BYTES));
    if (this.#gunzip === null) {
      this.#readBytes += bytes.length;
      this.#ready.push(bytes.length === 0 ? { kind: 'end' } : { kind: 'bytes', bytes });
      return;
    }
    const { out, broken } = await this.#gunzip.step(bytes.length === 0 ? null : bytes);
    this.#put(out);
    if (broken !== null) await this.#saveRest(bytes, broken.problem);
    else if (bytes.length === 0) this.#ready.push({ kind: 'end' });
    this.#readBytes += bytes.length;
  }

  #put(out: readonly Buffer[]): void {
    for (const bytes of out) {
      this.#outBytes += bytes.length;
      this.#ready.push({ kind: 'bytes', bytes });
    }
  }

  async #saveRest(last: Buffer, problem: string): Promise<void> {
    const rest = await salvage(this.#from(0, this.#readBytes), last, this.#outBytes);
    this.#put(rest.out);
    const atByte = rest.broken?.atByte ?? this.#readBytes + last.length;
    this.#ready.push({ kind: 'broken', problem: `the gzip data breaks off near byte ${atByte} of ${this.size}: ${problem}` });
  }

  async *#from(from: number, to: number): AsyncGenerator<Buffer> {
    for (let at = from; at < to;) {
      const bytes = await readable(this.path, () => readAt(this.#file, at, Math.min(READ_BYTES, to - at)));
      if (bytes.length === 0) return;
      at += bytes.length;
      yield bytes;
    }
  }
}

/** Reads until `lengthMax` bytes or the end of the file: short reads would make chunks, and so gzip errors, depend on chance. */
async function readAt(file: FileHandle, position: number, lengthMax: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(lengthMax);
  let length = 0;
  while (length < lengthMax) {
    const { bytesRead } = await file.read(buffer, length, lengthMax - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

async function readable<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new MillraceError('MR1001', { path, problem: (error as Error).message }, error);
  }
}
