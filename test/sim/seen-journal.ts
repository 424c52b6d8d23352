// What the conservation check sees of the journal in memory, all of it at one moment.

import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { conservationProblems } from '../../runtime/telemetry/conservation.ts';
import type { Hole, Remembered, SeenRecord, SeenTask } from '../../runtime/telemetry/conservation.ts';
import type { MemoryJournal } from '../../runtime/testing/memory-journal.ts';

export function seenTasks(journal: MemoryJournal, { stages }: PhysicalPlan): readonly SeenTask[] {
  return stages.flatMap(({ id, stream, subjectPrefix, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition): SeenTask => {
      const records = journal
        .lane(stream)
        .read(1, [`${subjectPrefix}.${partition}`], Infinity)
        .map(({ bytes, sequence }): SeenRecord => ({ header: decodeHeader(bytes), sequence }));
      return { stage: id, partition, first: records[0] ?? null, last: records.at(-1) ?? null, hole: holeIn(records) };
    }),
  );
}

function holeIn(records: readonly SeenRecord[]): Hole | null {
  for (const [index, behind] of records.slice(1).entries()) {
    const before = records[index] as SeenRecord;
    if (behind.header.number === before.header.number + 1) continue;
    return { numbers: [before.header.number + 1, behind.header.number - 1], sequences: [before.sequence + 1, behind.sequence - 1] };
  }
  return null;
}

/** Looks at the journals again and again, as the operator does, and never finds anything while all is well. */
export class ConservationWitness {
  looks = 0;
  readonly #remembered: Remembered = new Map();
  readonly #isRestored: boolean;

  constructor({ isRestored }: { readonly isRestored: boolean }) {
    this.#isRestored = isRestored;
  }

  look(journal: MemoryJournal, plan: PhysicalPlan): readonly string[] {
    this.looks++;
    const options = { isRestored: this.#isRestored, remembered: this.#remembered };
    return conservationProblems(plan, seenTasks(journal, plan), options).map(({ kind, message }) => `conservation: ${kind}: ${message}`);
  }
}
