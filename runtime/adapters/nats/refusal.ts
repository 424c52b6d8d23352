// What a server says to a client that it does not let in (any more).

import type { NatsConnection } from '@nats-io/transport-node';
import type { CredentialsLogin } from './credentials-login.ts';

type ConnectionStatus = NatsConnection extends { status(): AsyncIterable<infer S> } ? S : never;

/** `Authorization Violation`, `User Authentication Expired`, `Account Authentication Expired`, `User Authentication Revoked`. */
const REFUSALS = /authorization violation|authentication (expired|revoked|timeout)/i;

const logins = new WeakMap<NatsConnection, CredentialsLogin>();

/** What this connection is let in by. */
export function noteLogin(connection: NatsConnection, login: CredentialsLogin): void {
  logins.set(connection, login);
}

/** In the server's words, and since when; null: it says something else. */
export function refusalIn(connection: NatsConnection, status: ConnectionStatus): string | null {
  if (status.type !== 'error' || !REFUSALS.test(status.error.message)) return null;
  return explained(status.error.message, logins.get(connection) ?? null);
}

export function explained(words: string, login: CredentialsLogin | null): string {
  return login === null || !REFUSALS.test(words) ? words : login.explain(words);
}
