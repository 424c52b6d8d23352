// What is known of one StreamJob when it is decided about: read once, then only looked at.

import type { PoolSpec } from '../../crds/stream-job/pools.ts';
import type { StreamJob, StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { RevisionStatus, StreamJobStatus } from '../../crds/stream-job/status.ts';
import type { Issue } from '../../runtime/base/issues.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { Failure } from '../../runtime/worker/membership.ts';
import type { Scaled } from '../autoscaler/autoscaler.ts';
import type { Sample } from '../autoscaler/sample.ts';
import type { JobFigures } from './figures.ts';

/** The part of the spec that says how the job is run. */
export type ClusterPart = Pick<StreamJobSpec, 'replicas' | 'scaling' | 'pools' | 'suspend' | 'upgrade' | 'deletionPolicy' | 'restoreFrom'>;

/** The custom resource as it is in the cluster. */
export type JobObject = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  readonly createdMs: number;
  /** Since when it is being deleted; null: it is not. */
  readonly deletedMs: number | null;
  readonly hasFinalizer: boolean;
  readonly annotations: Readonly<Record<string, string>>;
  /** As it stands there: defaults are filled in by the API server, but nothing else was checked. */
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: StreamJobStatus;
};

/** What the spec means. */
export type Declared =
  | { readonly kind: 'invalid'; readonly issues: readonly Issue[] }
  /** It is fine, but needs something that is not there yet, a sentence each. */
  | { readonly kind: 'waiting'; readonly reasons: readonly string[] }
  | {
      readonly kind: 'valid';
      readonly job: StreamJob;
      readonly plan: PhysicalPlan;
      /** Of what makes a revision: equal hashes, nothing to do. */
      readonly hash: string;
      readonly code: { readonly sha256: string; readonly bytes: Uint8Array } | null;
    };

export type ValidDeclared = Extract<Declared, { readonly kind: 'valid' }>;

export type NatsAbsent = {
  readonly kind: 'absent';
  readonly reason: string;
  /** It was reached, and is not used: why it may lose what it acknowledges. */
  readonly unfit?: string;
};

export type NatsObserved =
  | NatsAbsent
  | {
      readonly kind: 'present';
      /** What the workers are told to run; null: nothing yet. */
      readonly record: JobRecord | null;
      /** What was declared when `record` was written; null for a record that no operator wrote. */
      readonly revision: RevisionStatus | null;
      /** Numbers of revisions that can be gone back to. */
      readonly kept: readonly number[];
      readonly failure: (Failure & { readonly revision: number }) | null;
      readonly completed: boolean;
      /** There are journals of the job; without a record they are of a run whose directory is gone. */
      readonly hasLanes: boolean;
      /** Streams that are gone although records were in them, a sentence each. */
      readonly lost: readonly string[];
      /** What else differs from what must be there, a sentence each: it is mended. */
      readonly drift: readonly string[];
      readonly durability: Durability;
      /** Why workers do not get the credentials that the operator was given last, with what to do; null: they have them. */
      readonly credentialsTrouble: string | null;
      /** null: nothing has run, or nobody has looked yet. */
      readonly conservation: Conservation | null;
    };

/** Whether what NATS acknowledges survives a power cut. `unknown`: servers do not answer, and none that does says that it may not. */
export type Durability =
  | { readonly kind: 'durable' }
  | { readonly kind: 'degraded'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Whether all events of a job are accounted for, by its journals. */
export type Conservation =
  | { readonly kind: 'conserved' }
  | { readonly kind: 'broken'; readonly problems: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string };

export type PodsObserved = {
  readonly total: number;
  readonly ready: number;
  /** Pods that are on their way out too. */
  readonly terminating: number;
  /** Why containers do not start, a sentence each: `flights-worker-…: ImagePullBackOff: …`. */
  readonly problems: readonly string[];
};

/** Whether all pods of a Deployment are as it asks for now. `replacing`: some are as it asked for before; `stuck`: for so long that Kubernetes
 *  does not expect it to go on. */
export type Rollout = 'done' | 'replacing' | 'stuck';

export type Load = { readonly kind: 'known'; readonly sample: Sample } | { readonly kind: 'absent'; readonly reason: string };

/** By source: events that wait in its stream. null, or not in it: unknown. */
export type Backlogs = ReadonlyMap<string, number | null>;

/** A pool that the spec declares beside the default one. */
export type PoolObserved = Pick<PoolSpec, 'name' | 'scaling' | 'workers'> & {
  /** As scaling has it. */
  readonly replicas: number;
  readonly pods: PodsObserved;
  /** What its Deployment asks for now; null: there is none. */
  readonly deployedReplicas: number | null;
  readonly rollout: Rollout;
  readonly load: Load;
  /** What scaling decided; null: its `replicas` count. */
  readonly scaled: Scaled | null;
};

/** A pool that has objects in the cluster and is not in the spec any more. */
export type PoolLeft = {
  readonly name: string;
  readonly pods: PodsObserved;
  /** A worker of it is said to run a task. */
  readonly runsTasks: boolean;
};

export type Observed = {
  readonly nowMs: number;
  readonly job: JobObject;
  /** The part of the spec that says how the job is run, `replicas` as scaling has it; from the API server's defaults when the rest is invalid. */
  readonly cluster: ClusterPart;
  readonly declared: Declared;
  readonly nats: NatsObserved;
  /** Of all pools. */
  readonly pods: PodsObserved;
  /** Of the default pool, as `deployedReplicas`, `rollout`, `load` and `scaling` are. */
  readonly defaultPods: PodsObserved;
  /** What the Deployment asks for now; null: there is none. */
  readonly deployedReplicas: number | null;
  readonly rollout: Rollout;
  readonly pools: readonly PoolObserved[];
  readonly poolsLeft: readonly PoolLeft[];
  /** What workers reported lately; null: none did. */
  readonly figures: JobFigures | null;
  /** Read only where there are figures. */
  readonly backlogs: Backlogs;
  /** What is known of its load; read only where it is scaled. */
  readonly load: Load;
  /** What scaling decided; null: `spec.replicas` counts. */
  readonly scaling: Scaled | null;
  /** Savepoint that the upgrade waits for: done, failed, or still going on; null: none was asked for. */
  readonly upgradeSavepoint: { readonly name: string; readonly phase: 'Pending' | 'Running' | 'Completed' | 'Failed' } | null;
  /** The savepoint that `restoreFrom` names; null: it names none. */
  readonly restoreSavepoint: { readonly name: string; readonly problem: string | null } | null;
  /** A savepoint is being taken: no new revision meanwhile. */
  readonly savepointRunning: boolean;
  /** The newest savepoint that was taken of the job and is there; null: there is none. */
  readonly lastSavepoint: NonNullable<StreamJobStatus['lastSavepoint']> | null;
};
