// What the conservation check sees of the journal in memory, all of it at one moment.

import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { conservationProblems, residueOf } from '../../runtime/telemetry/conservation.ts';
import type { Hole, Remembered, SeenRecord, SeenTask } from '../../runtime/telemetry/conservation.ts';
import type { MemoryJournal } from '../../runtime/testing/memory-journal.ts';

type Kept = Pick<SeenTask, 'stage' | 'partition'> & { readonly records: readonly SeenRecord[] };

/** All records that are there, by partition. */
function recordsIn(journal: MemoryJournal, { stages }: PhysicalPlan): readonly Kept[] {
  return stages.flatMap(({ id, stream, subjectPrefix, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition): Kept => {
      const found = journal.lane(stream).read(1, [`${subjectPrefix}.${partition}`], Infinity);
      return { stage: id, partition, records: found.map(({ bytes, sequence }) => ({ header: decodeHeader(bytes), sequence })) };
    }),
  );
}

function seenTask({ stage, partition, records }: Kept): SeenTask {
  return { stage, partition, first: records[0] ?? null, last: records.at(-1) ?? null, hole: holeIn(records) };
}

/** The operator sees the newest record of each partition only; here each one must be in balance. */
function unbalanced({ stage, partition, records }: Kept): readonly string[] {
  return records.flatMap(({ header: { number, counters } }) =>
    residueOf(counters) === 0 ? [] : [`conservation: record ${number} of ${stage}/${partition}: ${residueOf(counters)} unaccounted for`],
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
  /** Records whose step ended inside of another one. */
  readonly insides = new Set<string>();
  readonly #remembered: Remembered = new Map();
  readonly #isRestored: boolean;

  constructor({ isRestored }: { readonly isRestored: boolean }) {
    this.#isRestored = isRestored;
  }

  look(journal: MemoryJournal, plan: PhysicalPlan): readonly string[] {
    this.looks++;
    const options = { isRestored: this.#isRestored, remembered: this.#remembered };
    const kept = recordsIn(journal, plan);
    for (const { stage, partition, records } of kept)
      for (const { header } of records)
        if (header.inputs.some(({ part }) => part !== undefined)) this.insides.add(`${stage}/${partition}/${header.number}`);
    const problems = conservationProblems(plan, kept.map(seenTask), options);
    return [...problems.map(({ kind, message }) => `conservation: ${kind}: ${message}`), ...kept.flatMap(unbalanced)];
  }
}
