// Where a job's subjects are. On the chart's own NATS it has an account of its own, and the streams that it reads and writes for others
// lie in the account of its namespace (docs/adr/0025); elsewhere both are one connection.

import type { NatsConnection } from '@nats-io/transport-node';
import { DEAD_LETTERS_SUBJECT } from '../../plan/plan-names.ts';

export type JobConnections = {
  /** What it lives of: journal, blobs, directory, bus; and its dead letters, which are nobody else's. */
  readonly job: NatsConnection;
  /** Streams of its NATS sources and sinks. */
  readonly streams: NatsConnection;
};

export function oneConnection(connection: NatsConnection): JobConnections {
  return { job: connection, streams: connection };
}

/** The account in which the stream of a source or sink lies. */
export function accountOfStream({ name }: { readonly name: string }): keyof JobConnections {
  return name === DEAD_LETTERS_SUBJECT ? 'job' : 'streams';
}
