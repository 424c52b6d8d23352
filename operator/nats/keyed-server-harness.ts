// A real nats-server that trusts the keys of one Secret and nobody else, for one test.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { serverConfigText } from '../../cli/local/server-config.ts';
import { freePort } from '../../cli/local/server-process.ts';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';
import { callApi } from '../../runtime/adapters/nats/jetstream-api.ts';
import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectPatiently } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { startSupervised } from '../../test/support/supervised.ts';
import { Accounts } from './accounts.ts';
import { makeNatsKeys, roleCredentials, type AccountName, type NatsAccount, type NatsKeys } from './nats-keys.ts';

export interface KeyedServer {
  readonly url: string;
  readonly monitorUrl: string;
  readonly keys: NatsKeys;
  /** A connection that the server takes, or why it does not. Closed when the server stops. */
  connect(credentials: string | undefined, options?: ConnectOptions): Promise<NatsConnection | string>;
  /** The account of a namespace or of a job (accountNamed), which the server knows from then on. */
  account(name?: string): Promise<NatsAccount>;
  /** As the operator, in that account. */
  operator(name?: string): Promise<NatsConnection>;
  /** As the operator, where the streams of a job are. */
  connections(identity: string): Promise<JobConnections>;
  /** What the operator looks after the accounts with. */
  readonly accounts: Accounts;
  /** What another operator would. */
  secondAccounts(): Promise<Accounts>;
  /** What it had to say. */
  readonly troubles: readonly string[];
  /** Where the server keeps accounts. */
  readonly accountsFolder: string;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export type ConnectOptions = { readonly inboxPrefix?: string };
export type KeyedServerOptions = {
  readonly durability?: 'machine' | 'process';
  /** Where it keeps accounts: nowhere is what older configurations of the chart say. */
  readonly keeps?: 'folder' | 'nowhere';
};

/** `shop` is the account of a namespace, `shop_orders` that of a job. */
export function accountNamed(name: string): AccountName {
  return name.includes('_') ? { kind: 'job', identity: name } : { kind: 'namespace', namespace: name };
}

export async function startKeyedServer({ durability = 'machine', keeps = 'folder' }: KeyedServerOptions = {}): Promise<KeyedServer> {
  const keys = await makeNatsKeys();
  const folder = await mkdtemp(join(tmpdir(), 'millrace-keyed-'));
  const storeFolder = join(folder, 'store');
  const accountsFolder = join(folder, 'accounts');
  const configPath = join(folder, 'nats.conf');
  const [port, monitorPort] = [await freePort(), await freePort()];
  await mkdir(storeFolder);
  await writeFile(join(folder, 'auth.conf'), keys['auth.conf']);
  const full = `{ type: full, dir: ${JSON.stringify(accountsFolder)}, allow_delete: false, interval: "2m" }`;
  const resolver = `resolver: ${keeps === 'folder' ? full : 'MEMORY'}`;
  const config = serverConfigText({ serverName: `keyed-${port}`, port, storeFolder, durability, maxPayloadBytes: 1024 * 1024 });
  await writeFile(configPath, `${config}http: "127.0.0.1:${monitorPort}"\nmax_control_line: 1048576\n${resolver}\ninclude auth.conf\n`);
  const command = { binary: findNatsServer().path, args: ['-c', configPath], logPath: join(folder, 'nats.log') };
  const opened: NatsConnection[] = [];
  let running = await startSupervised(command);
  let files = 0;
  const troubles: string[] = [];

  const connect: KeyedServer['connect'] = async (credentials, options = {}) => {
    const path = credentials === undefined ? undefined : join(folder, `${files++}.creds`);
    if (path !== undefined && credentials !== undefined) await writeFile(path, credentials);
    const abort = new AbortController();
    let problem = '';
    const connection = await connectPatiently(
      { url: `nats://127.0.0.1:${port}`, name: 'test', credentials: path, ...options },
      {
        signal: abort.signal,
        onWait: (error) => {
          problem = error.message;
          // One that does not listen yet is waited for.
          if (!/refused the connection|ECONNREFUSED|connection refused/i.test(problem)) abort.abort();
        },
      },
    );
    if (connection === null) return problem;
    opened.push(connection);
    return connection;
  };
  const started = (): { readonly accounts: Accounts; readonly system: Promise<NatsConnection> } => {
    const made = new Accounts({ clock: systemClock, onTrouble: (reason) => troubles.push(reason) });
    const credentials = join(folder, `sys-${files++}.creds`);
    const address = { url: `nats://127.0.0.1:${port}`, name: 'system', credentials };
    const system = made.start({ keys: () => Promise.resolve(keys), secret: 'keys', address, onConnected: () => undefined });
    void system.then((connection) => opened.push(connection));
    return { accounts: made, system };
  };
  const { accounts, system } = started();
  const account = async (name = 'shop'): Promise<NatsAccount> => {
    await system;
    return accounts.register(accountNamed(name));
  };
  const operator = async (name?: string): Promise<NatsConnection> => {
    const connection = await connect((await roleCredentials((await account(name)).seed, 'admin')).text);
    if (typeof connection === 'string') throw new Error(connection);
    while ((await callApi(Link.of(connection), 'INFO')).kind !== 'ok') await new Promise((resolve) => setTimeout(resolve, 20));
    return connection;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    monitorUrl: `http://127.0.0.1:${monitorPort}`,
    keys,
    connect,
    account,
    accounts,
    secondAccounts: async () => {
      const second = started();
      await second.system;
      return second.accounts;
    },
    accountsFolder,
    troubles,
    operator,
    connections: async (identity) => ({ job: await operator(identity), streams: await operator(identity.split('_')[0]) }),
    kill: () => running.kill(),
    start: async () => {
      running = await startSupervised(command);
    },
    stop: async () => {
      await Promise.all(opened.map((connection) => connection.close()));
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
