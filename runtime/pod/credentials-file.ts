// Tells when a mounted credentials file has other content: a Secret's files change in place.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';

export type Following = { readonly clock: Pick<Clock, 'sleep'>; readonly onChange: () => void };

/** The kubelet brings a changed Secret within a minute or so: looking more often finds nothing more. */
const LOOK_MS = 5_000;

/** Returns the function that ends it. A file that can't be read now says nothing. */
export function followCredentials(path: string, { clock, onChange }: Following): () => void {
  const abort = new AbortController();
  void follow(path, { clock, onChange }, abort.signal);
  return () => abort.abort();
}

async function follow(path: string, { clock, onChange }: Following, signal: AbortSignal): Promise<void> {
  let known = await contentOf(path);
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal);
    const now = signal.aborted ? null : await contentOf(path);
    if (now === null || now === known) continue;
    if (known !== null) onChange();
    known = now;
  }
}

async function contentOf(path: string): Promise<string | null> {
  try {
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch {
    return null;
  }
}
