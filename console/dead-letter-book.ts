// The dead letters of a running job and what was decided about them, read on from where they were read before: grouped for who looks.
//
//   DB1. Bounded: of what is there at the first look only the newest LETTERS_MAX are read, and READ_BYTES_MAX at one look.
//   DB2. A decision is counted when its letter was read: those that come first wait, DECISIONS_MAX of them.

import type { DeadLetterDesk } from '../runtime/dead-letter-desk.ts';
import type { DeadLetters } from './api.ts';
import { DeadLetterGroups, type LetterState } from './dead-letter-groups.ts';

type Desk = Pick<DeadLetterDesk, 'runId' | 'read' | 'decisions'>;

const LETTERS_MAX = 100_000;
const READ_BYTES_MAX = 16 * 1024 * 1024;
const DECISIONS_MAX = 200_000;

export class DeadLetterBook {
  #runId = '';
  #groups = new DeadLetterGroups();
  #waiting = new Map<string, Exclude<LetterState, 'open'>>();
  #fromSequence = 1;
  #decidedSequence = 0;
  #passed = 0;
  #reading: Promise<DeadLetters> | null = null;

  /** One look at a time: who comes while it lasts gets its answer. */
  look(desk: Desk): Promise<DeadLetters> {
    this.#reading ??= this.#look(desk).finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #look(desk: Desk): Promise<DeadLetters> {
    if (desk.runId !== this.#runId) this.#begin(desk.runId);
    const read = await desk.read({ fromSequence: this.#fromSequence, newest: LETTERS_MAX, bytesMax: READ_BYTES_MAX });
    this.#fromSequence = read.nextSequence;
    this.#passed += read.passed;
    for (const { id, letter } of read.letters) this.#groups.add(letter, id);
    for (const [id, { sequence, entry }] of await desk.decisions(this.#decidedSequence)) {
      this.#decidedSequence = Math.max(this.#decidedSequence, sequence);
      if (this.#waiting.size < DECISIONS_MAX) this.#waiting.set(id, entry.kind === 'drop' ? 'dropped' : 'redriven');
    }
    for (const [id, state] of this.#waiting) if (this.#groups.decide(id, state)) this.#waiting.delete(id); // DB2
    if (read.behind === 0) this.#waiting.clear(); // of letters that are passed over
    const notes = [
      ...(this.#passed > 0 ? [`${this.#passed} older ones are gone from the stream, or too many to be read`] : []),
      ...(read.behind > 0 ? [`${read.behind} are not read yet`] : []),
    ];
    return this.#groups.told(notes.length === 0 ? null : notes.join('; '));
  }

  #begin(runId: string): void {
    this.#runId = runId;
    this.#groups = new DeadLetterGroups();
    this.#waiting.clear();
    [this.#fromSequence, this.#decidedSequence, this.#passed] = [1, 0, 0];
  }
}
