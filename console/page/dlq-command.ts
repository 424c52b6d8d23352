// What does on the command line what the console may not do. Pure.

import { type DecideRequest, type JobRef, LOCAL_NAMESPACE } from '../api.ts';

export function dlqCommand(what: DecideRequest['what'], { namespace, name }: JobRef, which: DecideRequest['which']): string {
  const job = namespace === LOCAL_NAMESPACE ? name : `${namespace}/${name}`;
  const choice = 'id' in which ? `--id ${which.id}` : `--cause ${which.cause}`;
  const reach = namespace === LOCAL_NAMESPACE ? '' : ' --nats nats://127.0.0.1:4222 --credentials admin.creds';
  return `millrace dlq ${what} ${job} ${choice}${reach}`;
}
