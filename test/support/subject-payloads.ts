// All payloads of a subject as they are stored, in order: for comparisons byte for byte.

import { Link } from '../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../runtime/adapters/nats/nats-connection.ts';
import { NatsReader } from '../../runtime/adapters/nats/nats-reader.ts';
import { streamOfSubject } from './job-run.ts';

const READ_BYTES = 4_000_000;
/** Nothing more came for this long: all was read. */
const QUIET_MS = 500;

export async function readPayloads(url: string, subject: string, stream = streamOfSubject(subject)): Promise<string[]> {
  const connection = await connectNats({ url, name: 'test' });
  try {
    return await readStored(Link.of(connection), subject, stream);
  } finally {
    await connection.close();
  }
}

export async function readStored(link: Link, subject: string, stream = streamOfSubject(subject)): Promise<string[]> {
  const reader = new NatsReader(link, stream, { fromSequence: 1, subjects: [subject] });
  try {
    const payloads: string[] = [];
    for (;;) {
      const some = await reader.next({ bytesMax: READ_BYTES, waitMs: QUIET_MS });
      if (some.length === 0) return payloads;
      payloads.push(...some.map(({ bytes }) => Buffer.from(bytes).toString('utf8')));
    }
  } finally {
    await reader.close();
  }
}
