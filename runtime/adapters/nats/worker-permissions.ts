// The subjects that workers of one job publish to and subscribe to, by account: all of them, and nothing else. Pure.
//
// NATS matches whole tokens, so nothing can be allowed by the beginning of a stream's name: each stream is listed.
//   W1. Nothing here names a stream, subject or bucket of another job, or lets a stream be made, changed or deleted.
//   W2. A worker can't write the directory's keys of who runs the job (`job`, `pause`, `savepoint`): who runs it acts on them with
//       more rights than the worker has.
//   W3. Of a user's stream, which others use too, a worker reads its declared subjects: where the stream is imported by consumers that
//       were made for it, else by its own, whose names nobody can guess. It can't list, delete or acknowledge consumers.
// What rights on subjects can't do: the server checks no reply subjects, nor where a consumer delivers. Whoever may ask anything can have
// the answer sent to any subject of the account. So what a job lives of is in an account of its own (docs/adr/0025), and the account of
// its namespace is asked through imports: then answers come back into the job's (docs/adr/0038). There a worker makes no consumer: one that
// delivers by itself would do so in the account of the stream (docs/adr/0046).

import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import type { SinkSpec } from '../../../crds/stream-job/spec.ts';
import { assert } from '../../base/assert.ts';
import type { OpPlan, PhysicalPlan } from '../../plan/physical-plan.ts';
import { redriveStream, SUBJECT_ROOT } from '../../plan/plan-names.ts';
import { importedAs } from './imported-subjects.ts';
import { accountOfStream, type JobConnections } from './job-connections.ts';
import { directoryStream, keySubject } from './kv-stream.ts';
import { blobStream } from './nats-blob-store.ts';
import { stockCalls, stockOfSource, type StockOwner } from './stock-consumer.ts';

export type SubjectRights = { readonly publish: readonly string[]; readonly subscribe: readonly string[] };

export type WorkerPermissions = {
  /** Where the job lives. */
  readonly job: SubjectRights;
  /** What its sources and sinks ask where their streams are. */
  readonly streams: readonly string[];
};

export type PermissionRequest = {
  /** The job as its streams and subjects are named. */
  readonly identity: string;
  /** Plans that its workers run: the one now, and while it is being replaced the next. Their NATS sources and sinks name their
   *  streams (connectors/nats/plan-streams.ts). */
  readonly plans: readonly PhysicalPlan[];
  /** The run whose consumers were made for its sources' imported streams; absent: there is one account, and workers make their own. */
  readonly importedBy?: string | undefined;
};

/** Keys of the directory that workers write (membership.ts, job-record.ts): each its own heartbeat, and what all may say. */
const WORKER_KEYS = ['worker.*', 'assignment', 'failure', 'completed', 'savepoint.>'] as const;

export function inboxPrefix(identity: string): string {
  return `_INBOX.${identity}`;
}

export function workerPermissions({ identity, plans, importedBy }: PermissionRequest): WorkerPermissions {
  const owner = importedBy === undefined ? null : { identity, runId: importedBy };
  const rightsIn = (account: keyof JobConnections): readonly string[] =>
    plans.flatMap(({ stages }) =>
      stages.flatMap(({ nodes }) => nodes.flatMap(({ op }) => connectorRights(op, account, account === 'job' ? null : owner))),
    );
  const streams = sorted(rightsIn('streams'));
  // Answers, acknowledgements, deliveries of pulls.
  const inbox = `${inboxPrefix(identity)}.>`;
  return {
    job: jobRights(identity, { plans, letters: rightsIn('job'), inbox }),
    streams,
  };
}

/** In an account that has the streams, too. */
export function mergedRights({ job, streams }: WorkerPermissions): SubjectRights {
  return { ...job, publish: sorted([...job.publish, ...streams]) };
}

/** In one that imports them. */
export function importingRights({ job, streams }: WorkerPermissions): SubjectRights {
  return { ...job, publish: sorted([...job.publish, ...streams.map(importedAs)]) };
}

function jobRights(
  identity: string,
  { plans, letters, inbox }: { readonly plans: readonly PhysicalPlan[]; readonly letters: readonly string[]; readonly inbox: string },
): SubjectRights {
  return {
    publish: sorted([
      // Commit records, chunks of blobs, reports.
      `${SUBJECT_ROOT}.${identity}.>`,
      ...WORKER_KEYS.map((key) => keySubject(identity, key)),
      ...sorted(plans.flatMap(({ streams }) => streams)).flatMap(ownLane),
      ...ownLane(blobStream(identity)),
      ...ownDirectory(redriveStream(identity)),
      ...ownDirectory(directoryStream(identity)),
      ...letters,
    ]),
    subscribe: [
      inbox,
      // Reports of the job's other workers: how far they have read decides what may be purged.
      `${SUBJECT_ROOT}.${identity}.bus.>`,
    ],
  };
}

/** A lane or the blobs: read by pull consumers, its fences looked up, what nobody needs any more purged. */
function ownLane(stream: string): readonly string[] {
  return [...readRights(stream), api(`CONSUMER.DELETE.${stream}.*`), api(`STREAM.PURGE.${stream}`)];
}

/** The directory, and what was decided about dead letters: read, never purged, so nothing of who runs the job can be removed. */
function ownDirectory(stream: string): readonly string[] {
  return [...readRights(stream), api(`CONSUMER.DELETE.${stream}.*`)];
}

function readRights(stream: string): readonly string[] {
  return [
    api(`STREAM.INFO.${stream}`),
    api(`STREAM.MSG.GET.${stream}`),
    api(`CONSUMER.CREATE.${stream}.*`),
    api(`CONSUMER.MSG.NEXT.${stream}.*`),
  ];
}

function connectorRights(op: OpPlan, account: keyof JobConnections, owner: StockOwner | null): readonly string[] {
  if ((op.kind !== 'source' && op.kind !== 'sink') || accountOfStream(op.spec) !== account) return [];
  return op.kind === 'source' ? sourceRights(op.spec, owner) : sinkRights(op.spec);
}

/** W3: the subject at the end of the request must be the consumer's only filter, the server sees to that. */
function sourceRights(spec: SourceSpec, owner: StockOwner | null): readonly string[] {
  if (spec.nats === undefined) return [];
  const stream = namedStream(spec);
  if (owner !== null) return [api(`STREAM.INFO.${stream}`), ...stockOfSource(owner, spec).flatMap(stockCalls).map(api)];
  return [
    api(`STREAM.INFO.${stream}`),
    ...spec.nats.subjects.map((subject) => api(`CONSUMER.CREATE.${stream}.*.${subject}`)),
    api(`CONSUMER.MSG.NEXT.${stream}.*`),
  ];
}

/** A sink reads the last message of its subject from the stream's leader (nats-sink.ts, C1): no get limited to a subject does. */
function sinkRights(spec: SinkSpec): readonly string[] {
  if (spec.nats === undefined) return [];
  const stream = namedStream(spec);
  return [spec.nats.subject, api(`STREAM.INFO.${stream}`), api(`STREAM.MSG.GET.${stream}`)];
}

function namedStream(spec: SourceSpec | SinkSpec): string {
  const stream = spec.nats?.stream;
  assert(stream !== undefined, () => `${spec.name} names its stream (plan-streams.ts)`);
  return stream;
}

function api(call: string): string {
  return `$JS.API.${call}`;
}

function sorted(subjects: readonly string[]): readonly string[] {
  return [...new Set(subjects)].sort();
}
