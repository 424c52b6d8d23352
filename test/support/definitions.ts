// Millrace's definitions and its admission policy on a test's API server.
import { fileURLToPath } from 'node:url';
import { callApi, refusalOf } from './api-request.ts';
import type { ApiServer } from './api-server.ts';
import { until } from './until.ts';

const folder = fileURLToPath(new URL('../../crds', import.meta.url));
const timeoutMs = 180_000;

/** Applies `crds/` and resolves when both kinds are served and the policy is in force. */
export async function applyDefinitions(server: ApiServer): Promise<void> {
  await must(server, ['apply', '--server-side', '--force-conflicts', '-f', folder]);
  await untilServed(server);
  await until('the policy is in force', timeoutMs, () => isPolicyInForce(server));
}

/** Resolves when objects of each definition that was applied, whoever applied it, are served and found by their kind. */
export async function untilServed(server: ApiServer): Promise<void> {
  // Not by `kubectl wait`, which fails at a definition that has no condition yet, as it is for a moment. An established one
  // may not be in discovery yet, either.
  await until('each definition is served', timeoutMs, async () => {
    const definitions = await server.kubectl(['get', 'crd', '-o', 'jsonpath={.items[*].metadata.name}']);
    const kinds = definitions.stdout.split(' ').join(',');
    return definitions.code === 0 && (await server.kubectl(['get', kinds, '--all-namespaces'])).code === 0;
  });
}

/** A job that only the policy refuses, tried without storing it. */
async function isPolicyInForce(server: ApiServer): Promise<boolean> {
  const body = {
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'probe' },
    spec: { sources: [{ name: 'a', nats: { subjects: ['a'] } }], sinks: [{ name: 'b', from: 'nothing', journal: {} }] },
  };
  const path = '/apis/millrace.dev/v1alpha1/namespaces/default/streamjobs?dryRun=All';
  const refusal = refusalOf(await callApi(server, { method: 'POST', path, body }));
  return refusal?.includes('ValidatingAdmissionPolicy') === true;
}

async function must(server: ApiServer, args: readonly string[]): Promise<void> {
  const { code, stderr } = await server.kubectl(args);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}
