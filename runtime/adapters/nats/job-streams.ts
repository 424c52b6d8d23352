// All that a job has in NATS, but what its sinks wrote: made, found, removed as a whole by who runs the job.
//
//   lanes MR_<job>_<stage> … of its plan · what was decided about dead letters MR_<job>_redrive · blobs MR_<job>_blobs
//   directory KV_MR_<job>
//   T1. Making it again changes nothing; a plan with more stages adds what is missing.
//   T2. What is removed is found by its names, never by what a directory says: that is written by workers, too.

import type { NatsConnection } from '@nats-io/transport-node';
import { laneSubjects, type PhysicalPlan } from '../../plan/physical-plan.ts';
import { redriveStream, redriveSubject, STREAM_ROOT, SUBJECT_ROOT } from '../../plan/plan-names.ts';
import { openDirectory, deleteDirectory } from './directory.ts';
import { callApi } from './jetstream-api.ts';
import { valueOf } from './lane-stream.ts';
import { Link } from './link.ts';
import { NatsBlobStore } from './nats-blob-store.ts';
import { NatsJournal } from './nats-journal.ts';

export type JobStreamOptions = {
  /** Copies of each stream: 1 or 3. Of those that are there, nothing is changed (J11). */
  readonly replicas: number;
  /** Disk bound of each lane. */
  readonly laneBytesMax: number;
  /** Disk bound of the blobs; none when absent. */
  readonly blobBytesMax?: number;
};

/** Some hundred thousand dead letters; a small server reserves all of it. */
const REDRIVE_BYTES_MAX = 256 * 1024 * 1024;

/** T1. Throws MR2105 when a stream that is there has settings that lose records, MR2102 when NATS does not answer for long. */
export async function ensureJobStreams(connection: NatsConnection, plan: PhysicalPlan, options: JobStreamOptions): Promise<void> {
  const { replicas, laneBytesMax, blobBytesMax } = options;
  const journal = new NatsJournal(Link.of(connection), { replicas });
  for (const stream of plan.streams)
    await journal.growLane({ stream, subjects: laneSubjects(plan, stream), bytesMax: laneBytesMax }, `${SUBJECT_ROOT}.${plan.job}.`);
  await ensureRedriveLane(journal, plan.job, Math.min(laneBytesMax, REDRIVE_BYTES_MAX)); // -1: no bound
  await NatsBlobStore.open(connection, plan.job, { replicas, ...(blobBytesMax === undefined ? {} : { bytesMax: blobBytesMax }) });
  await openDirectory(connection, plan.job, { replicas });
}

/** Where it is kept what was decided about dead letters. T1, as the others. */
export function ensureRedriveLane(journal: NatsJournal, job: string, bytesMax = REDRIVE_BYTES_MAX): Promise<void> {
  return journal.ensureLane({ stream: redriveStream(job), subjects: [redriveSubject(job, '*')], bytesMax });
}

/** T2. Removes all that the job has in NATS, but what its sinks wrote; nothing when there is nothing. */
export async function removeJob(connection: NatsConnection, job: string): Promise<void> {
  const journal = new NatsJournal(Link.of(connection));
  const streams = await jobStreams(connection, job);
  // First of all: a directory without its lanes would tell of a job that lost them.
  await deleteDirectory(connection, job);
  for (const stream of streams) await journal.deleteLane(stream);
}

/** Names of the job's lanes and of its blob stream, as they are there. */
export async function jobStreams(connection: NatsConnection, job: string): Promise<readonly string[]> {
  const link = Link.of(connection);
  const names: string[] = [];
  for (;;) {
    const page = await callApi<{ readonly streams: readonly string[] | null; readonly total: number }>(link, 'STREAM.NAMES', {
      subject: `${SUBJECT_ROOT}.${job}.>`,
      offset: names.length,
    });
    const { streams, total } = valueOf(`${STREAM_ROOT}${job}_*`, page);
    names.push(...(streams ?? []));
    if ((streams ?? []).length === 0 || names.length >= total) break;
  }
  return names.filter((name) => isStreamOf(name, job));
}

/** No part behind a job's name has a `_`: those of job `a` are never those of the cluster's job `a_b`. */
function isStreamOf(name: string, job: string): boolean {
  const prefix = `${STREAM_ROOT}${job}_`;
  return name.startsWith(prefix) && !name.slice(prefix.length).includes('_');
}
