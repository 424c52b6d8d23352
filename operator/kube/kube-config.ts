// Which API server, as whom: from the pod's service account or a kubeconfig.
//
//   C1. In a pod: its service account. Elsewhere: $KUBECONFIG, ~/.kube/config. A path that was given is used and nothing else.
//   C2. Client-node decides what credentials are; this file and the transport are all that know it.

import { existsSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { MillraceError } from '../../runtime/base/errors.ts';

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How requests reach a server, without saying which request. */
export type KubeConnection = {
  /** Without a slash at the end. */
  readonly server: string;
  /** Namespace of this pod or of the kubeconfig's context; `default` when neither says. */
  readonly namespace: string;
  readonly inCluster: boolean;
  /** TLS material and headers as they are now; an agent only when a proxy needs one. Rejects when they cannot be read. */
  readonly credentials: () => Promise<Credentials>;
};

export type Credentials = Pick<
  RequestOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized' | 'agent'
> & {
  readonly headers: Readonly<Record<string, string>>;
};

export type KubeConfigOptions = {
  /** Path of a kubeconfig; then nothing else is looked at. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
};

/** The connection to use. Throws MR1001 when there is none. */
export function loadKubeConnection({ kubeconfig, context }: KubeConfigOptions = {}): KubeConnection {
  const inCluster = kubeconfig === undefined && context === undefined && isInCluster();
  return connectionOf(inCluster ? fromPod() : fromFile(kubeconfig, context), inCluster);
}

/** The connection that a kubeconfig's text tells: for tests and tools that have no file. */
export function kubeConnectionFromText(text: string): KubeConnection {
  const config = new KubeConfig();
  config.loadFromString(text);
  return connectionOf(config, false);
}

function isInCluster(): boolean {
  return process.env['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(`${SERVICE_ACCOUNT}/token`);
}

function fromPod(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

function fromFile(given: string | undefined, context: string | undefined): KubeConfig {
  const paths = given === undefined ? defaultPaths() : [given];
  const config = new KubeConfig();
  try {
    const [first = '', ...others] = paths;
    config.loadFromFile(first);
    for (const other of others) config.mergeConfig(fromFile(other, undefined), true);
  } catch (cause) {
    throw unreadable(paths, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (context !== undefined && config.getContextObject(context) === null) throw unreadable(paths, `it has no context ${context}`);
  if (context !== undefined) config.setCurrentContext(context);
  if (config.getCurrentCluster() == null) throw unreadable(paths, `its context "${config.getCurrentContext()}" names no cluster`);
  return config;
}

/** As kubectl looks for it: of several files, those that are not there do not matter. */
function defaultPaths(): readonly string[] {
  const named = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  const existing = named.filter((path) => existsSync(path));
  if (existing.length > 0) return existing;
  return named.length > 0 ? named : [join(homedir(), '.kube', 'config')];
}

function unreadable(paths: readonly string[], problem: string, cause?: unknown): MillraceError {
  return new MillraceError('MR1001', { path: `the kubeconfig ${paths.join(delimiter)}`, problem }, cause);
}

function connectionOf(config: KubeConfig, inCluster: boolean): KubeConnection {
  const server = config.getCurrentCluster()?.server ?? '';
  return {
    server: server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    inCluster,
    credentials: () => credentialsOf(config),
  };
}

/** C2. Everything that client-node would put on a request. */
async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized, agent, auth, headers } = options;
  const needsProxy = config.getCurrentCluster()?.proxyUrl !== undefined;
  const basic = auth == null ? {} : { Authorization: `Basic ${Buffer.from(auth).toString('base64')}` };
  return {
    ...defined({ ca, cert, key, pfx, passphrase, servername, rejectUnauthorized }),
    ...(needsProxy && agent !== undefined ? { agent } : {}),
    headers: { ...(headers as Record<string, string> | undefined), ...basic },
  };
}

/** Without fields that are undefined. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
