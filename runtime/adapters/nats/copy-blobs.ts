// Blobs from one store to another, chunk by chunk, verified on the way: how a savepoint of one job becomes the state of another.

import { MillraceError } from '../../base/errors.ts';
import type { BlobStore } from '../../journal/journal.ts';

export type BlobName = { readonly name: string; readonly sha256: string };

/** Copies each; one that is there already is left as it is. Throws MR2106 for one that `from` does not have whole. */
export async function copyBlobs(from: BlobStore, to: BlobStore, blobs: readonly BlobName[]): Promise<void> {
  for (const { name, sha256 } of blobs) await copyBlob(from, to, { name, sha256 });
}

export async function copyBlob(from: BlobStore, to: BlobStore, { name, sha256 }: BlobName): Promise<void> {
  if (await to.has(name, sha256)) return;
  const chunks = await from.get(name, sha256);
  if (chunks === null)
    throw new MillraceError('MR2106', { task: name, problem: `no blob of that name with sha256 ${sha256} is there; nothing was copied` });
  await to.put(name, chunks);
}
