// A worker's part in savepoints: it stores the state of each of its tasks when one is asked for, and knows the one that its run
// was started from.

import type { BlobStore } from '../journal/journal.ts';
import type { Directory } from './directory.ts';
import type { SavepointManifest, SavepointTask } from './job-record.ts';
import type { SavedPart } from './recovery.ts';
import { loadManifest, partKey, storePart } from './savepoint.ts';
import type { TaskRunner } from './task-runner.ts';
import type { Turns } from './turns.ts';

export type Stands = ReturnType<TaskRunner['stands']>;

export type SavepointSideParts = {
  readonly blobs: BlobStore;
  readonly directory: Directory;
  readonly turns: Turns;
  /** Id of the savepoint that the run was started from; null: none. */
  readonly restore: string | null;
};

export class SavepointSide {
  readonly #parts: SavepointSideParts;
  #manifest: Promise<SavepointManifest> | null = null;
  /** Tasks whose part of the savepoint that is asked for lies stored. */
  readonly #saved = new Set<string>();
  #savedId = '';

  constructor(parts: SavepointSideParts) {
    this.#parts = parts;
  }

  /** The task begins anew: what was stored of it before counts no more. */
  forget(task: string): void {
    this.#saved.delete(task);
  }

  /** `id` is asked for ('': none). Stores each task's part of it as soon as the task stands still. */
  async store(id: string, revision: number, tasks: readonly string[], standsOf: (task: string) => Stands): Promise<void> {
    if (id !== this.#savedId) this.#saved.clear();
    this.#savedId = id;
    if (id === '') return;
    const { directory } = this.#parts;
    for (const name of tasks.filter((task) => !this.#saved.has(task))) {
      const stands = standsOf(name);
      if (stands === null) continue;
      const part = await this.#storePart({ id, revision }, stands);
      await directory.put(partKey(id, name), part);
      this.#saved.add(name);
    }
  }

  async #storePart(of: { readonly id: string; readonly revision: number }, { task, image }: NonNullable<Stands>): Promise<SavepointTask> {
    const { blobs, turns } = this.#parts;
    try {
      return await storePart(blobs, of, task, turns.between(image.chunks()));
    } finally {
      image.close();
    }
  }

  /** A task's part of the savepoint that the run was started from. */
  async partOf(task: string): Promise<SavedPart | null> {
    const id = this.#parts.restore;
    if (id === null) return null;
    this.#manifest ??= loadManifest(this.#parts.blobs, id);
    const manifest = await this.#manifest;
    const part = manifest.tasks.find((one) => one.task === task);
    return part === undefined ? null : { part, manifest };
  }
}
