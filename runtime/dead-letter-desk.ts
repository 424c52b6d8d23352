// The dead letters of a job, seen from outside: what they are, what was decided about each, and deciding it.
//
//   L1. A letter is named by the result that it is: the same for everybody, at any time.
//   L2. A decision is stored once for ever (journal/decide-once.ts): putting the same letters in again changes nothing.
//   L3. Letters are put in in the order in which they were refused, one behind the other: those of a key reach it in that order.
//   L4. Letters of earlier runs of the job are left where they are: nobody has their state any more.

import { findDirectory } from './adapters/nats/directory.ts';
import { ensureRedriveLane } from './adapters/nats/job-streams.ts';
import { Link } from './adapters/nats/link.ts';
import { NatsJournal } from './adapters/nats/nats-journal.ts';
import { NatsReader } from './adapters/nats/nats-reader.ts';
import type { Clock } from './base/clock.ts';
import { formatTraceparent, parseTraceparent } from './base/trace-context.ts';
import { isError } from './base/errors.ts';
import { ID_HEADER, parseResultId } from './connectors/nats/result-id.ts';
import { lastOfSubject } from './connectors/nats/subject-places.ts';
import { streamsOf } from './connectors/nats/user-streams.ts';
import type { DeadLetter, Value } from './event/batch.ts';
import { exactEvent } from './event/exact-event.ts';
import { decodeRedriveEntry } from './journal/redrive-entry.ts';
import type { RedriveEntry } from './journal/redrive-entry.ts';
import { decideOnce } from './journal/decide-once.ts';
import type { StoredRecord } from './journal/journal.ts';
import { decodeHeader } from './journal/record-codec.ts';
import type { RecordHeader } from './journal/record.ts';
import type { PhysicalPlan, StagePlan } from './plan/physical-plan.ts';
import { taskName } from './plan/physical-plan.ts';
import { deadLettersSubject, redriveStream, redriveSubject } from './plan/plan-names.ts';
import { redriveTarget } from './task/redrive-target.ts';
import type { RedriveTarget } from './task/redrive-target.ts';
import type { JobRecord } from './worker/job-record.ts';

/** `streamSequence`: its place among all messages of its stream. */
export type FiledLetter = { readonly id: string; readonly atMs: number; readonly streamSequence: number; readonly letter: DeadLetter };
/** `sequence`: place of the decision. */
export type Decision = { readonly sequence: number; readonly entry: RedriveEntry };

export type LettersRead = {
  readonly letters: readonly FiledLetter[];
  readonly nextSequence: number;
  /** Of those that are there now and were not read yet. */
  readonly behind: number;
  /** Passed over: gone from the stream, or older than `newest` allows. */
  readonly passed: number;
};

export type RedriveOutcome = {
  /** Letters that were put in by this call, by the task that takes them. */
  readonly sent: readonly { readonly id: string; readonly task: string }[];
  /** Decided by somebody else meanwhile. */
  readonly before: number;
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
  /** How many of `sent` were taken in when this call ended. */
  readonly taken: number;
};

export type RedriveOptions = {
  /** Comes in the place of the letter's own event. */
  readonly event?: { readonly value: Value };
  /** Only tells where to. */
  readonly dryRun?: boolean;
  /** How long to wait until they are taken in. */
  readonly waitMs: number;
};

const READ_BYTES_MAX = 4 * 1024 * 1024;
const WAIT_MS = 1_000;
const LOOK_MS = 200;

type Sent = { readonly id: string; readonly stage: StagePlan; readonly partition: number; readonly sequence: number };
type Task = Extract<RedriveTarget, { kind: 'task' }>;

export class DeadLetterDesk {
  readonly plan: PhysicalPlan;
  readonly #link: Link;
  readonly #journal: NatsJournal;
  readonly #record: JobRecord;
  readonly #clock: Clock;

  private constructor(link: Link, record: JobRecord, clock: Clock) {
    this.#link = link;
    this.#journal = new NatsJournal(link);
    this.#record = record;
    this.#clock = clock;
    this.plan = record.plan as PhysicalPlan;
  }

  /** The desk of a job, by the name that its streams have; null: no such job runs on this server. */
  static async open(connection: Parameters<typeof findDirectory>[0], job: string, clock: Clock): Promise<DeadLetterDesk | null> {
    const record = (await (await findDirectory(connection, job))?.get('job'))?.value as JobRecord | undefined;
    return record === undefined ? null : new DeadLetterDesk(Link.of(connection), record, clock);
  }

  get runId(): string {
    return this.#record.runId;
  }

  /** Reads on from a place in the stream: about `bytesMax`, and of all that there is only the `newest`. Oldest first. */
  async read(asked: { readonly fromSequence: number; readonly newest: number; readonly bytesMax: number }): Promise<LettersRead> {
    const subject = deadLettersSubject(this.plan.job);
    const [stream] = await streamsOf(this.#link, subject);
    const last = stream === undefined ? 0 : await lastOfSubject(this.#link, { stream, subject });
    if (stream === undefined || last < asked.fromSequence) return { letters: [], nextSequence: asked.fromSequence, behind: 0, passed: 0 };
    const { firstSequence } = await this.#journal.figures(stream);
    const from = Math.max(asked.fromSequence, firstSequence, last - asked.newest + 1);
    const letters: FiledLetter[] = [];
    let [next, bytes] = [from, 0];
    const reader = new NatsReader(this.#link, stream, { fromSequence: from, subjects: [subject] }, { isShared: true, header: ID_HEADER });
    try {
      while (next <= last && bytes < asked.bytesMax) {
        const found = await reader.next({ bytesMax: READ_BYTES_MAX, waitMs: WAIT_MS });
        if (found.length === 0) break; // it comes at the next look
        for (const stored of found) {
          const filed = this.#filed(stored.header, stored);
          if (filed !== null) letters.push(filed);
          bytes += stored.bytes.length;
          next = stored.sequence + 1;
        }
      }
    } finally {
      await reader.close();
    }
    return { letters, nextSequence: next, behind: Math.max(0, last - next + 1), passed: Math.max(0, from - asked.fromSequence) };
  }

  /** Every letter of this run, oldest first, up to the last one that is there now. */
  async *letters(): AsyncGenerator<FiledLetter> {
    const subject = deadLettersSubject(this.plan.job);
    const [stream] = await streamsOf(this.#link, subject);
    const last = stream === undefined ? 0 : await lastOfSubject(this.#link, { stream, subject });
    if (stream === undefined || last === 0) return;
    const reader = new NatsReader(this.#link, stream, { fromSequence: 1, subjects: [subject] }, { isShared: true, header: ID_HEADER });
    try {
      for (let sequence = 0; sequence < last;) {
        for (const stored of await reader.next({ bytesMax: READ_BYTES_MAX, waitMs: WAIT_MS })) {
          sequence = stored.sequence;
          const filed = this.#filed(stored.header, stored);
          if (filed !== null) yield filed;
        }
      }
    } finally {
      await reader.close();
    }
  }

  /** What was decided behind that place of the ledger, by the letter's id. */
  async decisions(afterSequence = 0): Promise<ReadonlyMap<string, Decision>> {
    const stream = redriveStream(this.plan.job);
    const found = new Map<string, Decision>();
    const last = (await this.#ledgerEnd()) ?? 0;
    if (last <= afterSequence) return found;
    const reader = this.#journal.read(stream, { fromSequence: afterSequence + 1 });
    try {
      for (let at = afterSequence; at < last;) {
        for (const { sequence, subject, bytes } of await reader.next({ bytesMax: READ_BYTES_MAX, waitMs: WAIT_MS })) {
          at = sequence;
          const entry = decodeRedriveEntry(bytes);
          if (entry !== null) found.set(subject.slice(subject.lastIndexOf('.') + 1), { sequence, entry });
        }
      }
    } finally {
      await reader.close();
    }
    return found;
  }

  /** How many of these decisions to put in again are not taken in yet. */
  async waiting(decisions: Iterable<Decision>): Promise<number> {
    const heads = new Map<string, RecordHeader | null>();
    let waiting = 0;
    for (const { sequence, entry } of decisions) {
      if (entry.kind !== 'redrive') continue;
      const stage = this.plan.stages.find(({ id }) => id === entry.stage);
      const head = stage === undefined ? null : await this.#head(heads, stage, entry.partition);
      if ((head?.redriven ?? 0) < sequence) waiting++;
    }
    return waiting;
  }

  /** L2, L3. Letters that cannot be put in again are told with the reason, and nothing is decided about them. */
  async redrive(letters: readonly FiledLetter[], { event, dryRun = false, waitMs }: RedriveOptions): Promise<RedriveOutcome> {
    const heads = new Map<string, RecordHeader | null>();
    const sent: Sent[] = [];
    const refused: { id: string; reason: string }[] = [];
    let before = 0;
    if (!dryRun) await this.#ensureLedger();
    for (const { id, letter } of letters) {
      const target = await this.#target(letter, event !== undefined, heads);
      if (target.kind === 'none') {
        refused.push({ id, reason: target.reason });
        continue;
      }
      const { stage, partition } = target;
      if (dryRun) {
        sent.push({ id, stage, partition, sequence: 0 });
        continue;
      }
      const decided = await this.#decide(id, this.#entryOf(letter, target, event));
      if (decided.kind === 'stored') sent.push({ id, stage, partition, sequence: decided.sequence });
      else before++;
    }
    return {
      sent: sent.map(({ id, stage, partition }) => ({ id, task: taskName(stage.id, partition) })),
      before,
      refused,
      taken: dryRun ? 0 : await this.#taken(sent, waitMs),
    };
  }

  /** Marks letters as done. Nothing is deleted: they stay on their subject. Resolves with how many were marked by this call. */
  async drop(letters: readonly FiledLetter[], reason: string): Promise<number> {
    await this.#ensureLedger();
    let dropped = 0;
    for (const { id } of letters) {
      const decided = await this.#decide(id, { kind: 'drop', reason, atMs: this.#clock.nowMs() });
      if (decided.kind === 'stored') dropped++;
    }
    return dropped;
  }

  #filed(header: string | undefined, { storedMs: atMs, sequence: streamSequence, bytes }: StoredRecord): FiledLetter | null {
    const id = header === undefined ? null : parseResultId(header);
    if (id === null || id.runId !== this.#record.runId) return null;
    try {
      const letter = JSON.parse(Buffer.from(bytes).toString('utf8')) as DeadLetter;
      return { id: `${id.record}-${id.index}`, atMs, streamSequence, letter };
    } catch {
      return null; // no letter of ours
    }
  }

  #entryOf(letter: DeadLetter, { stage, partition, node, input }: Task, event: RedriveOptions['event']): RedriveEntry {
    const { traceId = '', spanId = '' } = letter; // letters lie where others may write
    const trace = parseTraceparent(formatTraceparent({ traceId, spanId }));
    return {
      kind: 'redrive',
      stage: stage.id,
      partition,
      node,
      input,
      event: event === undefined ? exactEvent(letter) : event.value,
      timeMs: letter.timeMs,
      key: letter.key,
      attempts: (letter.attempts ?? 1) + 1,
      atMs: this.#clock.nowMs(),
      ...(trace === null ? {} : { trace }),
    };
  }

  async #target(letter: DeadLetter, isGiven: boolean, heads: Map<string, RecordHeader | null>): Promise<RedriveTarget> {
    const target = redriveTarget(this.plan, letter, { isGiven });
    if (target.kind === 'none') return target;
    const { stage, partition } = target;
    if (stage.kind === 'source' && this.#record.isReplay)
      return { kind: 'none', reason: `${stage.id} is a replay: it lets out only what it has read` };
    if ((await this.#head(heads, stage, partition))?.done === true)
      return {
        kind: 'none',
        reason: `${taskName(stage.id, partition)} has come to the end of all its input and takes nothing in any more`,
      };
    return target;
  }

  #decide(id: string, entry: RedriveEntry): ReturnType<typeof decideOnce> {
    const { job } = this.plan;
    const place = { stream: redriveStream(job), subject: redriveSubject(job, id) };
    return decideOnce(this.#journal, place, entry, { clock: this.#clock, signal: NEVER });
  }

  async #taken(sent: readonly Sent[], waitMs: number): Promise<number> {
    const deadlineMs = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      const heads = new Map<string, RecordHeader | null>();
      let taken = 0;
      for (const { stage, partition, sequence } of sent)
        if (((await this.#head(heads, stage, partition))?.redriven ?? 0) >= sequence) taken++;
      if (taken === sent.length || this.#clock.monotonicMs() >= deadlineMs) return taken;
      await this.#clock.sleep(LOOK_MS);
    }
  }

  /** The last record of a task, read once for `heads`. */
  async #head(heads: Map<string, RecordHeader | null>, stage: StagePlan, partition: number): Promise<RecordHeader | null> {
    const name = taskName(stage.id, partition);
    const known = heads.get(name);
    if (known !== undefined) return known;
    const subject = `${stage.subjectPrefix}.${partition}`;
    const record = await this.#journal.last(stage.stream, subject);
    const head = record === null ? null : decodeHeader(record.bytes, subject);
    heads.set(name, head);
    return head;
  }

  /** Last sequence of what was decided; null: there is no stream for it yet. */
  async #ledgerEnd(): Promise<number | null> {
    try {
      return (await this.#journal.figures(redriveStream(this.plan.job))).lastSequence;
    } catch (error) {
      if (isError(error, 'MR1012')) return null; // a run of an older version
      throw error;
    }
  }

  async #ensureLedger(): Promise<void> {
    if ((await this.#ledgerEnd()) !== null) return;
    await ensureRedriveLane(this.#journal, this.plan.job);
  }
}

const NEVER = new AbortController().signal;
