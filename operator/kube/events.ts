// Kubernetes Events: the story of a job as `kubectl describe` tells it.
//
//   V1. Recording never throws, never waits, and holds up nobody: what is too much is dropped and counted.
//   V2. The same said again within the window raises the count of one Event instead of making another.
//   V3. A message has at most 1 kB.

import type { ObjectMeta } from './kube-object.ts';

export type EventReason =
  | 'Planned'
  | 'Deployed'
  | 'Upgraded'
  | 'UpgradeRefused'
  | 'RolledBack'
  | 'Suspended'
  | 'Resumed'
  | 'Completed'
  | 'Failed'
  | 'Scaled'
  | 'SavepointTaken'
  | 'SavepointFailed'
  | 'Repaired'
  | 'DurabilityDegraded'
  | 'NatsUnreachable'
  | 'InvalidSpec'
  | 'Deleted'
  | 'StateRetained';

export type EventSubject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid'>;
};

export type RecordedEvent = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** A sentence: what happened, and what to do next. */
  readonly message: string;
  /** What the operator was doing, in UpperCamelCase; default: the reason. */
  readonly action?: string;
};

export declare class EventRecorder {
  record(subject: EventSubject, event: RecordedEvent): void;
  /** Resolves when all that was recorded is sent or dropped. */
  flush(): Promise<void>;
  dropped(): number;
}
