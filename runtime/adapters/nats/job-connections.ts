// Where a job's subjects are. On the chart's own NATS it has an account of its own, and the streams that it reads and writes for others
// lie in the account of its namespace, of which its own imports what it needs (docs/adr/0038); elsewhere there is one account.

import type { NatsConnection } from '@nats-io/transport-node';
import { DEAD_LETTERS_SUBJECT } from '../../plan/plan-names.ts';
import { Link } from './link.ts';

/** Of who runs jobs: with all rights in each account. */
export type JobConnections = {
  /** What it lives of: journal, blobs, directory, bus; and its dead letters, which are nobody else's. */
  readonly job: NatsConnection;
  /** Streams of its NATS sources and sinks. */
  readonly streams: NatsConnection;
};

/** The same, as its workers reach it. */
export type JobLinks = { readonly job: Link; readonly streams: Link };

export function oneConnection(connection: NatsConnection): JobConnections {
  return { job: connection, streams: connection };
}

/** `importsStreams`: the streams of sources and sinks lie in another account, of which that of `connection` imports them. */
export function linksOf(connection: NatsConnection, { importsStreams }: { readonly importsStreams: boolean }): JobLinks {
  const job = Link.of(connection);
  return { job, streams: importsStreams ? Link.importing(connection) : job };
}

/** The account in which the stream of a source or sink lies. */
export function accountOfStream({ name }: { readonly name: string }): keyof JobConnections {
  return name === DEAD_LETTERS_SUBJECT ? 'job' : 'streams';
}
