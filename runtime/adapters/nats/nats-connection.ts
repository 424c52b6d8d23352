// Connecting to NATS: for ever once it has worked, with a clear refusal when it can't work at all.

import { readFile } from 'node:fs/promises';
import { connect, credsAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { MillraceError } from '../../base/errors.ts';
import { callApi } from './jetstream-api.ts';
import { Link } from './link.ts';

/** Older servers lose acknowledged writes at power cuts (guide: docs/protocol.md). */
export const NATS_VERSION_MIN = '2.15.2';

export type NatsAddress = {
  /** `nats://[user:password@]host:port`, several with commas. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** Path of a credentials file. */
  readonly credentials?: string;
};

const CONNECT_TIMEOUT_MS = 5_000;
/** A restarted server is found again within this; the recovery-time goal for one is 2 s. */
const RECONNECT_WAIT_MS = 100;
const PING_INTERVAL_MS = 5_000;

/** Connects and checks the server. Throws MR1001, MR1003, MR1004, MR1005. Reconnects for ever afterwards. */
export async function connectNats(address: NatsAddress): Promise<NatsConnection> {
  const options = await optionsOf(address);
  const shown = withoutSecrets(address.url);
  let nc: NatsConnection;
  try {
    nc = await connect(options);
  } catch (error) {
    throw new MillraceError('MR1003', { url: shown, problem: problemOf(error) }, error);
  }
  try {
    await checkServer(nc, shown);
  } catch (error) {
    await nc.close();
    throw error;
  }
  return nc;
}

/** Throws MR1004 when the server is too old, MR1005 when JetStream does not answer for this account. */
export async function checkServer(nc: NatsConnection, url: string = nc.getServer()): Promise<void> {
  const version = nc.info?.version ?? 'unknown';
  if (!isAtLeast(version, NATS_VERSION_MIN)) throw new MillraceError('MR1004', { url, version, minimum: NATS_VERSION_MIN });
  const answer = await callApi(Link.of(nc), 'INFO');
  if (answer.kind === 'absent') throw new MillraceError('MR1005', { url, problem: answer.reason });
  if (answer.kind === 'error')
    throw new MillraceError('MR1005', { url, problem: `${answer.error.description} (${answer.error.err_code})` });
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

async function optionsOf({ url, name, credentials }: NatsAddress): Promise<NodeConnectionOptions> {
  const options: NodeConnectionOptions = {
    servers: url.split(',').map((server) => withoutSecrets(server.trim())),
    name,
    timeout: CONNECT_TIMEOUT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_WAIT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    ...loginOf(url),
  };
  if (credentials !== undefined) options.authenticator = credsAuthenticator(await readCredentials(credentials));
  return options;
}

function loginOf(url: string): { user?: string; pass?: string; token?: string } {
  const [, login] = /\/\/([^/@]*)@/.exec(url) ?? [];
  if (login === undefined) return {};
  const [user = '', ...rest] = login.split(':');
  if (rest.length === 0) return { token: decodeURIComponent(user) };
  return { user: decodeURIComponent(user), pass: decodeURIComponent(rest.join(':')) };
}

async function readCredentials(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new MillraceError('MR1001', { path, problem: problemOf(error) }, error);
  }
}

function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
