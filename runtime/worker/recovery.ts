// How a task begins: claim the partition, then restore what its records say, up to one's own claim (J3).
//
//   R1. Nobody claims behind a record of a newer revision of the job: who still runs an older one waits for the new one.
//   R2. A partition that has no record yet begins with its part of the savepoint that the run was started from, if it has one.
//   R3. What an older declaration left is put under the edges of this one by their numbers (task/step.ts, P3). A keyed stage that
//       had gone and came back begins empty, but for a rollback; a sink or source of that name goes on.
//   R4. A warm copy (warm-copy.ts) spares reading, never checking: what it has must be followed, record by record, by what lies
//       between it and our claim. Else it is thrown away.
//   R5. State of an older version is migrated in portions: code of a user, over all keys, must not keep heartbeats waiting.

import { isError, isRetry } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { WATERMARK_MAX } from '../event/batch.ts';
import { claim } from '../journal/claim.ts';
import type { ClaimLink, Claimed, PreviousRecord } from '../journal/claim.ts';
import type { BlobStore, Journal } from '../journal/journal.ts';
import { decodeHeader, encodeRecord } from '../journal/record-codec.ts';
import type { RecordHeader } from '../journal/record.ts';
import { replay } from '../journal/replay.ts';
import { readFence } from '../journal/fence.ts';
import { isReturned, taskName } from '../plan/physical-plan.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { ValueMemory } from '../state/value-memory.ts';
import { migrations } from '../task/migrations.ts';
import type { TaskCore } from '../task/step.ts';
import type { Standing } from '../task/step-record.ts';
import { Committer } from './committer.ts';
import type { SavepointManifest, SavepointTask } from './job-record.ts';
import { fromPart } from './savepoint.ts';
import { StateCopy, placed } from './state-copy.ts';
import { carriedClock, clockMark } from './task-clock.ts';
import type { ClockMark } from './task-clock.ts';
import type { Turns } from './turns.ts';

const RECORD_BYTES = 1024 * 1024;

export type RecoveryParts = {
  readonly core: TaskCore;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly subject: string;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly worker: string;
  readonly plan: PhysicalPlan;
  readonly revision: number;
  /** The task's part of the savepoint that the run was started from; null: none. */
  readonly savedPart: (task: string) => Promise<SavedPart | null>;
  /** What this worker has followed of the partition before it claimed; null: nothing. */
  readonly warm: () => Promise<StateCopy | null>;
  readonly tableVersions: Readonly<Record<string, string>>;
  readonly recordBytesMax: number;
  readonly turns: Turns;
  readonly memory: ValueMemory | null;
  readonly failpoint: (name: string) => void;
};

/** `manifest`: of the job that it was taken of. */
export type SavedPart = { readonly part: SavepointTask; readonly manifest: Pick<SavepointManifest, 'job' | 'runId'> };

export type Unapplied = {
  readonly number: number;
  readonly payload: Uint8Array;
  readonly count: number;
  readonly sink: NonNullable<RecordHeader['sink']>;
};

export type Begun =
  | {
      readonly kind: 'claimed';
      readonly committer: Committer;
      readonly unapplied: readonly Unapplied[];
      readonly isWarm: boolean;
      /** What its clock goes on from. */
      readonly clock: ClockMark | null;
    }
  /** The task had ended before: its last record. */
  | { readonly kind: 'done'; readonly epoch: number; readonly number: number; readonly sequence: number }
  /** Another owner has claimed the partition meanwhile. */
  | { readonly kind: 'fenced' }
  | { readonly kind: 'stopped' };

/** Claims the partition and brings `core` to the state of its last record. Throws MR2105, MR2106, MR1008. */
export async function claimAndRestore(parts: RecoveryParts): Promise<Begun> {
  const place = { stream: parts.stage.stream, subject: parts.subject };
  const waiting = { clock: parts.clock, signal: parts.signal };
  const fence = await readFence(parts.journal, place, waiting);
  if (fence === 'stopped') return { kind: 'stopped' };
  if (fence !== null) {
    const header = decodeHeader(fence.bytes, parts.subject);
    if (header.revision > parts.revision) return { kind: 'fenced' };
    checkTables(header, parts);
    const origin = originOf(parts, { header, sequence: fence.sequence, storedMs: fence.storedMs });
    if (origin.header.done && header.watermarks.length >= parts.stage.outputs.length) {
      parts.core.restore(origin.header, new PartitionState(), false);
      return { kind: 'done', epoch: header.epoch, number: header.number, sequence: fence.sequence };
    }
  }
  const saved = fence === null ? await savedBegin(parts) : null;
  parts.failpoint('claim-send');
  const claimed = await claim(
    parts.journal,
    {
      ...place,
      owner: parts.worker,
      makeClaim: (previous, link) => encodeRecord(claimHeader(parts, beginning(parts, previous, saved), link), []),
      yields: (previous) => previous.header.revision > parts.revision,
    },
    waiting,
  );
  if (claimed.kind !== 'claimed') return { kind: claimed.kind === 'yielded' ? 'fenced' : 'stopped' };
  const monotonicMs = parts.clock.monotonicMs();
  parts.failpoint('claimed');
  return restore(parts, claimed, beginning(parts, claimed.previous, saved), monotonicMs);
}

/** Where a task without records begins: its part of a savepoint, as if that were the record before. */
async function savedBegin(parts: RecoveryParts): Promise<Origin | null> {
  const { plan, stage } = parts;
  const saved = isReturned(plan, stage.id) ? null : await parts.savedPart(taskName(stage.id, parts.partition));
  if (saved === null) return null;
  const { standing, checkpoint } = fromPart(saved.part, saved.manifest, plan, stage);
  return { header: { ...standing, checkpoint }, sequence: 0, storedMs: null };
}

/** Writes to a sink's target, waiting as long as it says "not now" (J8). Tries once in any case; false: stopped without success. */
export async function untilWritten(
  write: () => Promise<void>,
  waiting: { readonly clock: Clock; readonly signal: AbortSignal; readonly onTrouble: (error: unknown) => void },
): Promise<boolean> {
  for (let delayMs = 10; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    try {
      await write();
      return true;
    } catch (error) {
      if (!isRetry(error)) throw error;
      waiting.onTrouble(error);
    }
    await waiting.clock.sleep(delayMs, waiting.signal);
    if (waiting.signal.aborted) return false;
  }
}

async function restore(parts: RecoveryParts, claimed: Claimed, origin: Origin | null, monotonicMs: number): Promise<Begun> {
  const previous = origin?.header ?? null;
  const restored = await readBackWhole(parts, claimed, previous);
  if (restored === 'stopped' || restored === 'fenced') return { kind: restored };
  const { state } = restored.copy;
  if (previous !== null && isEarlierLife(parts, previous)) state.keepOnly(new Set());
  for (const _ of migrations(parts.stage, state)) await parts.turns.give(); // R5
  parts.core.restore(previous, state, claimed.previous !== null);
  if (previous?.done === true) return { ...claimed, kind: 'done' };
  const committer = new Committer(
    {
      journal: parts.journal,
      clock: parts.clock,
      stage: parts.stage,
      partition: parts.partition,
      owner: parts.worker,
      tables: parts.tableVersions,
      revision: parts.revision,
      recordBytes: Math.min(RECORD_BYTES, parts.recordBytesMax / 2),
      recordBytesMax: parts.recordBytesMax,
    },
    { epoch: claimed.epoch, number: claimed.number, hash: claimed.hash, sequence: claimed.sequence },
    {
      ...standingBehind(parts, origin),
      ingestMs: parts.clock.nowMs(),
    },
    origin === null ? null : placed(origin.header.checkpoint, origin.sequence), // older ones, that a warm copy began with, may be gone
    previous?.sink?.appliedNumber ?? 0,
  );
  const { unapplied, isWarm, copy } = restored;
  const clock = clockMark(carriedClock(origin?.header.clock, origin?.storedMs ?? null), { claimedMs: copy.storedMs, monotonicMs });
  return { kind: 'claimed', committer, unapplied, isWarm, clock };
}

type ReadBack = { readonly copy: StateCopy; readonly unapplied: readonly Unapplied[]; readonly isWarm: boolean };

/** What is missing while reading back was purged: by an owner that claimed behind us, or by the one before us, whose last
 *  purge was under way; then a second reading finds all. What is missing twice is lost: MR2105, MR2106. A warm copy that does
 *  not reach up to the claim is left for a reading from the checkpoint on (R4). */
async function readBackWhole(parts: RecoveryParts, claimed: Claimed, origin: Carried | null): Promise<ReadBack | 'stopped' | 'fenced'> {
  let warm = origin === null || claimed.previous === null ? null : await parts.warm();
  for (let attempt = 1; ; attempt++) {
    try {
      return await readBack(parts, claimed, origin, warm);
    } catch (error) {
      if (!isError(error, 'MR2105') && !isError(error, 'MR2106')) throw error;
      const place = { stream: parts.stage.stream, subject: parts.subject };
      const owner = await ownerNow(parts.journal, place, claimed.epoch, parts);
      if (owner !== 'ours') return owner;
      if (warm === null && attempt === 2) throw error;
      if (warm !== null) attempt = 0;
      warm?.state.close();
      warm = null;
    }
  }
}

/** Whether the partition is still that of `epoch`, or its last record is of a later one (`fenced`). Waits for the journal to say so:
 *  `stopped` when asked to end first, which says nothing. */
export async function ownerNow(
  journal: Journal,
  place: { readonly stream: string; readonly subject: string },
  epoch: number,
  waiting: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<'ours' | 'fenced' | 'stopped'> {
  const fence = await readFence(journal, place, { clock: waiting.clock, signal: waiting.signal });
  if (fence === 'stopped') return 'stopped';
  return fence !== null && decodeHeader(fence.bytes, place.subject).epoch > epoch ? 'fenced' : 'ours';
}

/** State = checkpoint + changes since, up to our claim: with a copy that has come some of the way, what is left of it. */
async function readBack(
  parts: RecoveryParts,
  claimed: Claimed,
  origin: Carried | null,
  warm: StateCopy | null,
): Promise<ReadBack | 'stopped'> {
  const { stage, partition, subject, signal } = parts;
  const namedAt = claimed.previous?.sequence ?? 0;
  const of = { subject, task: taskName(stage.id, partition), checkpoint: origin?.checkpoint ?? null, namedAt };
  const copy = warm ?? (await StateCopy.begin(parts, of));
  const appliedNumber = origin?.sink?.appliedNumber ?? 0;
  const unapplied: Unapplied[] = [];
  const isWarm = warm !== null;
  if (isAtClaim(copy, claimed, subject)) return { copy, unapplied, isWarm };
  const fromSequence = Math.min(copy.sequence + 1, claimed.sequence, stage.kind === 'sink' ? 1 : Infinity);
  const range = { stream: stage.stream, subject, fromSequence, untilSequence: claimed.sequence, signal };
  for await (const { sequence, storedMs, record } of replay(parts.journal, range)) {
    const { number, sink } = record.header;
    const payload = copy.take({ sequence, storedMs }, record);
    if (payload !== null && sink !== null && number > appliedNumber)
      unapplied.push({ number, payload: payload.bytes, count: payload.count, sink });
  }
  return signal.aborted ? 'stopped' : { copy, unapplied, isWarm };
}

/** A copy that was followed while we claimed may have our claim already. Throws MR2105 for one that has gone past it. */
function isAtClaim(copy: StateCopy, claimed: Claimed, subject: string): boolean {
  if (copy.end === null || copy.number < claimed.number) return false;
  if (copy.end.hash === claimed.hash) return true;
  throw new MillraceError('MR2105', { task: subject, problem: `record ${copy.number} is not the claim of epoch ${claimed.epoch}` });
}

/** What a partition goes on from: its record before, or its part of a savepoint. */
type Origin = Pick<PreviousRecord, 'sequence'> & { readonly header: Carried; readonly storedMs: number | null };
type Carried = Standing & Pick<RecordHeader, 'checkpoint' | 'clock'>;

function claimHeader(parts: RecoveryParts, origin: Origin | null, link: ClaimLink): Omit<RecordHeader, 'bodyHash' | 'segments'> {
  const { stage, partition, worker, tableVersions, clock, revision } = parts;
  return {
    ...standingBehind(parts, origin),
    ...link,
    stage: stage.id,
    partition,
    owner: worker,
    kind: 'claim',
    more: false,
    tables: tableVersions,
    revision,
    ingestMs: clock.nowMs(),
    clock: carriedClock(origin?.header.clock, origin?.storedMs ?? null),
  };
}

/** What a record says that changes nothing. Watermarks have a place for each exchange of this plan: of an ended task all are. */
function standingBehind({ core, stage, plan }: RecoveryParts, origin: Origin | null): Carried {
  if (origin === null) return { ...core.standing(), checkpoint: null };
  const { inputs, source, sink, watermarks, nodeWatermarks, done, counters, checkpoint, redriven, idle } = origin.header;
  const place = (edge: number, index: number): number | null =>
    watermarks[index] ?? (done && plan.edges[edge]?.retired !== true ? WATERMARK_MAX : null);
  return {
    inputs,
    source,
    nodeWatermarks,
    done,
    counters,
    redriven,
    idle,
    watermarks: stage.outputs.map(place),
    checkpoint: placed(checkpoint, origin.sequence),
    sink: sink === null ? null : { ...sink, before: sink.after },
  };
}

function beginning(parts: RecoveryParts, previous: PreviousRecord | null, saved: Origin | null): Origin | null {
  return previous === null ? saved : originOf(parts, previous);
}

/** What of a record the stage goes on from, as it is declared now (R3). Throws MR2109. */
function originOf(parts: RecoveryParts, { header, sequence, storedMs }: Origin): Origin {
  if (isEarlierLife(parts, header)) return { header: { ...header, inputs: [], nodeWatermarks: {}, done: false }, sequence, storedMs };
  const fresh = header.done ? freshInput(parts, header) : undefined;
  if (fresh === undefined) return { header, sequence, storedMs };
  // What comes behind the end of event time would all be late; a sink knows no time and just goes on.
  if (parts.stage.kind === 'keyed' && parts.stage.resumed !== true)
    throw new MillraceError('MR2109', { stage: parts.stage.id, input: parts.plan.edges[fresh]?.id ?? '' });
  return { header: { ...header, done: false }, sequence, storedMs };
}

/** It knows none of the exchanges that the stage reads now, and the stage had gone before. */
function isEarlierLife({ plan, stage }: RecoveryParts, { inputs }: Carried): boolean {
  return (
    stage.kind === 'keyed' &&
    stage.resumed !== true &&
    isReturned(plan, stage.id) &&
    !inputs.some(({ edge }) => stage.inputs.includes(edge))
  );
}

function freshInput({ stage }: RecoveryParts, { inputs }: Carried): number | undefined {
  return stage.inputs.find((edge) => !inputs.some((input) => input.edge === edge));
}

/** A revision works with one version of its side inputs, also after a restart. */
function checkTables(header: RecordHeader, parts: RecoveryParts): void {
  if (header.revision !== parts.revision) return;
  for (const [table, before] of Object.entries(header.tables)) {
    const now = parts.tableVersions[table] ?? 'absent';
    if (now !== before) throw new MillraceError('MR1008', { table, path: table, before, now });
  }
}
