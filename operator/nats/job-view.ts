// A job as who looks at it sees it, by the operator's own connection. Nothing is changed by looking; its desk decides about dead letters.

import type { NatsConnection } from '@nats-io/transport-node';
import { findDirectory, openBus } from '../../runtime/adapters/nats/directory.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';
import type { Bus } from '../../runtime/worker/directory.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { WorkerReport } from '../../runtime/worker/worker-report.ts';
import type { Absent } from '../reconcile/nats-side.ts';
import { isReport } from './report-check.ts';

export interface JobView {
  /** What it is seen through: subscriptions of another one are made anew. */
  readonly connection: unknown;
  /** What its workers run; null: nothing yet. */
  record(): Promise<JobRecord | null>;
  readonly bus: Bus;
  onReport(listener: (report: WorkerReport) => void): () => void;
  /** Its dead letters; null: nothing runs yet. */
  desk(): Promise<DeadLetterDesk | null>;
}

export type Viewed = Absent | { readonly kind: 'open'; readonly view: JobView };

/** What gives such views; `absent` while NATS is away. */
export interface JobViews {
  view(identity: string): Promise<Viewed>;
}

export function openView(connection: NatsConnection, identity: string): JobView {
  const bus = openBus(connection, identity);
  return {
    connection,
    record: async () => ((await (await findDirectory(connection, identity))?.get('job'))?.value ?? null) as JobRecord | null,
    bus,
    onReport: (listener) => bus.subscribe('report', (value) => (isReport(value) ? listener(value) : undefined)),
    desk: () => DeadLetterDesk.open(connection, identity, systemClock),
  };
}
