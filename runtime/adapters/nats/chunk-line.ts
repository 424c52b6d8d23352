// The chunks of a blob brought into line: they may lie in the stream twice, and behind later ones. See nats-blob-store.ts.

import { PREFIX_BYTES, readPrefix, type Manifest } from './blob-messages.ts';

export class ChunkLine {
  readonly #manifest: Manifest;
  /** Came before their turn. */
  readonly #early = new Map<number, Uint8Array>();
  #next = 0;
  #bytes = 0;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  /** All chunks were given, of as many bytes as the blob has. */
  get isWhole(): boolean {
    return this.#next === this.#manifest.chunks && this.#bytes === this.#manifest.bytes;
  }

  /** The chunks whose turn has come with this message, without prefixes. */
  *take(message: Uint8Array): IterableIterator<Uint8Array> {
    const prefix = readPrefix(message);
    const { upload, chunks } = this.#manifest;
    if (prefix === null || prefix.upload !== upload || prefix.index < this.#next || prefix.index >= chunks) return; // the manifest is none of them
    this.#early.set(prefix.index, message.subarray(PREFIX_BYTES));
    for (let part = this.#early.get(this.#next); part !== undefined; part = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#bytes += part.length;
      yield part;
    }
  }
}
