// Asks the worker of a running job that owns a key how it stands.

import type { Story } from '../../console/api.ts';
import { type Fresh, keyStory } from '../../console/key-story.ts';
import { findDirectory, openBus } from '../../runtime/adapters/nats/directory.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';

export type AskRequest = {
  readonly natsUrl: string;
  readonly credentials: string | null;
  readonly node: string;
  /** As somebody types it. */
  readonly key: string;
  /** null: as it stands now. */
  readonly fresh: Fresh | null;
};

/** Throws BadDeclaration when there is no such job, or nobody who answers; MR1003 without a server. */
export async function askKey(
  job: string,
  { natsUrl, credentials, node, key, fresh }: AskRequest,
): Promise<Extract<Story, { kind: 'told' }>> {
  const name = job.replace('/', '_');
  const connection = await connectNats({ url: natsUrl, name: `millrace ask ${name}`, credentials: credentials ?? undefined });
  try {
    const record = (await (await findDirectory(connection, name))?.get('job'))?.value as JobRecord | undefined;
    if (record === undefined)
      throw new BadDeclaration('millrace ask', [
        { path: job, message: 'no job of that name runs on this server', fix: 'on a cluster: namespace/name' },
      ]);
    const parts = {
      plan: record.plan as PhysicalPlan,
      bus: openBus(connection, name),
      newId: () => systemRandom.id(),
      sleep: (ms: number, signal: AbortSignal) => systemClock.sleep(ms, signal),
    };
    const story = await keyStory(node, key, parts, fresh);
    if (story.kind === 'told') return story;
    throw new BadDeclaration('millrace ask', [
      { path: `${job} ${node} ${key}`, message: story.message, fix: 'ask again, or look at millrace plan' },
    ]);
  } finally {
    await connection.close();
  }
}
