// Who runs which partition of a job, told by its journals: the last record of each lane says who wrote it and under which epoch.
// Nothing of it comes from the operator, so its words can be held against it.

import { decodeHeader } from '../../../runtime/journal/record-codec.ts';
import type { ClusterNats } from './nats.ts';

export type Owner = {
  readonly pod: string;
  /** Raised by each claim. */
  readonly epoch: number;
  /** The task has processed all its input. */
  readonly done: boolean;
};
/** By `stage.partition`. */
export type Owners = ReadonlyMap<string, Owner>;

/** Of all partitions that were claimed once. */
export async function ownersOf({ jsm }: ClusterNats, identity: string): Promise<Owners> {
  const owners = new Map<string, Owner>();
  for await (const { config } of jsm.streams.list(`mr.${identity}.>`)) {
    const { state } = await jsm.streams.info(config.name, { subjects_filter: `mr.${identity}.>` });
    const tasks = Object.keys(state.subjects ?? {}).flatMap((subject) => taskOf(subject, identity) ?? []);
    for (const { subject, task } of tasks) {
      // No answer is no answer, not a partition without owner.
      const record = await jsm.streams.getMessage(config.name, { last_by_subj: subject });
      if (record === null) continue;
      const { owner, epoch, done } = decodeHeader(record.data, subject);
      owners.set(task, { pod: owner, epoch, done });
    }
  }
  return owners;
}

/** `mr.<identity>.<stage>.<partition>`; subjects of blobs and others have no number at the end. */
function taskOf(subject: string, identity: string): { readonly subject: string; readonly task: string } | null {
  const task = subject.slice(`mr.${identity}.`.length);
  return /^[^.]+\.\d+$/.test(task) ? { subject, task } : null;
}

/** Stages of which a partition was claimed anew between two looks. */
export function claimedAnew(before: Owners, after: Owners): readonly string[] {
  const tasks = [...after].filter(([task, { epoch }]) => before.get(task)?.epoch !== epoch);
  return [...new Set(tasks.map(([task]) => task.slice(0, task.lastIndexOf('.'))))].sort();
}
