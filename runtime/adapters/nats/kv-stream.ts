// A job's directory as a stream, in the form of a NATS KV bucket (so `nats kv` shows it): one message a key, the last counts.
//
//   K1. Made by who runs the job (the CLI's runner, the operator); a worker only finds it, and waits while it is not there.

import { setTimeout as sleep } from 'node:timers/promises';
import { API_ERROR, callApi, type StreamConfig, type StreamInfo } from './jetstream-api.ts';
import { valueOf } from './lane-stream.ts';
import type { Link } from './link.ts';

/** Bucket of a job: `MR_<job>`. */
export function bucketOf(job: string): string {
  return `MR_${job}`;
}

export function directoryStream(job: string): string {
  return `KV_${bucketOf(job)}`;
}

/** Subject of a key; `>` for all. */
export function keySubject(job: string, key: string): string {
  return `$KV.${bucketOf(job)}.${key}`;
}

const TRIES = 40;
const RETRY_WAIT_MS = 250;

/** Makes the bucket when it is not there. Throws MR2102 without an answer for long, MR1005 when it is refused. */
export async function ensureDirectory(link: Link, job: string, replicas = 1): Promise<void> {
  const name = directoryStream(job);
  for (let tries = 1; ; tries++) {
    if ((await directoryCreated(link, job)) !== null) return;
    const answer = await callApi<StreamInfo>(link, `STREAM.CREATE.${name}`, bucketConfig(job, replicas));
    if (answer.kind === 'ok') return;
    // Made by another at the same time, or the server clears an account's last stream away: look again.
    if (tries === TRIES) valueOf(name, answer);
    await sleep(RETRY_WAIT_MS);
  }
}

/** When the bucket was made, as the server says it; null when there is none. Another time means another bucket. */
export async function directoryCreated(link: Link, job: string): Promise<string | null> {
  const name = directoryStream(job);
  const answer = await callApi<StreamInfo & { readonly created: string }>(link, `STREAM.INFO.${name}`);
  if (answer.kind === 'error' && answer.error.err_code === API_ERROR.streamNotFound) return null;
  return valueOf(name, answer).created;
}

export async function removeDirectory(link: Link, job: string): Promise<void> {
  const name = directoryStream(job);
  const answer = await callApi(link, `STREAM.DELETE.${name}`);
  if (answer.kind === 'error' && answer.error.err_code === API_ERROR.streamNotFound) return;
  valueOf(name, answer);
}

function bucketConfig(job: string, replicas: number): Partial<StreamConfig> {
  return {
    name: directoryStream(job),
    subjects: [keySubject(job, '>')],
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    max_msgs_per_subject: 1,
    max_bytes: -1,
    max_age: 0,
    max_msgs: -1,
    max_msg_size: -1,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: false,
    allow_direct: true,
    // One key's message must not be able to remove the others.
    allow_rollup_hdrs: false,
  };
}
