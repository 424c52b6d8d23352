// Connecting to NATS: for ever once it has worked, with a clear refusal when it can't work at all.
//
//   C1. Who is refused goes on trying, less often after a while: only somebody else can mend it.

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { isError, MillraceError } from '../../base/errors.ts';
import { CredentialsLogin } from './credentials-login.ts';
import { callApi } from './jetstream-api.ts';
import { Link } from './link.ts';
import { explained, noteLogin } from './refusal.ts';

/** Older servers lose acknowledged writes at power cuts (guide: docs/protocol.md). */
export const NATS_VERSION_MIN = '2.15.2';

export type NatsAddress = {
  /** `nats://[user:password@]host:port`, several with commas. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** Path of a credentials file. */
  readonly credentials?: string | undefined;
  /** Where answers to this client come in: `_INBOX.<identity>`; `_INBOX` when absent. Credentials may be limited to it. */
  readonly inboxPrefix?: string | undefined;
};

const CONNECT_TIMEOUT_MS = 5_000;
/** A restarted server is found again within this; the recovery-time goal for one is 2 s. */
const RECONNECT_WAIT_MS = 100;
/** A server that starts may not know its accounts at once: as many refusals in a row are nothing yet. */
const REFUSALS_QUICK = 30;
const REFUSED_WAIT_MS = 1_000;
const PING_INTERVAL_MS = 5_000;
/** Longest pause while nothing was connected yet: a server that has just started is found within it. */
const PATIENT_WAIT_MAX_MS = 2_000;
/** What lasts is told again this often. */
const TELL_AGAIN_MS = 30_000;

/** Connects and checks the server. Throws MR1001, MR1003, MR1004, MR1005. Reconnects for ever afterwards. */
export async function connectNats(address: NatsAddress): Promise<NatsConnection> {
  return checked(await connectOnce(address), (nc) => checkServer(nc, withoutSecrets(address.url)));
}

export type Patience = {
  /** Called when connecting failed: once for each new reason, and again when it lasts. */
  readonly onWait: (error: MillraceError) => void;
  readonly signal: AbortSignal;
};

/** Connects, however long it takes: NATS may start later, be upgraded first, and credentials may be wrong for a while (MR1001, MR1003,
 *  MR1004). Asks for no rights on JetStream's account. Null when the signal aborted. */
export async function connectPatiently(address: NatsAddress, { onWait, signal }: Patience): Promise<NatsConnection | null> {
  const url = withoutSecrets(address.url);
  let told = { problem: '', atMs: 0 };
  for (let pauseMs = RECONNECT_WAIT_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, PATIENT_WAIT_MAX_MS)) {
    try {
      return await checked(await connectOnce(address), (nc) => checkVersion(nc, url));
    } catch (error) {
      if (!isError(error, 'MR1003') && !isError(error, 'MR1001') && !isError(error, 'MR1004')) throw error;
      const nowMs = performance.now();
      if (error.message !== told.problem || nowMs - told.atMs >= TELL_AGAIN_MS) {
        onWait(error);
        told = { problem: error.message, atMs: nowMs };
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

async function connectOnce(address: NatsAddress): Promise<NatsConnection> {
  let link: Link | null = null;
  const login = address.credentials === undefined ? null : await CredentialsLogin.open(address.credentials);
  try {
    const connection = await connect(optionsOf(address, login, () => link?.refusals ?? 0));
    if (login !== null) noteLogin(connection, login);
    link = Link.of(connection);
    return connection;
  } catch (error) {
    const problem = explained(error instanceof Error ? error.message : String(error), login);
    throw new MillraceError('MR1003', { url: withoutSecrets(address.url), problem }, error);
  }
}

async function checked(nc: NatsConnection, check: (nc: NatsConnection) => void | Promise<void>): Promise<NatsConnection> {
  try {
    await check(nc);
    return nc;
  } catch (error) {
    await nc.close();
    throw error;
  }
}

/** Throws MR1004 when the server is too old, MR1005 when JetStream does not answer for this account. */
export async function checkServer(nc: NatsConnection, url: string = nc.getServer()): Promise<void> {
  checkVersion(nc, url);
  const answer = await callApi(Link.of(nc), 'INFO');
  if (answer.kind === 'absent') throw new MillraceError('MR1005', { url, problem: answer.reason });
  if (answer.kind === 'error')
    throw new MillraceError('MR1005', { url, problem: `${answer.error.description} (${answer.error.err_code})` });
}

function checkVersion(nc: NatsConnection, url: string): void {
  const version = nc.info?.version ?? 'unknown';
  if (!isAtLeast(version, NATS_VERSION_MIN)) throw new MillraceError('MR1004', { url, version, minimum: NATS_VERSION_MIN });
}

/** Compares `2.15.2` numerically; what follows a hyphen (`-beta.1`) is older than without it. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [numbers = '', prerelease] = version.split('-', 2);
  const found = numbers.split('.').map(Number);
  const wanted = minimum.split('.').map(Number);
  if (found.length < wanted.length || found.some(Number.isNaN)) return false;
  for (let i = 0; i < wanted.length; i++) {
    const difference = (found[i] as number) - (wanted[i] as number);
    if (difference !== 0) return difference > 0;
  }
  return prerelease === undefined;
}

/** User and password belong to the connection, not to messages and logs. */
export function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/g, '//');
}

function optionsOf(
  { url, name, inboxPrefix }: NatsAddress,
  login: CredentialsLogin | null,
  refusalsInARow: () => number,
): NodeConnectionOptions {
  const options: NodeConnectionOptions = {
    servers: url.split(',').map((server) => withoutSecrets(server.trim())),
    name,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    // C1
    reconnectDelayHandler: () => (refusalsInARow() < REFUSALS_QUICK ? RECONNECT_WAIT_MS : REFUSED_WAIT_MS) * (1 + Math.random()),
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    ...loginOf(url),
  };
  if (inboxPrefix !== undefined) options.inboxPrefix = inboxPrefix;
  if (login !== null) {
    options.authenticator = login.authenticator;
    // Refused credentials are no reason to give up: the next ones may be on their way.
    options.ignoreAuthErrorAbort = true;
  }
  return options;
}

function loginOf(url: string): { user?: string; pass?: string; token?: string } {
  const [, login] = /\/\/([^/@]*)@/.exec(url) ?? [];
  if (login === undefined) return {};
  const [user = '', ...rest] = login.split(':');
  if (rest.length === 0) return { token: decodeURIComponent(user) };
  return { user: decodeURIComponent(user), pass: decodeURIComponent(rest.join(':')) };
}
