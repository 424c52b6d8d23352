// A job's dead letters as they lie in their stream, read on from where they were read before: grouped for who looks at them.
//
//   DL1. Bounded: of what is there at the first look only the newest LETTERS_MAX are read, and READ_BYTES_MAX at one look.

import type { DeadLetters } from '../../console/api.ts';
import { DeadLetterGroups } from '../../console/dead-letter-groups.ts';
import type { DeadLetter } from '../../runtime/event/batch.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { JobView } from '../nats/job-view.ts';

const LETTERS_MAX = 100_000;
const READ_BYTES_MAX = 16 * 1024 * 1024;

export class DeadLetterStream {
  readonly #groups = new DeadLetterGroups();
  #fromSequence = 1;
  #passed = 0;
  #reading: Promise<DeadLetters> | null = null;

  /** One look at a time: who comes while it lasts gets its answer. */
  look(view: JobView, plan: PhysicalPlan): Promise<DeadLetters> {
    this.#reading ??= this.#look(view, plan).finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #look(view: JobView, plan: PhysicalPlan): Promise<DeadLetters> {
    const read = await view.letters(plan, { fromSequence: this.#fromSequence, newest: LETTERS_MAX, bytesMax: READ_BYTES_MAX });
    if (read === null) return this.#groups.told(null);
    for (const line of read.texts.flatMap((text) => text.split('\n'))) this.#take(line);
    this.#fromSequence = read.nextSequence;
    this.#passed += read.passed;
    const notes = [
      ...(this.#passed > 0 ? [`${this.#passed} older ones are gone from the stream, or too many to be read`] : []),
      ...(read.behind > 0 ? [`${read.behind} are not read yet`] : []),
    ];
    return this.#groups.told(notes.length === 0 ? null : notes.join('; '));
  }

  #take(line: string): void {
    if (line === '') return;
    try {
      this.#groups.add(JSON.parse(line) as DeadLetter);
    } catch {
      // Somebody else's message: not ours to count.
    }
  }
}
