// Millrace's definitions and its admission policy on a test's API server.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { callApi, refusalOf } from './api-request.ts';
import type { ApiServer } from './api-server.ts';

const folder = fileURLToPath(new URL('../../crds', import.meta.url));
const timeoutMs = 60_000;
const pollMs = 100;

/** Applies `crds/` and resolves when both kinds are served and the policy is in force. */
export async function applyDefinitions(server: ApiServer): Promise<void> {
  await must(server, ['apply', '--server-side', '--force-conflicts', '-f', folder]);
  const deadlineMs = performance.now() + timeoutMs;
  while (!((await isServed(server)) && (await isPolicyInForce(server)))) {
    if (performance.now() > deadlineMs) throw new Error(`definitions and policy are not in force after ${timeoutMs} ms`);
    await sleep(pollMs);
  }
}

async function isServed(server: ApiServer): Promise<boolean> {
  const { status } = await callApi(server, { method: 'GET', path: '/apis/millrace.dev/v1alpha1/streamsavepoints' });
  return status === 200;
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
