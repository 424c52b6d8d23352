// One JetStream stream as the server keeps it, for a lane: sequences, expectations, purges, the disk bound. Pure state.
//
//   M1. Sequences count up over all subjects of the stream; a refused append takes none.
//   M2. Answers come in the server's order: expectation first (10071), then room (10077).
//   M3. Bytes are counted as its file store counts them (nats-server 2.15.2, fileStoreMsgSize): 34 per record and
//       subject, header and payload. The header is the one that the real adapter sends.
// test/contract holds this against the real server, figures included.

import type { AppendResult, LaneConfig, StoredRecord } from '../journal/journal.ts';

const RECORD_BYTES = 34;
const HEADER_BYTES = 'NATS/1.0\r\nNats-Expected-Last-Subject-Sequence: \r\n\r\n'.length;

export class MemoryLane {
  bytesMax: number;
  readonly subjects: readonly string[];
  readonly #last = new Map<string, StoredRecord>();
  #records: StoredRecord[] = [];
  /** Expectation that each record was stored with: its digits are part of the size. */
  readonly #sizes = new Map<number, number>();
  #bytes = 0;
  #lastSequence = 0;

  constructor({ subjects, bytesMax }: LaneConfig) {
    this.subjects = subjects;
    this.bytesMax = bytesMax;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  takes(subject: string): boolean {
    return this.subjects.some((pattern) => subjectMatches(pattern, subject));
  }

  append(subject: string, expected: number, bytes: Uint8Array, nowMs: number): AppendResult {
    const actual = this.#last.get(subject)?.sequence ?? 0;
    if (actual !== expected) return { kind: 'refused', actual, code: 10071 };
    const size = RECORD_BYTES + HEADER_BYTES + String(expected).length + subject.length + bytes.length;
    if (this.bytesMax >= 0 && this.#bytes + size > this.bytesMax)
      return { kind: 'busy', reason: 'maximum bytes exceeded (10077)', code: 10077 };
    const sequence = ++this.#lastSequence;
    const record = { subject, sequence, bytes: bytes.slice(), storedMs: nowMs };
    this.#records.push(record);
    this.#last.set(subject, record);
    this.#sizes.set(sequence, size);
    this.#bytes += size;
    return { kind: 'stored', sequence };
  }

  last(subject: string): StoredRecord | null {
    return this.#last.get(subject) ?? null;
  }

  /** Records from `fromSequence` on, of `subjects` (none named: all), at most `bytesMax` together but at least one. */
  read(fromSequence: number, subjects: readonly string[], bytesMax: number): readonly StoredRecord[] {
    const taken: StoredRecord[] = [];
    let bytes = 0;
    for (let i = this.#placeOf(fromSequence); i < this.#records.length; i++) {
      const record = this.#records[i] as StoredRecord;
      if (subjects.length > 0 && !subjects.some((pattern) => subjectMatches(pattern, record.subject))) continue;
      bytes += record.bytes.length;
      if (bytes > bytesMax && taken.length > 0) break;
      taken.push(record);
    }
    return taken;
  }

  /** As the adapter does it: never the last record of a subject (J6). */
  purge(subject: string, belowSequence: number): void {
    const below = Math.min(belowSequence, this.#last.get(subject)?.sequence ?? 0);
    this.#records = this.#records.filter((record) => {
      const stays = record.subject !== subject || record.sequence >= below;
      if (!stays) this.#forget(record.sequence);
      return stays;
    });
  }

  figures(): { readonly bytes: number; readonly messages: number; readonly firstSequence: number; readonly lastSequence: number } {
    return {
      bytes: this.#bytes,
      messages: this.#records.length,
      firstSequence: this.#records[0]?.sequence ?? 0,
      lastSequence: this.#lastSequence,
    };
  }

  /** For tests of what must never happen: removes the last records of a subject, fence and all. */
  lose(subject: string, records: number): void {
    const own = this.#records.filter((record) => record.subject === subject);
    const lost = new Set(own.slice(own.length - records));
    this.#records = this.#records.filter((record) => !lost.has(record));
    for (const record of lost) this.#forget(record.sequence);
    const last = own[own.length - records - 1];
    if (last === undefined) this.#last.delete(subject);
    else this.#last.set(subject, last);
  }

  #forget(sequence: number): void {
    this.#bytes -= this.#sizes.get(sequence) ?? 0;
    this.#sizes.delete(sequence);
  }

  /** Index of the first record with at least this sequence. */
  #placeOf(sequence: number): number {
    let low = 0;
    let high = this.#records.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle] as StoredRecord).sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** NATS wildcards: `*` is one token, `>` at the end all that follow. */
export function subjectMatches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const found = subject.split('.');
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '>') return found.length > i;
    if (i >= found.length || (wanted[i] !== '*' && wanted[i] !== found[i])) return false;
  }
  return wanted.length === found.length;
}
