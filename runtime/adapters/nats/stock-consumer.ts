// The consumers by which a job's workers read streams of another account: one for each split of a source, made by who runs the job
// (docs/adr/0046). What they are called, what they are like, and what a worker may ask of them. Pure.
//
//   K1. Another run of the job has others: what is left of an older run cannot reach those of the present one.
//   K2. A name stays while the split's stream and subject do, whatever else a revision changes: who reads goes on reading.
//   K3. All of a job's begin alike, and so do no other job's: no part behind a job has a `_`.

import { createHash } from 'node:crypto';
import type { SourceSpec } from '../../../crds/stream-job/sources.ts';
import type { PhysicalPlan } from '../../plan/physical-plan.ts';
import { STREAM_ROOT } from '../../plan/plan-names.ts';
import { accountOfStream } from './job-connections.ts';

/** Whose they are. */
export type StockOwner = { readonly identity: string; readonly runId: string };

export type StockPlace = { readonly stream: string; readonly consumer: string; readonly subject: string };

/** Of all that have asked, the server serves one of this group at a time. */
export const STOCK_GROUP = 'owner';

const NS_PER_MS = 1_000_000;
/** Each pull of who is served begins it anew, and one lasts 30 s at most (nats-reader.ts). */
const PIN_MS = 45_000;
const DIGEST_CHARS = 24;

/** K1, K2. */
export function stockConsumer(
  { identity, runId }: StockOwner,
  split: { readonly source: string; readonly split: number; readonly stream: string; readonly subject: string },
): string {
  const of = JSON.stringify([runId, split.source, split.split, split.stream, split.subject]);
  return `${stockPrefix(identity)}${createHash('sha256').update(of).digest('hex').slice(0, DIGEST_CHARS)}`;
}

/** K3. */
export function stockPrefix(identity: string): string {
  return `${STREAM_ROOT}${identity}_`;
}

/** All that a plan's sources read by, in the account of the streams. Their streams are named. */
export function stockOf(owner: StockOwner, plan: PhysicalPlan): readonly StockPlace[] {
  return plan.stages
    .flatMap(({ nodes }) => nodes)
    .flatMap(({ op }) => (op.kind === 'source' && accountOfStream(op.spec) === 'streams' ? stockOfSource(owner, op.spec) : []));
}

export function stockOfSource(owner: StockOwner, { name, nats }: SourceSpec): readonly StockPlace[] {
  const stream = nats?.stream;
  if (nats === undefined || stream === undefined) return [];
  return nats.subjects.map((subject, split) => ({
    stream,
    subject,
    consumer: stockConsumer(owner, { source: name, split, stream, subject }),
  }));
}

/** `deliver_policy: all`: only then may it be set back to any place. As many copies as its stream has. */
export function stockConfig({ consumer, subject }: StockPlace): Readonly<Record<string, unknown>> {
  return {
    name: consumer,
    durable_name: consumer,
    deliver_policy: 'all',
    ack_policy: 'none',
    replay_policy: 'instant',
    filter_subject: subject,
    priority_policy: 'pinned_client',
    priority_groups: [STOCK_GROUP],
    priority_timeout: PIN_MS * NS_PER_MS,
  };
}

/** What a worker asks. Nothing of it says where an answer or a message is to go but the reply subject. */
export function stockCalls({ stream, consumer }: Omit<StockPlace, 'subject'>): readonly string[] {
  return ['INFO', 'MSG.NEXT', 'RESET', 'UNPIN'].map((verb) => `CONSUMER.${verb}.${stream}.${consumer}`);
}
