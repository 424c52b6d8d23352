// A NATS server that nobody of ours installed: it trusts keys of its own, and one account of it is for Millrace.

import { accountOf, accountToken, makeNatsKeys, userCredentials } from '../../../operator/nats/nats-keys.ts';
import { natsImage } from './images.ts';
import { apply, kubectl } from './programs.ts';

export const CREDENTIALS_KEY = 'shared.creds';

export type ExistingNats = {
  readonly url: string;
  readonly monitorUrl: string;
  /** Of its one account. */
  readonly credentials: string;
  /** Starts it anew, on the same volume. */
  restart(sync: Sync): Promise<void>;
};
/** `late`: as a server does that is told nothing. */
type Sync = 'always' | 'late';

/** As the service `<name>-nats`; ready when it resolves. */
export async function makeExistingNats({ namespace, name }: { readonly namespace: string; readonly name: string }): Promise<ExistingNats> {
  const keys = await makeNatsKeys();
  const account = accountOf(keys['operator.seed'], { kind: 'namespace', namespace: 'streams' });
  const token = await accountToken(keys['operator.seed'], { kind: 'namespace', namespace: 'streams' });
  const trusted = keys['auth.conf'].replace('resolver_preload: {\n', `resolver_preload: {\n  ${account.id}: ${token}\n`);
  const config = (sync: Sync): string =>
    [
      'listen: "0.0.0.0:4222"',
      'http: "0.0.0.0:8222"',
      `server_name: ${name}`,
      'max_payload: 8388608',
      `jetstream { store_dir: "/data"${sync === 'always' ? ', sync_interval: always' : ''} }`,
      'resolver: MEMORY',
      trusted,
    ].join('\n');
  const set = `${name}-nats`;
  const put = (sync: Sync): Promise<string> =>
    apply(
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: set, namespace }, stringData: { 'nats.conf': config(sync) } }),
    );
  const ready = async (): Promise<void> => {
    await kubectl(['rollout', 'status', `statefulset/${set}`, '-n', namespace, '--timeout=200s']);
  };
  await put('always');
  await apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [serviceOf(namespace, set), setOf(namespace, set)] }));
  await ready();
  return {
    url: `nats://${set}.${namespace}:4222`,
    monitorUrl: `http://${set}.${namespace}:8222`,
    credentials: await userCredentials(account.seed, 'millrace', { pub: {}, sub: {} }),
    restart: async (sync) => {
      await put(sync);
      await kubectl(['rollout', 'restart', `statefulset/${set}`, '-n', namespace]);
      await ready();
    },
  };
}

function serviceOf(namespace: string, name: string): object {
  const ports = [
    { name: 'nats', port: 4222 },
    { name: 'monitor', port: 8222 },
  ];
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { selector: { app: name }, ports } };
}

function setOf(namespace: string, name: string): object {
  const labels = { app: name };
  const container = {
    name: 'nats',
    image: natsImage(),
    imagePullPolicy: 'IfNotPresent',
    command: ['/nats-server', '-c', '/etc/nats/nats.conf'],
    readinessProbe: { httpGet: { path: '/healthz?js-server-only=true', port: 8222 }, periodSeconds: 1 },
    resources: { requests: { memory: '64Mi' } },
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'config', mountPath: '/etc/nats' },
      { name: 'data', mountPath: '/data' },
    ],
  };
  const pod = {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    automountServiceAccountToken: false,
    containers: [container],
    volumes: [{ name: 'config', secret: { secretName: name } }],
  };
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '512Mi' } } } };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name, namespace },
    spec: {
      serviceName: name,
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: pod },
      volumeClaimTemplates: [claim],
    },
  };
}
