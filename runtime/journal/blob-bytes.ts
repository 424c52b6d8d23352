// Blobs that fit into memory with ease (manifests, bundles of code), as one array of bytes.

import { createHash } from 'node:crypto';
import { isError } from '../base/errors.ts';
import type { BlobStore } from './journal.ts';

/** Stores `bytes`, unless they are there already. Returns their sha256, hex. */
export async function putBytes(blobs: BlobStore, name: string, bytes: Uint8Array): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (!(await blobs.has(name, sha256))) await blobs.put(name, [bytes]);
  return sha256;
}

/** The blob, verified; null when it is not there, has another hash than `sha256` (null: any), or is not whole. */
export async function getBytes(blobs: BlobStore, name: string, sha256: string | null): Promise<Uint8Array | null> {
  const chunks = await blobs.get(name, sha256);
  if (chunks === null) return null;
  const gathered: Uint8Array[] = [];
  try {
    for await (const chunk of chunks) gathered.push(chunk);
    return Buffer.concat(gathered);
  } catch (error) {
    if (isError(error, 'MR2106')) return null;
    throw error;
  }
}
