// Puts the rows of a flights file on a subject: what stands for the outside world in the cluster variant of this example.
//
//   node feed.cjs FILE        NATS_URL: where NATS is   NATS_CREDENTIALS: path of a credentials file, when it wants one
//
//   F1. The events are those that the local job reads from the file: the same codec, the same fields, the same nulls.
//   F2. The rows of a message depend on the file only, and message n has sequence n: a feeder that starts again goes on behind what
//       is stored, and two of them at once store each message once.

import { callApi, type StreamInfo } from '../../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../../runtime/adapters/nats/link.ts';
import { connectNats } from '../../../runtime/adapters/nats/nats-connection.ts';
import { FileRecords } from '../../../runtime/connectors/file/file-records.ts';
import { encodeJsonLine } from '../../../runtime/event/codec/json-lines.ts';

const STREAM = 'flights-in';
const SUBJECT = 'flights.in';
const ROWS_PER_MESSAGE = 500;
const ANSWER_MS = 10_000;

const nullable = { nullable: true } as const;
/** The schema of the source `flights` in stream-job.yaml. */
export const schema = {
  time_hour: 'timestamp',
  minute: 'int',
  origin: 'string',
  dest: 'string',
  carrier: 'string',
  flight: 'int',
  tailnum: { type: 'string', ...nullable },
  dep_time: { type: 'int', ...nullable },
  dep_delay: { type: 'double', ...nullable },
  arr_delay: { type: 'double', ...nullable },
  air_time: { type: 'double', ...nullable },
  distance: { type: 'double', ...nullable },
} as const;

export type FeedOptions = { readonly file: string; readonly natsUrl: string; readonly credentials?: string | undefined };

/** Stores all messages of the file that are not there yet; resolves with how many it stored, and how many there are. */
export async function feed({ file, natsUrl, credentials }: FeedOptions): Promise<{ readonly stored: number; readonly messages: number }> {
  const connection = await connectNats({ url: natsUrl, name: 'flights feeder', credentials });
  try {
    const link = Link.of(connection);
    const before = await openStream(link);
    let messages = 0;
    for await (const lines of messagesOf(file)) {
      if (++messages > before) await publish(link, lines, messages);
    }
    return { stored: Math.max(0, messages - before), messages };
  } finally {
    await connection.close();
  }
}

type FileForm = Parameters<typeof FileRecords.open>[0]['file'];

/** F2. */
async function* messagesOf(path: string): AsyncGenerator<string> {
  const file: FileForm = { path, format: 'csv', compression: 'auto', nulls: ['NA', ''] };
  const records = await FileRecords.open({ reader: 'feeder', path, file, schema, recordBytesMax: 65_536 });
  let lines: string[] = [];
  for (let record = records.next(); record !== 'end'; record = records.next()) {
    if (record === 'more') await records.load();
    else if (record.kind === 'value') lines.push(lineOf(record.value));
    else throw new Error(`${path} line ${record.line} is no flight`);
    if (lines.length === ROWS_PER_MESSAGE) {
      yield lines.join('\n');
      lines = [];
    }
  }
  if (lines.length > 0) yield lines.join('\n');
  await records.close();
}

function lineOf(value: unknown): string {
  const encoded = encodeJsonLine(value);
  if ('problem' in encoded) throw new Error(encoded.problem);
  return encoded.line;
}

/** Makes the stream when it is not there; resolves with the sequence of its last message. */
async function openStream(link: Link): Promise<number> {
  const config = { name: STREAM, subjects: [SUBJECT], retention: 'limits', storage: 'file' };
  const answer = await callApi<StreamInfo>(link, `STREAM.CREATE.${STREAM}`, config);
  if (answer.kind === 'ok') return answer.value.state.last_seq;
  throw new Error(`the stream ${STREAM} cannot be made: ${answer.kind === 'error' ? answer.error.description : answer.reason}`);
}

async function publish(link: Link, lines: string, sequence: number): Promise<void> {
  const headers = { 'Nats-Expected-Last-Sequence': String(sequence - 1) };
  const reply = await link.request(SUBJECT, lines, { timeoutMs: ANSWER_MS, headers });
  if (reply.kind !== 'message') throw new Error(`message ${sequence} was not acknowledged: ${reply.kind}`);
  const { error } = JSON.parse(Buffer.from(reply.data).toString('utf8')) as { readonly error?: { readonly description: string } };
  if (error !== undefined) throw new Error(`message ${sequence} was refused: ${error.description}`);
}
