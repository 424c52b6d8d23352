// Who the operator is in NATS: in the accounts of namespaces and jobs, with the keys of the chart's own server (made by the first operator),
// or as it was told.

import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneConnection } from '../runtime/adapters/nats/job-connections.ts';
import { connectNats } from '../runtime/adapters/nats/nats-connection.ts';
import type { Clock, Random } from '../runtime/base/clock.ts';
import type { KubeClient } from './kube/kube-client.ts';
import type { AnyObject } from './kube/kube-object.ts';
import { resources } from './kube/resource.ts';
import type { Log } from './log.ts';
import { Accounts } from './nats/accounts.ts';
import { ConnectingNats } from './nats/connecting-nats.ts';
import { DurabilityLook, type ServerSource } from './nats/durability.ts';
import type { JobViews } from './nats/job-view.ts';
import { JobNats, type JobNatsParts, type Login } from './nats/job-nats.ts';
import { makeNatsKeys, roleCredentials, type NatsKeys } from './nats/nats-keys.ts';
import { advised, SharedCredentials } from './nats/shared-credentials.ts';
import { TenantNats } from './nats/tenant-nats.ts';
import { WorkerReports } from './nats/worker-reports.ts';
import type { OperatorOptions } from './options.ts';
import type { NatsSide } from './reconcile/nats-side.ts';

export type OpenNatsParts = {
  readonly client: KubeClient;
  readonly options: OperatorOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

const RETRY_MS = 1_000;

/** The connections themselves may take for ever. */
export async function openNats(parts: OpenNatsParts): Promise<NatsSide & JobViews> {
  const { keysSecret } = parts.options.nats;
  return keysSecret === null ? openForeign(parts) : openOwn(parts, keysSecret);
}

/** A server that was there before: one account, and one set of credentials for all. */
async function openForeign({ options, clock, random, log }: OpenNatsParts): Promise<NatsSide & JobViews> {
  const { url, replicas, monitorUrl, credentials } = options.nats;
  const servers: ServerSource = monitorUrl === null ? { kind: 'none' } : { kind: 'monitor', urls: monitorUrl };
  const login: Login =
    credentials === null ? { kind: 'none' } : { kind: 'shared', credentials: await sharedOf({ url, credentials, options, clock, log }) };
  const durability = new DurabilityLook(servers, clock);
  const reports = new WorkerReports(clock);
  const nats = new ConnectingNats();
  void nats.start({
    connect: () =>
      connectNats({ url, name: `millrace operator ${options.pod}`, ...(credentials === null ? {} : { credentials }) }).then(
        oneConnection,
        (error: unknown) => Promise.reject(advised(error)),
      ),
    open: (connections) => {
      reports.listen(connections.job);
      const savepoints: JobNatsParts['savepoints'] = () => Promise.resolve(connections.job);
      return new JobNats({ connections, savepoints, reports, login, replicas, durability, clock, random });
    },
    sleep: (ms) => clock.sleep(ms),
    onTrouble: (reason) => log('warn', `NATS: ${reason}`),
    onConnected: (connection) => log('info', `connected to NATS ${connection.info?.version ?? ''}`),
  });
  return nats;
}

type SharedParts = Pick<OpenNatsParts, 'options' | 'clock' | 'log'> & { readonly url: string; readonly credentials: string };

function sharedOf({ url, credentials, options, clock, log }: SharedParts): Promise<SharedCredentials> {
  return SharedCredentials.open({
    path: credentials,
    tries: async () => (await connectNats({ url, name: `millrace operator ${options.pod} (tries credentials)`, credentials })).close(),
    clock,
    onTaken: () => log('info', 'NATS: the credentials are new, and workers get them'),
    onTrouble: (reason) => log('warn', `NATS: ${reason}`),
  });
}

/** The chart's own: an account for each job and each namespace. */
async function openOwn(parts: OpenNatsParts, keysSecret: string): Promise<NatsSide & JobViews> {
  const { options, clock, random, log } = parts;
  const { url, replicas } = options.nats;
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'));
  const accounts = new Accounts({ clock, onTrouble: (reason) => log('warn', `NATS: ${reason}`) });
  const system = accounts.start({
    keys: () => keysOf(parts, keysSecret, accounts),
    secret: keysSecret,
    address: { url, name: `millrace operator ${options.pod} (system)`, credentials: join(folder, 'sys.creds') },
    onConnected: (version) => log('info', `connected to NATS ${version}`),
  });
  const durability = new DurabilityLook({ kind: 'system', connection: system }, clock);
  return new TenantNats({
    accounts,
    connect: async ({ id, seed }) => {
      const path = join(folder, `${id}.creds`);
      await writeFile(path, (await roleCredentials(seed, 'admin')).text, { mode: 0o600 });
      return connectNats({ url, name: `millrace operator ${options.pod}`, credentials: path });
    },
    open: ({ connections, savepoints, login }) => {
      const reports = new WorkerReports(clock);
      reports.listen(connections.job);
      return new JobNats({ connections, savepoints, reports, login, replicas, durability, clock, random });
    },
    clock,
    onTrouble: (identity, reason) => log('warn', `NATS, accounts of ${identity}: ${reason}`),
  });
}

/** Of the Secret; made when it is not there. Two operators that make it at the same time end with one (K1). */
async function keysOf({ client, options, clock, log }: OpenNatsParts, name: string, accounts: Accounts): Promise<NatsKeys> {
  const named = { namespace: options.namespace, name };
  const note = (problem: string): void => accounts.note(new Error(problem));
  for (;;) {
    const found = await client.get(resources.secrets, named);
    if (found.kind === 'ok') {
      const keys = keysIn(found.object);
      const missing = KEYS.filter((key) => keys[key] === '');
      if (missing.length === 0) return keys;
      note(
        `the Secret ${name} has no ${missing.join(', ')}: another version of Millrace made it. Delete it, and restart the pods of ` +
          `NATS when it was made anew; streams that were made with the old keys stay on the volume, and nobody reaches them`,
      );
    }
    if (found.kind === 'not-found') {
      const keys = await makeNatsKeys();
      const made = await client.create(resources.secrets, secretOf(named, keys));
      if (made.kind === 'ok') {
        log('info', `made the keys of NATS: Secret ${name}`);
        return keys;
      }
      if (made.kind === 'refused') note(`the Secret ${name} cannot be made: ${made.message}`);
    } else if (found.kind === 'refused') note(`the Secret ${name} cannot be read: ${found.message}`);
    await clock.sleep(RETRY_MS);
  }
}

const KEYS = ['auth.conf', 'route-password', 'operator.seed', 'sys.creds'] as const satisfies readonly (keyof NatsKeys)[];

function keysIn(secret: AnyObject): NatsKeys {
  const data = (secret['data'] ?? {}) as Readonly<Record<string, string>>;
  return Object.fromEntries(KEYS.map((key) => [key, Buffer.from(data[key] ?? '', 'base64').toString()])) as NatsKeys;
}

/** Without an owner: it stays with the data that it opens when the release is uninstalled. */
function secretOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  keys: NatsKeys,
): Parameters<KubeClient['create']>[1] {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'millrace', 'app.kubernetes.io/component': 'nats' } },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}
