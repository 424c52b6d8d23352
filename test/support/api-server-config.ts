// Arguments and files of a test's API server and etcd (api-server.ts). Pure.
import { join } from 'node:path';

export type EtcdPlaces = { readonly folder: string; readonly etcdPort: number; readonly etcdPeerPort: number };
export type ApiServerPlaces = { readonly folder: string; readonly port: number; readonly etcdPort: number };

export function etcdArguments({ folder, etcdPort, etcdPeerPort }: EtcdPlaces): readonly string[] {
  const client = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${etcdPeerPort}`;
  return [
    '--name=test',
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    // Tests kill processes, not machines.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function apiServerArguments({ folder, port, etcdPort }: ApiServerPlaces): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    // It makes its own certificate there.
    `--cert-dir=${folder}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    `--service-account-key-file=${join(folder, 'accounts.key')}`,
    `--service-account-signing-key-file=${join(folder, 'accounts.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=127.16.0.0/24',
    // It would wait for a controller that makes the accounts of new namespaces.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ];
}

export function kubeconfigText({ url, token, caPath }: { readonly url: string; readonly token: string; readonly caPath: string }): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caPath } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin', namespace: 'default' } }],
    'current-context': 'test',
  });
}
