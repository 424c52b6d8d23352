// Who the operator is in NATS: with the keys of the chart's own server (made by the first operator), or as it was told.

import { createHash } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, connectPatiently } from '../runtime/adapters/nats/nats-connection.ts';
import type { Clock, Random } from '../runtime/base/clock.ts';
import type { KubeClient } from './kube/kube-client.ts';
import type { AnyObject } from './kube/kube-object.ts';
import { resources } from './kube/resource.ts';
import type { Log } from './log.ts';
import { ConnectingNats } from './nats/connecting-nats.ts';
import type { ServerSource } from './nats/durability.ts';
import { JobNats, type Login } from './nats/job-nats.ts';
import { makeNatsKeys, type NatsKeys } from './nats/nats-keys.ts';
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

/** Resolves when it is known who we are; the connection itself may take for ever. */
export async function openNats(parts: OpenNatsParts): Promise<NatsSide> {
  const { options, clock, random, log } = parts;
  const { url, replicas } = options.nats;
  const { login, credentials, system } = await identify(parts);
  const servers = serversOf(parts, system);
  const reports = new WorkerReports(clock);
  const nats = new ConnectingNats();
  void nats.start({
    connect: () => connectNats({ url, name: `millrace operator ${options.pod}`, ...(credentials === null ? {} : { credentials }) }),
    open: (connection) => {
      reports.listen(connection);
      return new JobNats({ connection, reports, login, replicas, servers, clock, random });
    },
    sleep: (ms) => clock.sleep(ms),
    onTrouble: (reason) => log('warn', `NATS: ${reason}`),
    onConnected: (connection) => log('info', `connected to NATS ${connection.info?.version ?? ''}`),
  });
  return nats;
}

type Identified = {
  readonly login: Login;
  /** Paths of credentials files. */ readonly credentials: string | null;
  readonly system: string | null;
};

async function identify(parts: OpenNatsParts): Promise<Identified> {
  const { keysSecret, credentials } = parts.options.nats;
  if (keysSecret !== null) {
    const keys = await keysOf(parts, keysSecret);
    return {
      login: { kind: 'signed', accountSeed: keys['account.seed'] },
      credentials: await privateFile('operator.creds', keys['operator.creds']),
      system: await privateFile('sys.creds', keys['sys.creds']),
    };
  }
  if (credentials === null) return { login: { kind: 'none' }, credentials, system: null };
  const text = await readFile(credentials, 'utf8');
  return {
    login: { kind: 'shared', credentials: text, hash: createHash('sha256').update(text).digest('hex').slice(0, 16) },
    credentials,
    system: null,
  };
}

/** Servers tell the system account, where we have a user of it: all of them, not only the one behind an address. */
function serversOf({ options, log }: OpenNatsParts, system: string | null): ServerSource {
  const { url, monitorUrl } = options.nats;
  if (system === null) return monitorUrl === null ? { kind: 'none' } : { kind: 'monitor', urls: monitorUrl };
  const connection = connectPatiently(
    { url, name: `millrace operator ${options.pod} (system)`, credentials: system },
    { signal: new AbortController().signal, onWait: (error) => log('warn', `NATS, system account: ${error.message}`) },
  ).catch((error: unknown) => {
    log('error', `NATS, system account: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  });
  return { kind: 'system', connection };
}

/** Of the Secret; made when it is not there. Two operators that make it at the same time end with one (K1). */
async function keysOf({ client, options, clock, log }: OpenNatsParts, name: string): Promise<NatsKeys> {
  const named = { namespace: options.namespace, name };
  for (;;) {
    const found = await client.get(resources.secrets, named);
    if (found.kind === 'ok') return keysIn(found.object);
    if (found.kind === 'not-found') {
      const keys = await makeNatsKeys();
      const made = await client.create(resources.secrets, secretOf(named, keys));
      if (made.kind === 'ok') {
        log('info', `made the keys of NATS: Secret ${name}`);
        return keys;
      }
      if (made.kind === 'refused') log('error', `the Secret ${name} cannot be made: ${made.message}`);
    } else if (found.kind === 'refused') log('error', `the Secret ${name} cannot be read: ${found.message}`);
    await clock.sleep(RETRY_MS);
  }
}

function keysIn(secret: AnyObject): NatsKeys {
  const data = (secret['data'] ?? {}) as Readonly<Record<string, string>>;
  const text = (key: keyof NatsKeys): string => Buffer.from(data[key] ?? '', 'base64').toString();
  return {
    'auth.conf': text('auth.conf'),
    'route-password': text('route-password'),
    'account.seed': text('account.seed'),
    'operator.creds': text('operator.creds'),
    'sys.creds': text('sys.creds'),
    'app.creds': text('app.creds'),
  };
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

async function privateFile(name: string, text: string): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'millrace-')), name);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
