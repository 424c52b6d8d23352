// gzip to bytes, one input chunk at a time, with all that can be saved of broken data.
//
//   G1. The same input gives the same output, up to the same byte, broken or not: positions count on it.
//   G2. At most what one input chunk expands to is held.
//   G3. Several gzip members one behind the other are one input; zeros behind the last are padding, other bytes are not.

import type { Buffer } from 'node:buffer';
import { createGunzip, type Gunzip } from 'node:zlib';

export type Broken = { readonly problem: string; /** Bytes of the gzip data that were taken before. */ readonly atByte: number };

const OUTPUT_BYTES = 131_072;

export class GunzipSteps {
  readonly #stream: Gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
  #out: Buffer[] = [];
  #problem: string | null = null;
  readonly #over: Promise<void>;

  constructor() {
    this.#over = new Promise((resolve) => {
      this.#stream.on('end', resolve);
      this.#stream.on('error', (error) => {
        this.#problem = error.message;
        resolve();
      });
    });
    // Flowing: every output is here before the write that caused it is answered, and an error can't discard it.
    this.#stream.on('data', (bytes: Buffer) => this.#out.push(bytes));
  }

  /** All that `chunk` (null: the end of the input) adds to the output. */
  async step(chunk: Buffer | null): Promise<{ readonly out: readonly Buffer[]; readonly broken: Broken | null }> {
    if (chunk === null) {
      this.#stream.end();
      await this.#over;
    } else {
      await Promise.race([new Promise<void>((resolve) => this.#stream.write(chunk, () => resolve())), this.#over]);
    }
    const out = this.#out;
    this.#out = [];
    return { out, broken: this.#problem === null ? null : { problem: this.#problem, atByte: this.#stream.bytesWritten } };
  }

  close(): void {
    this.#stream.destroy();
  }
}

/** zlib gives up a whole output buffer when it meets an error within; small pieces of input lose next to nothing. */
const SALVAGE_BYTES = 64;

/** What can still be decoded of `last`, the chunk at which decoding broke: decodes again from the start (`before`), and
 *  gives the output behind its first `outBytes` bytes, and where it breaks. */
export async function salvage(
  before: AsyncIterable<Buffer>,
  last: Buffer,
  outBytes: number,
): Promise<{ readonly out: readonly Buffer[]; readonly broken: Broken | null }> {
  const gunzip = new GunzipSteps();
  const saved: Buffer[] = [];
  let skip = outBytes;
  const keep = (out: readonly Buffer[]): void => {
    for (const bytes of out) {
      const from = Math.min(skip, bytes.length);
      skip -= from;
      if (from < bytes.length) saved.push(bytes.subarray(from));
    }
  };
  try {
    for await (const chunk of before) keep((await gunzip.step(chunk)).out);
    for (let at = 0; at < last.length; at += SALVAGE_BYTES) {
      const { out, broken } = await gunzip.step(last.subarray(at, at + SALVAGE_BYTES));
      keep(out);
      if (broken !== null) return { out: saved, broken };
    }
    return { out: saved, broken: null };
  } finally {
    gunzip.close();
  }
}
