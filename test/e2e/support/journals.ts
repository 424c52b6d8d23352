// Who runs which partition of a job, told by its journals: the last record of each lane says who wrote it and under which epoch.
// Nothing of it comes from the operator, so its words can be held against it.

import { decodeHeader } from '../../../runtime/journal/record-codec.ts';
import type { ClusterNats } from './nats.ts';

/** `stage.partition`. */
export type Owners = ReadonlyMap<string, { readonly pod: string; readonly epoch: number }>;

/** Of all partitions that were claimed once. */
export async function ownersOf({ jsm }: ClusterNats, identity: string): Promise<Owners> {
  const owners = new Map<string, { pod: string; epoch: number }>();
  for await (const { config } of jsm.streams.list(`mr.${identity}.>`)) {
    const { state } = await jsm.streams.info(config.name, { subjects_filter: `mr.${identity}.>` });
    for (const subject of Object.keys(state.subjects ?? {})) {
      const task = taskOf(subject, identity);
      const record = task === null ? null : await jsm.streams.getMessage(config.name, { last_by_subj: subject }).catch(() => null);
      if (task === null || record === null) continue;
      const { owner, epoch } = decodeHeader(record.data, subject);
      owners.set(task, { pod: owner, epoch });
    }
  }
  return owners;
}

/** `mr.<identity>.<stage>.<partition>`; blobs and others have no number at the end. */
function taskOf(subject: string, identity: string): string | null {
  return /^([^.]+\.\d+)$/.exec(subject.slice(`mr.${identity}.`.length))?.[1] ?? null;
}

/** Stages of which a partition was claimed anew between two looks. */
export function claimedAnew(before: Owners, after: Owners): readonly string[] {
  const tasks = [...after].filter(([task, { epoch }]) => before.get(task)?.epoch !== epoch);
  return [...new Set(tasks.map(([task]) => task.slice(0, task.lastIndexOf('.'))))].sort();
}
