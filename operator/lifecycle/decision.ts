// What is to be done about one StreamJob, as data: made by decide.ts, carried out by reconcile/.

import type { EventReason } from '../kube/events.ts';
import type { ConditionType, IntentStatus, Phase, RevisionStatus } from '../../crds/stream-job/status.ts';

/** Said of a condition; who writes the status adds times and generation. */
export type Verdict = { readonly status: 'True' | 'False' | 'Unknown'; readonly reason: string; readonly message: string };

export type Action =
  | { readonly kind: 'add-finalizer' }
  /** Streams, buckets and sinks' streams of the plan; also what mends drift. */
  | { readonly kind: 'ensure-streams' }
  /** Code into the job's store, revision noted, `job` written: what makes workers run it. */
  | { readonly kind: 'write-revision'; readonly revision: RevisionStatus; readonly run: 'new' | 'continued' }
  /** Revision `from` is written again, under the number and with the hash of `revision`. */
  | { readonly kind: 'restore-revision'; readonly from: number; readonly revision: RevisionStatus }
  | { readonly kind: 'clear-failure' }
  | { readonly kind: 'prepare-restore'; readonly savepoint: string }
  | { readonly kind: 'create-savepoint'; readonly name: string }
  /** Of a run: all that the next one must not find. Of a job: its dead letters, too, which outlive runs. */
  | { readonly kind: 'remove-state'; readonly of: 'run' | 'job' }
  | { readonly kind: 'remove-finalizer' };

export type Told = { readonly type: 'Normal' | 'Warning'; readonly reason: EventReason; readonly message: string };

export type Decision = {
  readonly phase: Phase;
  readonly conditions: Readonly<Partial<Record<ConditionType, Verdict>>>;
  /** Written to status before the first action; null: nothing is going on. */
  readonly intent: IntentStatus | null;
  readonly actions: readonly Action[];
  /** Worker pods that there should be in the default pool (others: pools.ts); `kept`: children stay as they are; `none`: there are to be no children. */
  readonly replicas: number | 'kept' | 'none';
  /** No worker of any pool is to run, whatever each is declared to have. */
  readonly stops?: true;
  readonly events: readonly Told[];
  /** What changes in status besides: absent fields stay. */
  readonly remembers?: {
    readonly revision?: RevisionStatus;
    readonly stableRevision?: RevisionStatus;
    readonly rejectedHash?: string | null;
  };
  /** Look again after this; null: when something changes, or at the next round. */
  readonly againMs: number | null;
};
