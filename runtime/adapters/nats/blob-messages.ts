// The messages of a blob as bytes. See nats-blob-store.ts.

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

export function chunkMessage(upload: Uint8Array, index: number, part: Uint8Array): Uint8Array {
  const message = Buffer.allocUnsafe(PREFIX_BYTES + part.length);
  message.writeUInt32LE(MAGIC, 0);
  message.writeUInt32LE(index, 4);
  message.set(upload, 8);
  message.set(part, PREFIX_BYTES);
  return message;
}

export function manifestMessage(upload: Uint8Array, manifest: Omit<Manifest, 'upload' | 'sequence'>): Uint8Array {
  return chunkMessage(upload, MANIFEST_INDEX, Buffer.from(JSON.stringify(manifest)));
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
