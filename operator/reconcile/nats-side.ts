// What reconciling needs of NATS: the port. Nothing here throws because NATS is away; it says so.

import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { SavepointManifest } from '../../runtime/worker/job-record.ts';
import type { Sample } from '../autoscaler/sample.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { Backlogs, NatsObserved } from '../lifecycle/observed.ts';

export type Absent = { readonly kind: 'absent'; readonly reason: string };

export type Resolved =
  | Absent
  /** The plan with the stream of every NATS source and sink named. */
  | { readonly kind: 'resolved'; readonly plan: PhysicalPlan }
  | { readonly kind: 'waiting'; readonly reasons: readonly string[] };

export type RevisionToWrite = {
  readonly identity: string;
  readonly revision: RevisionStatus;
  readonly plan: PhysicalPlan;
  readonly code: { readonly sha256: string; readonly bytes: Uint8Array } | null;
  readonly parameters: Readonly<Record<string, string>>;
  readonly workers: number;
  /** new: another run, with nothing of the one before. */
  readonly run: 'new' | 'continued';
  /** Of the run that is continued, as the status remembers it: for a directory that was lost. */
  readonly runId: string | null;
  /** Id of the savepoint whose state the job begins with; null: none. */
  readonly restore: string | null;
};

export type Done = Absent | { readonly kind: 'done' } | { readonly kind: 'refused'; readonly message: string };

export type SavepointProgress =
  | Absent
  /** Nothing of it has begun. */
  | { readonly kind: 'waiting'; readonly message: string }
  | { readonly kind: 'working'; readonly message: string }
  | { readonly kind: 'done'; readonly manifest: SavepointManifest; readonly bytes: number }
  | { readonly kind: 'failed'; readonly message: string };

export type LoadAsked = {
  /** The pool whose load it is. */
  readonly pool: string;
  /** No worker is to run: nobody reports, and what waits in the sources' streams is all that there is to know. */
  readonly asleep: boolean;
};
export type LoadObserved = Absent | { readonly kind: 'known'; readonly sample: Sample };

/** Whom credentials are for: `app` feeds jobs and reads results, `admin` may do all that the namespace may. */
export type UserRole = 'app' | 'admin';

/** `text` lets workers into the job's account; `hash` is of what it allows and who signed it. */
export type JobCredentials = { readonly text: string; readonly hash: string };

/** Into which account: that of a namespace, or of one of its jobs. */
export type UserAccount = { readonly namespace: string; readonly job: string | null };

/** All that concerns a job. */
export interface JobSide {
  readonly up: boolean;
  observe(identity: string): Promise<NatsObserved>;
  resolve(identity: string, plan: PhysicalPlan): Promise<Resolved>;
  /** From reports of the last seconds; null when there is none. */
  figures(identity: string, plan: PhysicalPlan): JobFigures | null;
  /** What is to be known of its load now, for scaling. */
  load(identity: string, plan: PhysicalPlan, asked: LoadAsked): Promise<LoadObserved>;
  /** By source, events that wait in its stream, as of the last seconds; null: unknown. */
  backlogs(identity: string, plan: PhysicalPlan): Promise<Backlogs>;
  ensure(identity: string, plan: PhysicalPlan): Promise<Done>;
  writeRevision(wanted: RevisionToWrite): Promise<Done>;
  /** Kept revision `from` once more, as `revision`. */
  restoreRevision(identity: string, from: number, revision: RevisionStatus): Promise<Done>;
  clearFailure(identity: string): Promise<Done>;
  removeState(identity: string, of: 'run' | 'job'): Promise<Done>;
  prepareRestore(savepoint: string, identity: string): Promise<Done>;
  advanceSavepoint(savepoint: string, identity: string): Promise<SavepointProgress>;
  removeSavepoint(savepoint: string, identity: string): Promise<Done>;
  /** Credentials for the workers of a job with just the rights that `plan` needs; null: NATS asks for none. */
  credentials(identity: string, plan: PhysicalPlan): Promise<JobCredentials | null>;
  /** Called with a job's identity when its directory tells a failure or the end. */
  onChange(listener: (identity: string) => void): void;
}

export interface NatsSide extends JobSide {
  /** The job will be asked about: what takes a while begins now. */
  expect(identity: string): void;
  /** Credentials for people and applications; null: it is not ours to let them in, or NATS does not answer yet. */
  userCredentials(account: UserAccount, role: UserRole): Promise<{ readonly text: string; readonly hash: string } | null>;
}
