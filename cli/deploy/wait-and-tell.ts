// Waits for a StreamJob and tells a person how it ended.

import { exitCodes } from '../exit-codes.ts';
import { awaitReady, type AwaitRequest } from './await-ready.ts';
import type { Cluster } from './cluster.ts';

/** What the operator says of a spec that it refuses. */
const DECLARATION_REASONS: readonly string[] = ['InvalidSpec', 'StateIncompatible'];

/** Resolves with the exit code. */
export async function waitAndTell(cluster: Cluster, request: Omit<AwaitRequest, 'onWaiting'>): Promise<number> {
  const { namespace, name, waitMs } = request;
  const verdict = await awaitReady(cluster, {
    ...request,
    onWaiting: ({ phase, message }) => console.log(`${phase}: ${message}`),
  });
  if (verdict.kind === 'ready') {
    console.log(`✓ ${name} is ready (${verdict.reason}): ${verdict.message}`);
    return exitCodes.ok;
  }
  const look = `  kubectl describe streamjob ${name} -n ${namespace} tells its story.`;
  if (verdict.kind === 'refused') {
    console.error(`${name} does not run (${verdict.reason}): ${verdict.message}\n${look}`);
    return DECLARATION_REASONS.includes(verdict.reason) ? exitCodes.declaration : exitCodes.failed;
  }
  console.error(
    `${name} is not ready after ${waitMs / 1000} s (${verdict.phase}): ${verdict.message}\n  It goes on by itself. ${look.trim()}`,
  );
  return exitCodes.failed;
}
