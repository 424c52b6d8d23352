// The journal port in memory: the model of JetStream that simulation runs on. Answers what the server answers.
//
// The contract suite (test/contract) is run on this and on the real server, and random command sequences on both
// must give the same answers and the same log. What differs, on purpose:
//   - A lane that does not exist is reported at once; the adapter waits three seconds before it believes it.
//   - Readers never lose their line here: what the adapter does about that is its own affair (J7).
//   - Time and chance come from the ports: with a virtual clock and a seed, a run repeats exactly.

import type { Clock, Random } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import type { AppendResult, Journal, LaneConfig, LaneReader, ReadOptions, StoredRecord } from '../journal/journal.ts';
import { NO_FAULTS, drawFault, type AppendFault, type FaultCounts, type JournalFaults } from './memory-faults.ts';
import { MemoryLane } from './memory-lane.ts';
import { MemoryReader } from './memory-reader.ts';

export type MemoryJournalOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: JournalFaults;
  /** As the server's max_payload. */
  readonly payloadBytesMax?: number;
};

/** The adapter keeps this much of a message for its header. */
const HEADER_BYTES_MAX = 80;
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

export class MemoryJournal implements Journal {
  readonly counts: FaultCounts = { answerLost: 0, requestLost: 0, requestLate: 0, inFlight: 0, leaderless: 0, shortRead: 0 };
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #payloadBytesMax: number;
  readonly #lanes = new Map<string, MemoryLane>();
  readonly #readers = new Set<MemoryReader>();
  #faults: JournalFaults;
  #line = new AbortController();
  #absentUntilMs = -Infinity;

  constructor({ clock, random, faults = NO_FAULTS, payloadBytesMax = PAYLOAD_BYTES_MAX }: MemoryJournalOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
    this.#payloadBytesMax = payloadBytesMax;
  }

  // ── faults ──

  setFaults(faults: JournalFaults): void {
    this.#faults = faults;
  }

  /** No leader for this long: appends are busy, `last` rejects, readers get nothing. */
  leaderAbsent(durationMs: number): void {
    this.#absentUntilMs = this.#clock.monotonicMs() + durationMs;
  }

  /** The line breaks: all that is in flight becomes unknown, and half of it arrives nevertheless. */
  disconnect(): void {
    const line = this.#line;
    this.#line = new AbortController();
    line.abort();
  }

  /** The stream behind a lane, for oracles and for damage on purpose. */
  lane(stream: string): MemoryLane {
    const lane = this.#lanes.get(stream);
    if (lane === undefined) throw new MillraceError('MR2105', { task: stream, problem: 'its stream does not exist (any more)' });
    return lane;
  }

  // ── port ──

  ensureLane(config: LaneConfig): Promise<void> {
    const lane = this.#lanes.get(config.stream);
    if (lane === undefined) this.#lanes.set(config.stream, new MemoryLane(config));
    else if ([...lane.subjects].sort().join() !== [...config.subjects].sort().join()) {
      const problem = `its stream has settings that lose records: subjects is ${JSON.stringify(lane.subjects)}, must be ${JSON.stringify(config.subjects)}`;
      return Promise.reject(new MillraceError('MR2105', { task: config.stream, problem }));
    } else lane.bytesMax = config.bytesMax;
    return Promise.resolve();
  }

  async append(stream: string, subject: string, expected: number, bytes: Uint8Array): Promise<AppendResult> {
    const bytesMax = this.#payloadBytesMax - HEADER_BYTES_MAX;
    if (bytes.length > bytesMax) throw new MillraceError('MR2107', { task: subject, bytes: bytes.length, bytesMax });
    const line = this.#line.signal;
    const fault = this.#draw();
    await this.#travel(line);
    if (line.aborted) return this.#broken(stream, subject, expected, bytes);
    switch (fault) {
      case 'leaderless':
        return LEADERLESS;
      case 'inFlight':
        return { kind: 'in-flight', code: 10164 };
      case 'requestLost':
        return { kind: 'unknown', reason: 'no answer in time' };
      case 'requestLate':
        void this.#arriveLate(stream, subject, expected, bytes);
        return { kind: 'unknown', reason: 'no answer in time' };
      case 'answerLost':
        this.#arrive(stream, subject, expected, bytes);
        return { kind: 'unknown', reason: 'no answer in time' };
      case null:
        break;
    }
    const result = this.#arrive(stream, subject, expected, bytes);
    await this.#travel(line);
    return line.aborted ? { kind: 'unknown', reason: 'the connection broke' } : result;
  }

  async last(stream: string, subject: string): Promise<StoredRecord | null> {
    await this.#travel(this.#line.signal);
    this.#needLeader(stream);
    return this.lane(stream).last(subject);
  }

  read(stream: string, options: ReadOptions): LaneReader {
    const reader = new MemoryReader(options, {
      clock: this.#clock,
      take: (fromSequence, bytesMax) => this.#take(stream, options, fromSequence, bytesMax),
      absentMs: () => this.#absentMs(),
      closed: () => this.#readers.delete(reader),
    });
    this.#readers.add(reader);
    return reader;
  }

  async purge(stream: string, subject: string, belowSequence: number): Promise<void> {
    await this.#travel(this.#line.signal);
    this.#needLeader(stream);
    this.lane(stream).purge(subject, belowSequence);
  }

  async figures(stream: string): ReturnType<Journal['figures']> {
    await this.#travel(this.#line.signal);
    this.#needLeader(stream);
    const lane = this.#lanes.get(stream);
    if (lane === undefined) throw new MillraceError('MR1012', { of: stream, problem: 'stream not found (10059)' });
    return lane.figures();
  }

  deleteLane(stream: string): Promise<void> {
    this.#lanes.delete(stream);
    return Promise.resolve();
  }

  // ── inside ──

  #draw(): AppendFault | null {
    const fault = drawFault(this.#faults, this.#random.next());
    if (fault !== null) this.counts[fault]++;
    return fault;
  }

  #arrive(stream: string, subject: string, expected: number, bytes: Uint8Array): AppendResult {
    const lane = this.#lanes.get(stream);
    if (this.#absentMs() > 0 || lane === undefined || !lane.takes(subject)) return LEADERLESS;
    const result = lane.append(subject, expected, bytes, this.#clock.nowMs());
    if (result.kind === 'stored') for (const reader of this.#readers) reader.notice();
    return result;
  }

  async #arriveLate(stream: string, subject: string, expected: number, bytes: Uint8Array): Promise<void> {
    const copy = bytes.slice();
    await this.#clock.sleep(this.#faults.lateMs * this.#random.next());
    this.#arrive(stream, subject, expected, copy);
  }

  #broken(stream: string, subject: string, expected: number, bytes: Uint8Array): AppendResult {
    if (this.#random.next() < 0.5) this.#arrive(stream, subject, expected, bytes);
    return { kind: 'unknown', reason: 'the connection broke' };
  }

  #take(stream: string, { subjects = [] }: ReadOptions, fromSequence: number, bytesMax: number): readonly StoredRecord[] {
    if (this.#absentMs() > 0) return [];
    const records = this.lane(stream).read(fromSequence, subjects, bytesMax);
    if (records.length < 2 || this.#faults.shortRead === 0 || this.#random.next() >= this.#faults.shortRead) return records;
    this.counts.shortRead++;
    return records.slice(0, 1 + Math.floor(this.#random.next() * (records.length - 1)));
  }

  #absentMs(): number {
    return Math.max(0, this.#absentUntilMs - this.#clock.monotonicMs());
  }

  #needLeader(stream: string): void {
    if (this.#absentMs() > 0) throw new MillraceError('MR2102', { stream, problem: 'JetStream does not answer (no responders)' });
  }

  async #travel(line: AbortSignal): Promise<void> {
    const [min, max] = this.#faults.latencyMs;
    if (max > 0) await this.#clock.sleep(min + (max - min) * this.#random.next(), line);
    else await Promise.resolve();
  }
}

const LEADERLESS: AppendResult = { kind: 'busy', reason: 'no leader (503)', code: 503 };
