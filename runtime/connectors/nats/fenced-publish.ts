// Messages behind the last one of a subject, and only there: stored when the subject still ends where the writer
// believes, refused otherwise.
//
//   P1. Several messages are stored all together or not at all (atomic batch, ADR-50), where the stream allows it;
//       otherwise one by one, each behind the one before.
//   P2. The id of a batch is never used again: an abandoned batch may be finished by nobody.

import { headers as natsHeaders, type MsgHdrs } from '@nats-io/transport-node';
import type { Link } from '../../adapters/nats/link.ts';
import { appendResult } from '../../adapters/nats/nats-journal.ts';
import type { AppendResult } from '../../journal/journal.ts';

export type Message = { readonly data: Uint8Array; readonly headers: Readonly<Record<string, string>> };

/** `stored`: sequence of the last message that is stored, and how many of the messages are. */
export type PublishResult = {
  readonly stored: number;
  readonly lastSequence: number;
  readonly end: Exclude<AppendResult, { kind: 'stored' }> | null;
};

export type Publishing = {
  readonly link: Link;
  readonly subject: string;
  readonly expected: number;
  readonly atomic: boolean;
  readonly batchId: () => string;
};

const ANSWER_MS = 5_000;
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence';
/** Below that, an acknowledgement each is faster than a batch, which the server stages in a folder of its own. */
const ATOMIC_MIN = 8;

/** Publishes `messages` in order. `end` null: all are stored. Never retries by itself. */
export async function publishFenced(messages: readonly Message[], publishing: Publishing): Promise<PublishResult> {
  if (publishing.atomic && messages.length >= ATOMIC_MIN) return publishBatch(messages, publishing);
  let [stored, lastSequence] = [0, publishing.expected];
  for (const { data, headers } of messages) {
    const reply = await publishing.link.request(publishing.subject, data, {
      timeoutMs: ANSWER_MS,
      headers: { ...headers, [EXPECTED]: String(lastSequence) },
    });
    const result = appendResult(reply);
    if (result.kind !== 'stored') return { stored, lastSequence, end: result };
    stored++;
    lastSequence = result.sequence;
  }
  return { stored, lastSequence, end: null };
}

async function publishBatch(messages: readonly Message[], { link, subject, expected, batchId }: Publishing): Promise<PublishResult> {
  const id = batchId();
  const none = { stored: 0, lastSequence: expected };
  if (!link.up) return { ...none, end: { kind: 'busy', reason: 'not connected' } };
  const last = messages.length - 1;
  const headersAt = (index: number): Record<string, string> => ({
    ...(messages[index] as Message).headers,
    'Nats-Batch-Id': id,
    'Nats-Batch-Sequence': String(index + 1),
    ...(index === 0 ? { [EXPECTED]: String(expected) } : {}),
  });
  if (!publishAll(link, subject, messages.slice(0, last), headersAt)) return { ...none, end: { kind: 'busy', reason: 'not connected' } };
  const reply = await link.request(subject, (messages[last] as Message).data, {
    timeoutMs: ANSWER_MS,
    headers: { ...headersAt(last), 'Nats-Batch-Commit': '1' },
  });
  const result = appendResult(reply);
  return result.kind === 'stored' ? { stored: messages.length, lastSequence: result.sequence, end: null } : { ...none, end: result };
}

/** False: the connection is closing, and a batch that is not committed is nothing. */
function publishAll(
  link: Link,
  subject: string,
  messages: readonly Message[],
  headersAt: (index: number) => Record<string, string>,
): boolean {
  try {
    messages.forEach(({ data }, index) => link.publish(subject, data, { headers: toHeaders(headersAt(index)) }));
    return true;
  } catch {
    return false;
  }
}

function toHeaders(record: Record<string, string>): MsgHdrs {
  const result = natsHeaders();
  for (const name in record) result.set(name, record[name] as string);
  return result;
}
