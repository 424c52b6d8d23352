// The messages of a blob as bytes. See nats-blob-store.ts.

import type { BlobContent } from '../../journal/journal.ts';

export const PREFIX_BYTES = 24;

const MAGIC = 0x3142524d; // "MRB1", read little-endian
const MANIFEST_INDEX = 0xffff_ffff;

export type ChunkPrefix = { /** Hex. */ readonly upload: string; readonly index: number };

export type Manifest = {
  readonly upload: string;
  readonly sequence: number;
  readonly chunks: number;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the earliest chunk. */
  readonly firstSequence: number;
};

/** `content` as messages of one size, but for the last. */
export async function* chunkMessages(upload: Uint8Array, content: BlobContent, messageBytes: number): AsyncGenerator<Uint8Array> {
  let message: Uint8Array | null = null;
  let [index, filled] = [0, 0];
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length;) {
      if (message === null) {
        message = prefixed(upload, index++, messageBytes);
        filled = PREFIX_BYTES;
      }
      const part = chunk.subarray(at, at + messageBytes - filled);
      message.set(part, filled);
      at += part.length;
      filled += part.length;
      if (filled < messageBytes) continue;
      yield message;
      message = null;
    }
  }
  if (message !== null) yield message.subarray(0, filled);
}

export function manifestMessage(upload: Uint8Array, manifest: Omit<Manifest, 'upload' | 'sequence'>): Uint8Array {
  const text = Buffer.from(JSON.stringify(manifest));
  const message = prefixed(upload, MANIFEST_INDEX, PREFIX_BYTES + text.length);
  message.set(text, PREFIX_BYTES);
  return message;
}

function prefixed(upload: Uint8Array, index: number, messageBytes: number): Uint8Array {
  const message = Buffer.allocUnsafe(messageBytes);
  message.writeUInt32LE(MAGIC, 0);
  message.writeUInt32LE(index, 4);
  message.set(upload, 8);
  return message;
}

/** Null when the message is none of ours. */
export function readPrefix(message: Uint8Array): ChunkPrefix | null {
  const view = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (view.length < PREFIX_BYTES || view.readUInt32LE(0) !== MAGIC) return null;
  return { index: view.readUInt32LE(4), upload: view.toString('hex', 8, PREFIX_BYTES) };
}

/** Null when the message is no manifest. */
export function readManifest(message: Uint8Array, sequence: number): Manifest | null {
  const prefix = readPrefix(message);
  if (prefix === null || prefix.index !== MANIFEST_INDEX) return null;
  const fields = JSON.parse(Buffer.from(message.subarray(PREFIX_BYTES)).toString('utf8')) as Omit<Manifest, 'upload' | 'sequence'>;
  return { ...fields, upload: prefix.upload, sequence };
}
