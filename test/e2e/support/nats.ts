// NATS of the cluster, reached from this machine.

import { jetstream, jetstreamManager, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { PortForward } from './port-forward.ts';
import { get } from './objects.ts';
import { apply, release, systemNamespace, until } from './programs.ts';

export type ClusterNats = {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  close(): Promise<void>;
};

type Secret = { readonly data: Readonly<Record<string, string>> };

export function secretText({ data }: Secret, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString();
}

/** Where a release of the chart has its NATS: the service is `<fullname>-nats`. */
export type Installed = { readonly namespace: string; readonly fullname: string };
const shared: Installed = { namespace: systemNamespace, fullname: release };

/** The seed of all accounts of a release. */
export async function operatorSeed({ namespace, fullname } = shared): Promise<string> {
  const secret = await get<Secret>('secret', namespace, `${fullname}-nats-keys`);
  if (secret === null) throw new Error('the Secret with the keys of NATS is not there');
  return secretText(secret, 'operator.seed');
}

/** Credentials for the streams of a namespace, or for all that one of its jobs lives of, as a person asks for them: by an empty Secret with
 *  labels. */
export async function adminOf(namespace: string, job: string | null = null): Promise<string> {
  const name = job === null ? 'e2e-nats-admin' : `e2e-nats-admin-${job}`;
  const labels = { 'millrace.dev/nats-user': 'admin', ...(job === null ? {} : { 'millrace.dev/nats-job': job }) };
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels } }));
  return until(`the operator fills the Secret ${namespace}/${name}`, 150_000, async () => {
    const secret = await get<Partial<Secret>>('secret', namespace, name);
    return secretText({ data: secret?.data ?? {} }, 'nats.creds') || null;
  });
}

type AccountStreams = { readonly stream_detail?: readonly { readonly name: string }[] };

/** Names of the streams of all accounts, as the servers tell their system account. */
export async function allStreams({ namespace, fullname } = shared): Promise<readonly string[]> {
  const secret = await get<Secret>('secret', namespace, `${fullname}-nats-keys`);
  if (secret === null) throw new Error('the Secret with the keys of NATS is not there');
  const system = await connectClusterNats(secretText(secret, 'sys.creds'), { installed: { namespace, fullname } });
  try {
    const asked = JSON.stringify({ accounts: true, streams: true });
    const reply = await system.connection.request('$SYS.REQ.SERVER.PING.JSZ', asked, { timeout: 30_000 });
    const { data } = reply.json<{ readonly data: { readonly account_details?: readonly AccountStreams[] } }>();
    return (data.account_details ?? []).flatMap(({ stream_detail: streams }) => (streams ?? []).map(({ name }) => name));
  } finally {
    await system.close();
  }
}

/** As its admin, where the journal of a job is. */
export async function connectJobNats(namespace: string, job: string): Promise<ClusterNats> {
  return connectClusterNats(await adminOf(namespace, job));
}

export async function connectClusterNats(
  credentials: string,
  { installed = shared, ...options }: { readonly inboxPrefix?: string; readonly installed?: Installed } = {},
): Promise<ClusterNats> {
  const forward = await PortForward.start({ namespace: installed.namespace, service: `${installed.fullname}-nats`, port: 4222 });
  const connection = await connect({
    servers: `127.0.0.1:${forward.port}`,
    authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    waitOnFirstConnect: true,
    timeout: 5_000,
    ...options,
  });
  return {
    connection,
    js: jetstream(connection, { timeout: 30_000 }),
    jsm: await jetstreamManager(connection, { checkAPI: false, timeout: 30_000 }),
    close: async () => {
      await connection.close();
      forward.stop();
    },
  };
}
