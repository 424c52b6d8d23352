// Does NATS sync each write before it acknowledges it? Asked over its monitoring port: clients are not told.
//
//   B1. What cannot be seen is not taken for good: the reason then says that it cannot be told, and how it could.

import { isAtLeast, NATS_VERSION_MIN } from '../../runtime/adapters/nats/nats-connection.ts';

type JetStreamReport = {
  readonly config?: { readonly sync_always?: boolean; readonly sync_interval?: number; readonly store_dir?: string };
};

const ANSWER_MS = 3_000;
const FIX = 'set `sync_interval: always` in its jetstream block';

/** null: acknowledged writes survive a power cut. Else why they may not, and what to do. */
export async function durabilityProblem(version: string | undefined, monitorUrl: string | null): Promise<string | null> {
  const old = version === undefined ? null : versionProblem(version);
  if (old !== null) return old;
  if (monitorUrl === null)
    return `whether NATS syncs each write cannot be told: its monitoring port is not known; ${FIX}, and tell the chart its nats.monitorUrl`;
  try {
    const answer = await fetch(new URL('/jsz?config=1', monitorUrl), { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!answer.ok) return `whether NATS syncs each write cannot be told: ${monitorUrl} answers ${answer.status}`;
    return syncProblem((await answer.json()) as JetStreamReport);
  } catch (error) {
    return `whether NATS syncs each write cannot be told: ${monitorUrl} does not answer (${error instanceof Error ? error.message : String(error)})`;
  }
}

export function versionProblem(version: string): string | null {
  if (isAtLeast(version, NATS_VERSION_MIN)) return null;
  return `NATS is ${version}, older than ${NATS_VERSION_MIN}: it can lose acknowledged writes at a power cut; upgrade it`;
}

export function syncProblem({ config }: JetStreamReport): string | null {
  if (config?.sync_always === true) return null;
  const seconds = config?.sync_interval === undefined ? null : config.sync_interval / 1e9;
  const how = seconds === null ? 'not at each write' : `every ${seconds} s`;
  return `NATS syncs its files ${how}: a power cut loses acknowledged writes; ${FIX}`;
}
