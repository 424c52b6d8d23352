// What a job wrote, read back from where a consumer would read it: the journal of its last stage, or the sink's subject.
//
//   O1. A step that was cut into several records counts when its last one is there, and not when a claim came instead.

import type { NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import type { Value } from '../../runtime/event/batch.ts';
import { decodeEvents } from '../../runtime/event/segment.ts';
import { decodeRecord, segmentBytes } from '../../runtime/journal/record-codec.ts';
import type { Record_ } from '../../runtime/journal/record.ts';
import type { StoredRecord } from '../../runtime/journal/journal.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';

export const SINK = 'results';
export const SINK_SUBJECT = 'bench.results';

const READ_BYTES = 4 * 1024 * 1024;
const WAIT_MS = 2_000;

/** Every result of a sink, once, as one line of JSON. */
export async function readOutput(
  nc: NatsConnection,
  plan: PhysicalPlan,
  onLine: (line: string) => void,
  sink: string = SINK,
): Promise<void> {
  const edge = plan.edges.find(({ toStage }) => toStage === `sink:${sink}`);
  if (edge === undefined) return readSubject(nc, onLine);
  const stage = plan.stages.find(({ id }) => id === edge.fromStage);
  if (stage === undefined) throw new Error(`the plan has no stage ${edge.fromStage}`);
  const held = new Map<string, Record_[]>();
  await readStream(nc, stage.stream, `${stage.subjectPrefix}.*`, ({ subject, bytes }) => {
    const record = decodeRecord(bytes, subject);
    const before = record.header.kind === 'claim' ? [] : (held.get(subject) ?? []);
    held.set(subject, record.header.more ? [...before, record] : []);
    if (record.header.more) return;
    for (const whole of [...before, record]) {
      for (const value of eventsOf(whole, edge.index)) onLine(JSON.stringify(value));
    }
  });
}

function* eventsOf(record: Record_, edge: number): Generator<Value> {
  for (const segment of record.header.segments) {
    if (segment.kind === 'events' && segment.edge === edge) yield* decodeEvents(segmentBytes(record, segment)).values;
  }
}

async function readSubject(nc: NatsConnection, onLine: (line: string) => void): Promise<void> {
  const stream = await (await jetstreamManager(nc)).streams.find(SINK_SUBJECT);
  await readStream(nc, stream, SINK_SUBJECT, ({ bytes }) => Buffer.from(bytes).toString('utf8').split('\n').forEach(onLine));
}

async function readStream(nc: NatsConnection, stream: string, subject: string, onRecord: (record: StoredRecord) => void): Promise<void> {
  const journal = new NatsJournal(Link.of(nc));
  const { lastSequence } = await journal.figures(stream);
  const last = await (await jetstreamManager(nc)).streams.getMessage(stream, { last_by_subj: subject }).catch(() => null);
  const until = Math.min(lastSequence, last?.seq ?? lastSequence);
  const reader = journal.read(stream, { fromSequence: 1, subjects: [subject] });
  try {
    for (let at = 0; at < until;) {
      const records = await reader.next({ bytesMax: READ_BYTES, waitMs: WAIT_MS });
      if (records.length === 0) throw new Error(`${stream} gave nothing for ${WAIT_MS} ms at sequence ${at} of ${until}`);
      for (const record of records) onRecord(record);
      at = records.at(-1)?.sequence ?? at;
    }
  } finally {
    await reader.close();
  }
}
