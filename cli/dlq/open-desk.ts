// The dead letters of one job, reached through the NATS server that it runs on.

import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { DeadLetterDesk } from '../../runtime/dead-letter-desk.ts';

export type DeskOptions = { readonly nats: string; readonly credentials?: string };

/** Gives the desk to `use`. Throws BadDeclaration when there is no such job, and MR1003 without a server. */
export async function withDesk<T>(
  job: string,
  { nats: url, credentials }: DeskOptions,
  use: (desk: DeadLetterDesk) => Promise<T>,
): Promise<T> {
  const name = job.replace('/', '_');
  const connection = await connectNats({ url, name: `millrace dlq ${name}`, credentials });
  try {
    const desk = await DeadLetterDesk.open(connection, name, systemClock);
    if (desk !== null) return await use(desk);
    throw new BadDeclaration('millrace dlq', [
      { path: job, message: `no job of that name runs on ${url}`, fix: 'on a cluster: namespace/name' },
    ]);
  } finally {
    await connection.close();
  }
}
