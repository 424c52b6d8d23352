// Writes a task's steps to its journal, one at a time, each fenced by the one before.
//
// Owns: epoch, number, hash and sequence of the task's last record, the newest checkpoint, and the one that record names.
//   W1. One append in flight; a step larger than a record becomes several, visible with the last (`more: false`).
//   W2. After `fenced` nothing is written any more.
//   W3. Positions, state and counts move with a step's last record only: a step left unfinished has not happened.
//   W4. A checkpoint counts for whoever comes next when a stored record names it; until then nothing behind the one before may go.

import { MillraceError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { commitFenced } from '../journal/fence.ts';
import type { Journal } from '../journal/journal.ts';
import { encodeRecord } from '../journal/record-codec.ts';
import type { CheckpointRef, RecordHeader } from '../journal/record.ts';
import { taskName } from '../plan/physical-plan.ts';
import type { StagePlan } from '../plan/physical-plan.ts';
import type { Segment, Step } from '../task/step-record.ts';

export type Place = { readonly epoch: number; readonly number: number; readonly hash: string; readonly sequence: number };
export type RecordPlace = Pick<Place, 'epoch' | 'number' | 'sequence'>;

export type Committed =
  | {
      readonly kind: 'committed';
      /** Number and sequence of the step's last record. */
      readonly number: number;
      readonly sequence: number;
      readonly firstSequence: number;
      readonly bytes: number;
    }
  | { readonly kind: 'fenced'; readonly byEpoch: number }
  | { readonly kind: 'stopped' };

export type CommitterParts = {
  readonly journal: Journal;
  /** Of the task. */
  readonly clock: Clock;
  readonly stage: StagePlan;
  readonly partition: number;
  readonly owner: string;
  readonly tables: Readonly<Record<string, string>>;
  readonly revision: number;
  /** Soft bound of a record's segments together; a single larger segment still goes out, up to recordBytesMax. */
  readonly recordBytes: number;
  readonly recordBytesMax: number;
};

export class Committer {
  checkpoint: CheckpointRef | null;
  #named: CheckpointRef | null;
  appliedNumber: number;
  readonly #parts: CommitterParts;
  #place: Place;
  /** Positions and counts of the last whole step: what the first records of a large step still say (W3). */
  #standing: Step['header'];

  constructor(parts: CommitterParts, place: Place, standing: Step['header'], checkpoint: CheckpointRef | null, appliedNumber: number) {
    this.#parts = parts;
    this.#place = place;
    this.#standing = standing;
    this.checkpoint = this.#named = checkpoint;
    this.appliedNumber = appliedNumber;
  }

  get place(): Place {
    return this.#place;
  }

  /** The checkpoint that the last stored record names (W4). */
  get named(): CheckpointRef | null {
    return this.#named;
  }

  /** Sequence below which no record is needed to restore the state (W4); 0: all are. */
  get restorableFrom(): number {
    return this.#named?.sequence ?? 0;
  }

  get subject(): string {
    return `${this.#parts.stage.subjectPrefix}.${this.#parts.partition}`;
  }

  async commit(step: Step, signal: AbortSignal): Promise<Committed> {
    const { groups, last } = pack(step, this.#parts.recordBytes);
    let [firstSequence, bytes] = [0, 0];
    for (const group of groups) {
      const outcome = await this.#append(step, group, true, signal);
      if (outcome.kind !== 'committed') return outcome;
      firstSequence ||= outcome.sequence;
      bytes += outcome.bytes;
    }
    const outcome = await this.#append(step, last, false, signal);
    if (outcome.kind !== 'committed') return outcome;
    return { ...outcome, firstSequence: firstSequence || outcome.sequence, bytes: bytes + outcome.bytes };
  }

  async #append(step: Step, segments: readonly Segment[], more: boolean, signal: AbortSignal): Promise<Committed> {
    const { journal, clock, stage, owner } = this.#parts;
    const number = this.#place.number + 1;
    const header = this.#header(step, number, more);
    const { bytes, hash } = encodeRecord(header, segments);
    this.#checkSize(bytes.byteLength);
    const place = {
      stream: stage.stream,
      subject: this.subject,
      expected: this.#place.sequence,
      bytes,
      hash,
      epoch: this.#place.epoch,
      number,
      owner,
    };
    const outcome = await commitFenced(journal, place, { clock, signal });
    if (outcome.kind !== 'committed') return outcome;
    this.#place = { epoch: this.#place.epoch, number, hash, sequence: outcome.sequence };
    if (!more) this.#standing = step.header;
    if (!more && step.state?.kind === 'image')
      this.checkpoint = { name: ':inline', sha256: '', number, sequence: outcome.sequence, bytes: step.state.bytes.byteLength };
    this.#named = header.checkpoint?.sequence === -1 ? this.checkpoint : header.checkpoint;
    return { kind: 'committed', number, sequence: outcome.sequence, firstSequence: outcome.sequence, bytes: bytes.byteLength };
  }

  #header(step: Step, number: number, more: boolean): Omit<RecordHeader, 'bodyHash' | 'segments'> {
    const { stage, partition, owner, tables, revision, clock } = this.#parts;
    const inline = !more && step.state?.kind === 'image';
    const said = more ? this.#standing : step.header;
    return {
      ...said,
      stage: stage.id,
      partition,
      epoch: this.#place.epoch,
      owner,
      kind: 'commit',
      number,
      more,
      previousHash: this.#place.hash,
      sink: said.sink === null ? null : { ...said.sink, appliedNumber: this.appliedNumber },
      checkpoint: inline ? { name: ':inline', sha256: '', number, sequence: -1, bytes: 0 } : this.checkpoint,
      tables,
      revision,
      clock: { ms: clock.nowMs() },
    };
  }

  #checkSize(bytes: number): void {
    const { stage, partition, recordBytesMax } = this.#parts;
    if (bytes > recordBytesMax) throw new MillraceError('MR2107', { task: taskName(stage.id, partition), bytes, bytesMax: recordBytesMax });
  }
}

/** Cuts a step into records of about `recordBytes`: events first, then payload and state, cut into pieces where they are
 *  larger than that. A reader of pieces puts them together again (recovery.ts). */
function pack(step: Step, recordBytes: number): { groups: Segment[][]; last: Segment[] } {
  // The state comes last: an image must lie in the step's last record, where recovery starts.
  const tail = [step.payload, step.state].flatMap((segment) => (segment === null ? [] : pieces(segment, recordBytes)));
  const groups: Segment[][] = [];
  let open: Segment[] = [];
  let bytes = 0;
  for (const segment of [...step.events, ...tail]) {
    if (open.length > 0 && bytes + segment.bytes.byteLength > recordBytes) {
      groups.push(open);
      open = [];
      bytes = 0;
    }
    open.push(segment);
    bytes += segment.bytes.byteLength;
  }
  return { groups, last: open };
}

/** The count stands at the last piece. */
function pieces(segment: Segment, bytesMax: number): Segment[] {
  const { bytes } = segment;
  const count = Math.max(1, Math.ceil(bytes.byteLength / bytesMax));
  return Array.from({ length: count }, (_, place) => ({
    ...segment,
    count: place === count - 1 ? segment.count : 0,
    bytes: bytes.subarray(place * bytesMax, (place + 1) * bytesMax),
  }));
}
