// How a task begins: claim the partition, then restore what its records say, up to one's own claim (J3).
//
//   R1. Nobody claims behind a record of a newer revision of the job: who still runs an older one waits for the new one.
//   R2. A partition that has no record yet begins with its part of the savepoint that the run was started from, if it has one.
//   R3. What an older declaration left is put under the edges of this one by their numbers (task/step.ts, P3). A keyed stage that
//       had gone and came back begins empty, but for a rollback; a sink or source of that name goes on.

import { isError, isRetry } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { WATERMARK_MAX } from '../event/batch.ts';
import { claim } from '../journal/claim.ts';
import type { ClaimLink, Claimed, PreviousRecord } from '../journal/claim.ts';
import type { BlobStore, Journal } from '../journal/journal.ts';
import { decodeHeader, encodeRecord, segmentBytes } from '../journal/record-codec.ts';
import type { CheckpointRef, RecordHeader, Record_ } from '../journal/record.ts';
import { replay } from '../journal/replay.ts';
import { readFence } from '../journal/fence.ts';
import { isReturned, taskName } from '../plan/physical-plan.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { Standing, TaskCore } from '../task/step.ts';
import { Committer } from './committer.ts';
import type { SavepointManifest, SavepointTask } from './job-record.ts';
import { fromPart } from './savepoint.ts';

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
  readonly tableVersions: Readonly<Record<string, string>>;
  readonly recordBytesMax: number;
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
  | { readonly kind: 'claimed'; readonly committer: Committer; readonly unapplied: readonly Unapplied[] }
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
    const origin = originOf(parts, { header, sequence: fence.sequence });
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
  parts.failpoint('claimed');
  return restore(parts, claimed, beginning(parts, claimed.previous, saved));
}

/** Where a task without records begins: its part of a savepoint, as if that were the record before. */
async function savedBegin(parts: RecoveryParts): Promise<Origin | null> {
  const { plan, stage } = parts;
  const saved = isReturned(plan, stage.id) ? null : await parts.savedPart(taskName(stage.id, parts.partition));
  if (saved === null) return null;
  const { standing, checkpoint } = fromPart(saved.part, saved.manifest, plan, stage);
  return { header: { ...standing, checkpoint }, sequence: 0 };
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

async function restore(parts: RecoveryParts, claimed: Claimed, origin: Origin | null): Promise<Begun> {
  const previous = origin?.header ?? null;
  const restored = await readBackWhole(parts, claimed, previous?.checkpoint ?? null, previous?.sink?.appliedNumber ?? 0);
  if (restored === 'stopped' || restored === 'fenced') return { kind: restored };
  if (previous !== null && isEarlierLife(parts, previous)) restored.state.keepOnly(new Set());
  parts.core.restore(previous, restored.state, claimed.previous !== null);
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
    restored.checkpoint,
    previous?.sink?.appliedNumber ?? 0,
  );
  return { kind: 'claimed', committer, unapplied: restored.unapplied };
}

type ReadBack = { readonly state: PartitionState; readonly unapplied: readonly Unapplied[]; readonly checkpoint: CheckpointRef | null };

/** What is missing while reading back was purged: by an owner that claimed behind us, or by the one before us, whose last
 *  purge was under way; then a second reading finds all. What is missing twice is lost: MR2105, MR2106. */
async function readBackWhole(
  parts: RecoveryParts,
  claimed: Claimed,
  checkpoint: CheckpointRef | null,
  appliedNumber: number,
): Promise<ReadBack | 'stopped' | 'fenced'> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readBack(parts, claimed, checkpoint, appliedNumber);
    } catch (error) {
      if (!isError(error, 'MR2105') && !isError(error, 'MR2106')) throw error;
      const place = { stream: parts.stage.stream, subject: parts.subject };
      const owner = await ownerNow(parts.journal, place, claimed.epoch, parts);
      if (owner !== 'ours') return owner;
      if (attempt === 2) throw error;
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

/** State = checkpoint + changes since, up to our claim. A step that another owner left unfinished (`more`) counts for nothing. */
async function readBack(
  parts: RecoveryParts,
  claimed: Claimed,
  checkpoint: CheckpointRef | null,
  appliedNumber: number,
): Promise<ReadBack | 'stopped'> {
  let state = await loadCheckpoint(parts, checkpoint);
  let placed =
    checkpoint === null
      ? null
      : { ...checkpoint, sequence: checkpoint.sequence < 0 ? (claimed.previous?.sequence ?? 0) : checkpoint.sequence };
  const unapplied: Unapplied[] = [];
  const open = new OpenStep();
  let next = (placed?.number ?? 0) + 1;
  const isInline = checkpoint?.name === ':inline';
  const from = placed === null ? 1 : isInline ? placed.sequence : placed.sequence + 1;
  const fromSequence = Math.min(from, claimed.sequence, parts.stage.kind === 'sink' ? 1 : Infinity);
  for await (const { sequence, record } of replay(parts.journal, {
    stream: parts.stage.stream,
    subject: parts.subject,
    fromSequence,
    untilSequence: claimed.sequence,
    signal: parts.signal,
  })) {
    const { header } = record;
    if (header.number > next) {
      const problem = `record ${header.number} follows its checkpoint, which is that of record ${next - 1}`;
      throw new MillraceError('MR2105', { task: parts.subject, problem });
    }
    next = Math.max(next, header.number + 1);
    if (header.kind === 'claim') open.clear(); // a step that was left unfinished has not happened
    for (const info of header.segments) open.add(info.kind, segmentBytes(record, info), info.count);
    if (header.more) continue;
    const { image, delta, payload, count } = open.take();
    if (image !== null) state = PartitionState.restore(image);
    else if (delta !== null && header.number > (placed?.number ?? 0)) state.applyDelta(delta);
    if (payload !== null && header.sink !== null && header.number > appliedNumber)
      unapplied.push({ number: header.number, payload, count, sink: header.sink });
    if (hasImage(record)) placed = { name: ':inline', sha256: '', number: header.number, sequence, bytes: 0 };
  }
  return parts.signal.aborted ? 'stopped' : { state, unapplied, checkpoint: placed };
}

/** What the records of one step have brought so far, pieces put together. */
class OpenStep {
  readonly #pieces = new Map<string, Uint8Array[]>();
  #count = 0;

  add(kind: string, bytes: Uint8Array, count: number): void {
    if (kind === 'events') return;
    if (kind === 'payload') this.#count += count;
    this.#pieces.set(kind, [...(this.#pieces.get(kind) ?? []), bytes]);
  }

  clear(): void {
    this.#pieces.clear();
    this.#count = 0;
  }

  take(): { image: Uint8Array | null; delta: Uint8Array | null; payload: Uint8Array | null; count: number } {
    const whole = (kind: string): Uint8Array | null => {
      const found = this.#pieces.get(kind);
      return found === undefined ? null : Buffer.concat(found); // a copy: the records need not be kept
    };
    const taken = { image: whole('image'), delta: whole('delta'), payload: whole('payload'), count: this.#count };
    this.clear();
    return taken;
  }
}

async function loadCheckpoint(parts: RecoveryParts, checkpoint: CheckpointRef | null): Promise<PartitionState> {
  if (checkpoint === null || checkpoint.name.startsWith(':') || checkpoint.name === '') return new PartitionState();
  const image = await parts.blobs.get(checkpoint.name, checkpoint.sha256);
  if (image !== null) return PartitionState.restore(image);
  throw new MillraceError('MR2106', {
    task: taskName(parts.stage.id, parts.partition),
    problem: `${checkpoint.name} (${checkpoint.bytes} bytes) is missing or damaged`,
  });
}

/** What a partition goes on from: its record before, or its part of a savepoint. */
type Origin = Pick<PreviousRecord, 'sequence'> & { readonly header: Carried };
type Carried = Standing & Pick<RecordHeader, 'checkpoint'>;

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
  };
}

/** What a record says that changes nothing. Watermarks have a place for each exchange of this plan: of an ended task all are. */
function standingBehind({ core, stage, plan }: RecoveryParts, origin: Origin | null): Carried {
  if (origin === null) return { ...core.standing(), checkpoint: null };
  const { inputs, source, sink, watermarks, nodeWatermarks, done, counters, checkpoint, redriven } = origin.header;
  const place = (edge: number, index: number): number | null =>
    watermarks[index] ?? (done && plan.edges[edge]?.retired !== true ? WATERMARK_MAX : null);
  return {
    inputs,
    source,
    nodeWatermarks,
    done,
    counters,
    redriven,
    watermarks: stage.outputs.map(place),
    checkpoint: checkpoint === null || checkpoint.sequence >= 0 ? checkpoint : { ...checkpoint, sequence: origin.sequence },
    sink: sink === null ? null : { ...sink, before: sink.after },
  };
}

function beginning(parts: RecoveryParts, previous: PreviousRecord | null, saved: Origin | null): Origin | null {
  return previous === null ? saved : originOf(parts, previous);
}

/** What of a record the stage goes on from, as it is declared now (R3). Throws MR2109. */
function originOf(parts: RecoveryParts, { header, sequence }: Origin): Origin {
  if (isEarlierLife(parts, header)) return { header: { ...header, inputs: [], nodeWatermarks: {}, done: false }, sequence };
  const fresh = header.done ? freshInput(parts, header) : undefined;
  if (fresh === undefined) return { header, sequence };
  // What comes behind the end of event time would all be late; a sink knows no time and just goes on.
  if (parts.stage.kind === 'keyed' && parts.stage.resumed !== true)
    throw new MillraceError('MR2109', { stage: parts.stage.id, input: parts.plan.edges[fresh]?.id ?? '' });
  return { header: { ...header, done: false }, sequence };
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

function hasImage(record: Record_): boolean {
  return record.header.segments.some(({ kind }) => kind === 'image');
}
