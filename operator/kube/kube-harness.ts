// Clients of a test's API server: as the administrator or another, straight or through a proxy.
import { readFile } from 'node:fs/promises';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { KubeClient, type KubeClientOptions } from './kube-client.ts';
import { kubeConnectionFromText } from './kube-config.ts';
import type { AppliedObject } from './kube-object.ts';
import type { KubeResult } from './kube-result.ts';
import { KubeTransport, type OnDate } from './kube-transport.ts';

export const ports = { clock: systemClock, random: systemRandom };

type Through = { readonly url?: string; readonly token?: string };

export async function transportTo(
  server: ApiServer,
  { url = server.url, token = server.adminToken }: Through = {},
  onDate?: OnDate,
): Promise<KubeTransport> {
  const text = await readFile(server.kubeconfig, 'utf8');
  return new KubeTransport(kubeConnectionFromText(text.replaceAll(server.url, url).replaceAll(server.adminToken, token)), onDate);
}

export async function clientOf(server: ApiServer, options: Through & Omit<KubeClientOptions, 'transport'> = {}): Promise<KubeClient> {
  return new KubeClient({ ...options, transport: await transportTo(server, options) });
}

/** What a call gave, for calls that must succeed. */
export function must<T>(result: KubeResult<T>): T {
  if (result.kind !== 'ok') throw new Error(JSON.stringify(result));
  return result.object;
}

export function configMap(name: string, data: Readonly<Record<string, string>>, namespace = 'default'): AppliedObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data };
}

/** `p50 3 ms, p99 12 ms, max 20 ms`. */
export function spread(durationsMs: readonly number[]): string {
  const sorted = [...durationsMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return `p50 ${at(0.5).toFixed(0)} ms, p99 ${at(0.99).toFixed(0)} ms, max ${at(1).toFixed(0)} ms of ${sorted.length}`;
}
