// Reads what the conservation check judges (runtime/telemetry/conservation.ts) of a job's journals, while the job runs.
//
//   L1. The order is the check's (V4): all oldest records, then last ones, those of readers before those of their writers.
//   L2. Cheap: streams in which nothing happened are not read again; of others, each partition's oldest and last record are.
//   L3. A hole is told only when it was seen: by counting there is a suspicion, by reading there are its ends.
//   L4. Nothing here is written, and nothing throws but MR2102: NATS does not answer.

import { API_ERROR, callApi, type StoredMessage, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { valueOf } from '../../runtime/adapters/nats/lane-stream.ts';
import type { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import { taskName, type PhysicalPlan, type StagePlan } from '../../runtime/plan/physical-plan.ts';
import type { Hole, SeenRecord, SeenTask } from '../../runtime/telemetry/conservation.ts';

/** Reading a partition for a hole ends after this: what was not found by then is looked for again at the next look. */
const WALK_MAX_MS = 3_000;
const WALK_BYTES = 4 * 1024 * 1024;
const WALK_WAIT_MS = 500;

type Counted = Pick<StreamInfo['state'], 'messages' | 'first_seq' | 'last_seq'> & { readonly subjects?: Readonly<Record<string, number>> };

export class JournalLook {
  readonly #link: Link;
  readonly #journal: NatsJournal;
  readonly #clock: Clock;
  /** What was found in a stream, and its state then (L2). */
  readonly #known = new Map<string, { readonly state: string; readonly firsts: Firsts; readonly tasks: readonly SeenTask[] }>();

  constructor(link: Link, clock: Clock) {
    this.#link = link;
    this.#journal = new NatsJournal(link);
    this.#clock = clock;
  }

  async look(plan: PhysicalPlan): Promise<readonly SeenTask[]> {
    const streams = [...new Set(plan.stages.toReversed().map(({ stream }) => stream))];
    const stagesOf = (stream: string): readonly StagePlan[] => plan.stages.filter((stage) => stage.stream === stream);
    const firsts = new Map<string, Firsts>();
    for (const stream of streams) firsts.set(stream, await this.#firsts(stream, stagesOf(stream)));
    const tasks: SeenTask[] = [];
    for (const stream of streams) tasks.push(...(await this.#tasks(stream, stagesOf(stream), firsts.get(stream) ?? new Map())));
    return tasks;
  }

  async #firsts(stream: string, stages: readonly StagePlan[]): Promise<Firsts> {
    const known = this.#known.get(stream);
    if (known !== undefined && known.state === stateText(await this.#counted(stream), stages)) return known.firsts;
    const firsts = new Map<string, SeenRecord | null>();
    for (const { subject } of stages.flatMap(subjectsOf)) firsts.set(subject, await this.#get(stream, { seq: 1, next_by_subj: subject }));
    return firsts;
  }

  async #tasks(stream: string, stages: readonly StagePlan[], firsts: Firsts): Promise<readonly SeenTask[]> {
    const counted = await this.#counted(stream);
    const state = stateText(counted, stages);
    const known = this.#known.get(stream);
    if (known?.state === state && known.firsts === firsts) return known.tasks;
    const tasks: SeenTask[] = [];
    let isDecided = true;
    for (const { stage, partition, subject } of stages.flatMap(subjectsOf)) {
      const first = firsts.get(subject) ?? null;
      const last = await this.#get(stream, { last_by_subj: subject });
      const hole = await this.#holeIn(stream, subject, { first, last }, counted);
      isDecided &&= hole !== 'undecided';
      tasks.push({ stage, partition, first, last, hole: hole === 'undecided' ? null : hole });
    }
    if (isDecided) this.#known.set(stream, { state, firsts, tasks });
    else this.#known.delete(stream);
    return tasks;
  }

  /** How many records there must be is known when the oldest one has not been purged meanwhile; how many there are, the server says. */
  async #holeIn(stream: string, subject: string, { first, last }: Pick<SeenTask, 'first' | 'last'>, counted: Counted): Promise<Found> {
    if (first === null || last === null) return null;
    const newest = await this.#numberAt(stream, subject, last, counted.last_seq);
    const there = counted.subjects?.[subject] ?? 0;
    if (there >= newest - first.header.number + 1) return null;
    const oldest = await this.#get(stream, { seq: 1, next_by_subj: subject });
    return oldest?.sequence === first.sequence ? this.#walk(stream, subject, first, last) : 'undecided';
  }

  /** Number of the partition's last record at the moment when the stream's last one was `sequence`. */
  async #numberAt(stream: string, subject: string, last: SeenRecord, sequence: number): Promise<number> {
    if (last.sequence <= sequence) return last.header.number;
    const next = await this.#get(stream, { seq: sequence + 1, next_by_subj: subject });
    return (next ?? last).header.number - 1;
  }

  /** L3. The first hole between two records that are there. */
  async #walk(stream: string, subject: string, from: SeenRecord, to: SeenRecord): Promise<Found> {
    const reader = this.#journal.read(stream, { fromSequence: from.sequence, subjects: [subject] });
    const endMs = this.#clock.monotonicMs() + WALK_MAX_MS;
    try {
      let before: SeenRecord | null = null;
      while (this.#clock.monotonicMs() < endMs) {
        for (const { bytes, sequence } of await reader.next({ bytesMax: WALK_BYTES, waitMs: WALK_WAIT_MS })) {
          const record = { header: decodeHeader(bytes, subject), sequence };
          const hole = before === null ? null : holeBetween(before, record);
          if (hole !== null) return (await this.#isStill(stream, subject, from)) ? hole : 'undecided';
          before = record;
          if (sequence >= to.sequence) return null;
        }
      }
      return 'undecided';
    } finally {
      await reader.close();
    }
  }

  /** Nothing was purged while we read: so what is missing was missing. */
  async #isStill(stream: string, subject: string, from: SeenRecord): Promise<boolean> {
    return (await this.#get(stream, { seq: 1, next_by_subj: subject }))?.sequence === from.sequence;
  }

  async #counted(stream: string): Promise<Counted> {
    const info = await callApi<{ readonly state: Counted }>(this.#link, `STREAM.INFO.${stream}`, { subjects_filter: '>' });
    return valueOf(stream, info).state;
  }

  async #get(stream: string, which: { readonly last_by_subj: string } | { readonly seq: number; readonly next_by_subj: string }) {
    const answer = await callApi<StoredMessage>(this.#link, `STREAM.MSG.GET.${stream}`, which);
    if (answer.kind === 'error' && answer.error.err_code === API_ERROR.messageNotFound) return null;
    const { message } = valueOf(stream, answer);
    return { header: decodeHeader(Buffer.from(message.data ?? '', 'base64'), message.subject), sequence: message.seq };
  }
}

/** undecided: records were purged meanwhile, or there was no time to read all; the next look sees more. */
type Found = Hole | null | 'undecided';
type Firsts = ReadonlyMap<string, SeenRecord | null>;

function subjectsOf({ id, subjectPrefix, partitionCount }: StagePlan) {
  return Array.from({ length: partitionCount }, (_, partition) => ({ stage: id, partition, subject: `${subjectPrefix}.${partition}` }));
}

function stateText({ messages, first_seq: first, last_seq: last }: Counted, stages: readonly StagePlan[]): string {
  return [messages, first, last, ...stages.map(({ id, partitionCount }) => taskName(id, partitionCount))].join();
}

function holeBetween(before: SeenRecord, behind: SeenRecord): Hole | null {
  const [from, to] = [before.header.number + 1, behind.header.number - 1];
  return from > to ? null : { numbers: [from, to], sequences: [before.sequence + 1, behind.sequence - 1] };
}
