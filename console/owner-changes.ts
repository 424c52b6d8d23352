// Who owns what, seen as it changes: a sentence for each worker that gained or lost partitions between two looks.

import type { StageProgress } from '../runtime/telemetry/progress.ts';
import type { TimelineEntry } from './api.ts';

export class OwnerChanges {
  readonly #owners = new Map<string, string>();

  changes(stages: readonly Pick<StageProgress, 'id' | 'partitions'>[], nowMs: number): readonly TimelineEntry[] {
    const gained = new Map<string, string[]>();
    for (const { id, partitions } of stages) {
      for (const { partition, owner } of partitions) {
        const task = `${id}/${partition}`;
        const before = this.#owners.get(task);
        if (owner === null || owner === before) continue;
        this.#owners.set(task, owner);
        if (before !== undefined) gained.set(owner, [...(gained.get(owner) ?? []), `${task} from ${before}`]);
      }
    }
    return [...gained].map(([owner, tasks]) => ({ atMs: nowMs, kind: 'moved', text: `${owner} took over ${listed(tasks)}` }));
  }
}

const LISTED_MAX = 4;

function listed(tasks: readonly string[]): string {
  const shown = tasks.slice(0, LISTED_MAX).join(', ');
  return tasks.length > LISTED_MAX ? `${shown} and ${tasks.length - LISTED_MAX} more partitions` : shown;
}
