// Asks the workers of a running job to trace the events of a key: an entry of the job's directory that they watch.

import { findDirectory } from '../../runtime/adapters/nats/directory.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { formatDuration } from '../../runtime/base/duration.ts';
import type { Key } from '../../runtime/event/batch.ts';
import { encodeKey } from '../../runtime/event/key.ts';
import type { Directory } from '../../runtime/worker/directory.ts';
import type { FollowedKey, FollowedKeys } from '../../runtime/worker/job-record.ts';

export type FollowRequest = {
  readonly natsUrl: string;
  readonly credentials: string | null;
  /** As somebody types it. */
  readonly key: string;
  /** 0: no longer. */
  readonly forMs: number;
};

/** Keys at the same time: each costs a comparison an event behind a keyBy. */
export const FOLLOWED_MAX = 16;
const TRIES_MAX = 5;

/** Resolves with what was done, a sentence. Throws BadDeclaration when there is no such job, and MR1003 without a server. */
export async function followKey(job: string, { natsUrl, credentials, key, forMs }: FollowRequest): Promise<string> {
  const name = job.replace('/', '_');
  const connection = await connectNats({ url: natsUrl, name: `millrace trace ${name}`, credentials: credentials ?? undefined });
  try {
    const directory = await findDirectory(connection, name);
    if (directory === null || (await directory.get('job')) === null)
      throw new BadDeclaration('millrace trace', [
        { path: job, message: 'no job of that name runs on this server', fix: 'on a cluster: namespace/name' },
      ]);
    const until = systemClock.nowMs() + forMs;
    await change(directory, canonicalKey(key), forMs === 0 ? null : { untilMs: until, forMs });
    if (forMs === 0) return `key ${key} of ${job} is no longer followed`;
    return `key ${key} of ${job} is followed for ${formatDuration(forMs)}; its traces have millrace.key=${key} and millrace.trace.why=key`;
  } finally {
    await connection.close();
  }
}

/** JSON is the key that it says; everything else is a text. */
export function canonicalKey(typed: string): Key {
  try {
    return encodeKey(JSON.parse(typed) as unknown);
  } catch {
    return encodeKey(typed);
  }
}

async function change(directory: Directory, key: Key, asked: Omit<FollowedKey, 'key'> | null): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const entry = await directory.get('trace');
    const nowMs = systemClock.nowMs();
    const others = ((entry?.value as FollowedKeys | undefined)?.keys ?? []).filter((one) => one.key !== key && one.untilMs > nowMs);
    if (asked !== null && others.length >= FOLLOWED_MAX)
      throw new BadDeclaration('millrace trace', [
        { path: '--key', message: `${others.length} keys are followed already`, fix: 'end one with --stop' },
      ]);
    const value: FollowedKeys = { keys: asked === null ? others : [...others, { key, ...asked }] };
    if ((await directory.update('trace', value, entry?.revision ?? 0)) !== null) return;
  }
  throw new MillraceError('MR2102', { stream: 'of the directory', problem: 'others changed the key trace five times meanwhile' });
}
