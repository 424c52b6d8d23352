// The chart's Jaeger, as a person reaches it.

import { JaegerQuery } from '../../support/jaeger-query.ts';
import { PortForward } from './port-forward.ts';
import { release, systemNamespace, until } from './programs.ts';

export type ClusterJaeger = { readonly query: JaegerQuery; close(): void };

export async function connectClusterJaeger(): Promise<ClusterJaeger> {
  const forward = await PortForward.start({ namespace: systemNamespace, service: `${release}-jaeger`, port: 16686 });
  const query = new JaegerQuery(`http://127.0.0.1:${forward.port}`);
  await until('Jaeger answers', 150_000, async () => ((await query.isReady()) ? true : null));
  return { query, close: () => forward.stop() };
}
