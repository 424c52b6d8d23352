// Where the messages of one subject lie in a stream, asked by consumers that never deliver: who may read the subject may ask.
//
// The request names the subject in its own subject, so the server can hold a client to it; a get by number can't be held so.
//   P1. A consumer made for a question is left to the server, which drops it at once when nobody uses it.

import { randomBytes } from 'node:crypto';
import { refused } from '../../adapters/nats/jetstream-api.ts';
import type { Link } from '../../adapters/nats/link.ts';
import { askApi } from './user-streams.ts';

export type SubjectPlace = { readonly stream: string; readonly subject: string };

type ConsumerInfo = { readonly num_pending: number; readonly delivered: { readonly stream_seq: number } };

const NS_PER_MS = 1_000_000;
const UNUSED_MS = 1_000;

/** Sequence of the last message of `subject` (wildcards allowed); 0 when there is none. */
export async function lastOfSubject(link: Link, { stream, subject }: SubjectPlace): Promise<number> {
  const info = await ask(link, { stream, subject }, { deliver_policy: 'last' });
  return info.num_pending === 0 ? 0 : info.delivered.stream_seq + 1; // it would deliver that one first
}

/** How many messages of `subject` there are from `fromSequence` on. */
export async function pendingFrom(
  link: Link,
  { stream, subject, fromSequence }: SubjectPlace & { readonly fromSequence: number },
): Promise<number> {
  const info = await ask(link, { stream, subject }, { deliver_policy: 'by_start_sequence', opt_start_seq: fromSequence });
  return info.num_pending;
}

async function ask(link: Link, { stream, subject }: SubjectPlace, start: object): Promise<ConsumerInfo> {
  const name = `mr-${randomBytes(15).toString('base64url')}`;
  const answer = await askApi<ConsumerInfo>(link, `CONSUMER.CREATE.${stream}.${name}.${subject}`, {
    stream_name: stream,
    config: {
      name,
      ...start,
      filter_subject: subject,
      ack_policy: 'none',
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: UNUSED_MS * NS_PER_MS,
    },
  });
  if ('value' in answer) return answer.value;
  throw refused(stream, answer.error);
}
