// What a server says to a client that it does not let in (any more).

import type { NatsConnection } from '@nats-io/transport-node';

type ConnectionStatus = NatsConnection extends { status(): AsyncIterable<infer S> } ? S : never;

/** `Authorization Violation`, `User Authentication Expired`, `Account Authentication Expired`, `User Authentication Revoked`. */
const REFUSALS = /authorization violation|authentication (expired|revoked|timeout)/i;

/** In the server's words; null: it says something else. */
export function refusalIn(status: ConnectionStatus): string | null {
  return status.type === 'error' && REFUSALS.test(status.error.message) ? status.error.message : null;
}
