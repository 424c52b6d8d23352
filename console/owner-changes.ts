// Who owns what, what stands still and what is stalled, seen as it changes: a sentence for each worker that gained partitions between two
// looks, for each partition that an event has stopped, and for each split that cannot be read, or can be again.

import type { StageProgress } from '../runtime/telemetry/progress.ts';
import type { TimelineEntry } from './api.ts';

export class OwnerChanges {
  readonly #owners = new Map<string, string>();
  /** Why each task that stands still does. */
  readonly #stopped = new Map<string, string>();
  readonly #stalled = new Set<string>();

  changes(stages: readonly Pick<StageProgress, 'id' | 'partitions'>[], nowMs: number): readonly TimelineEntry[] {
    const gained = new Map<string, string[]>();
    const stopped: TimelineEntry[] = [];
    for (const { id, partitions } of stages) {
      for (const { partition, owner, standsStill, stalled } of partitions) {
        const task = `${id}/${partition}`;
        stopped.push(...this.#stall(task, stalled, nowMs));
        if (standsStill === undefined) this.#stopped.delete(task);
        else if (this.#stopped.get(task) !== standsStill) {
          this.#stopped.set(task, standsStill);
          stopped.push({ atMs: nowMs, kind: 'failure', text: standsStill });
        }
        const before = this.#owners.get(task);
        if (owner === null || owner === before) continue;
        this.#owners.set(task, owner);
        if (before !== undefined) gained.set(owner, [...(gained.get(owner) ?? []), `${task} from ${before}`]);
      }
    }
    const moved = [...gained].map(([owner, tasks]) => ({
      atMs: nowMs,
      kind: 'moved' as const,
      text: `${owner} took over ${listed(tasks)}`,
    }));
    return [...moved, ...stopped];
  }

  #stall(task: string, stalled: string | undefined, atMs: number): readonly TimelineEntry[] {
    if (stalled === undefined) return this.#stalled.delete(task) ? [{ atMs, kind: 'note', text: `${task} reads again` }] : [];
    if (this.#stalled.has(task)) return [];
    this.#stalled.add(task);
    return [{ atMs, kind: 'failure', text: `${task} reads nothing: ${stalled}` }];
  }
}

const LISTED_MAX = 4;

function listed(tasks: readonly string[]): string {
  const shown = tasks.slice(0, LISTED_MAX).join(', ');
  return tasks.length > LISTED_MAX ? `${shown} and ${tasks.length - LISTED_MAX} more partitions` : shown;
}
