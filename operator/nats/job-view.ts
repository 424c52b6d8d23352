// A job as who looks at it sees it, by the operator's own connection. Nothing is changed by looking.

import type { NatsConnection } from '@nats-io/transport-node';
import { findDirectory, openBus } from '../../runtime/adapters/nats/directory.ts';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsReader } from '../../runtime/adapters/nats/nats-reader.ts';
import { MillraceError } from '../../runtime/base/errors.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { DEAD_LETTERS_SUBJECT } from '../../runtime/plan/plan-names.ts';
import type { Bus } from '../../runtime/worker/directory.ts';
import type { JobRecord } from '../../runtime/worker/job-record.ts';
import type { WorkerReport } from '../../runtime/worker/worker.ts';
import type { Absent } from '../reconcile/nats-side.ts';
import { isReport } from './report-check.ts';

/** Messages of dead letters behind a place in their stream. */
export type LettersRead = {
  readonly texts: readonly string[];
  /** Where to go on. */
  readonly nextSequence: number;
  /** Of those that are in the stream now and were not read yet. */
  readonly behind: number;
  /** Passed over: gone from the stream, or older than `newest` allows. */
  readonly passed: number;
};

export interface JobView {
  /** What it is seen through: subscriptions of another one are made anew. */
  readonly connection: unknown;
  /** What its workers run; null: nothing yet. */
  record(): Promise<JobRecord | null>;
  readonly bus: Bus;
  onReport(listener: (report: WorkerReport) => void): () => void;
  /** Reads on from `fromSequence`, at most `bytesMax` and of all that there is only the `newest`; null: there is no stream yet. */
  letters(plan: PhysicalPlan, asked: { fromSequence: number; newest: number; bytesMax: number }): Promise<LettersRead | null>;
}

export type Viewed = Absent | { readonly kind: 'open'; readonly view: JobView };

/** What gives such views; `absent` while NATS is away. */
export interface JobViews {
  view(identity: string): Promise<Viewed>;
}

const READ_WAIT_MS = 1_000;
const CHUNK_BYTES = 1024 * 1024;

export function openView(connection: NatsConnection, identity: string): JobView {
  const bus = openBus(connection, identity);
  return {
    connection,
    record: async () => ((await (await findDirectory(connection, identity))?.get('job'))?.value ?? null) as JobRecord | null,
    bus,
    onReport: (listener) => bus.subscribe('report', (value) => (isReport(value) ? listener(value) : undefined)),
    letters: (plan, asked) => readLetters(Link.of(connection), plan, asked),
  };
}

async function readLetters(
  link: Link,
  plan: PhysicalPlan,
  { fromSequence, newest, bytesMax }: { readonly fromSequence: number; readonly newest: number; readonly bytesMax: number },
): Promise<LettersRead | null> {
  const place = placeOf(plan);
  if (place === null) return null;
  const found = await callApi<StreamInfo>(link, `STREAM.INFO.${place.stream}`);
  if (found.kind === 'absent') throw new MillraceError('MR2102', { stream: place.stream, problem: found.reason });
  if (found.kind === 'error') return null;
  const { last_seq: last, first_seq: first } = found.value.state;
  const from = Math.max(fromSequence, first, last - newest + 1);
  const texts: string[] = [];
  let [next, bytes] = [from, 0];
  if (next <= last) {
    const reader = new NatsReader(link, place.stream, { fromSequence: from, subjects: [place.subject] });
    try {
      while (next <= last && bytes < bytesMax) {
        const records = await reader.next({ bytesMax: CHUNK_BYTES, waitMs: READ_WAIT_MS });
        if (records.length === 0) break; // what is left is of other subjects, or comes at the next look
        for (const record of records) {
          texts.push(Buffer.from(record.bytes).toString('utf8'));
          bytes += record.bytes.length;
          next = record.sequence + 1;
        }
      }
    } finally {
      await reader.close();
    }
  }
  return { texts, nextSequence: next, behind: Math.max(0, last - next + 1), passed: Math.max(0, from - fromSequence) };
}

/** The stream that the operator has found or made for the dead letters, and their subject. */
function placeOf({ stages }: PhysicalPlan): { readonly stream: string; readonly subject: string } | null {
  for (const { nodes } of stages)
    for (const { op } of nodes)
      if (op.kind === 'sink' && op.spec.name === DEAD_LETTERS_SUBJECT && op.spec.nats?.stream !== undefined)
        return { stream: op.spec.nats.stream, subject: op.spec.nats.subject };
  return null;
}
