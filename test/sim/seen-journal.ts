// What the conservation check sees of the journal in memory, all of it at one moment; and whether the clocks of tasks go on.

import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { conservationProblems, residueOf } from '../../runtime/telemetry/conservation.ts';
import type { Hole, Remembered, SeenRecord, SeenTask } from '../../runtime/telemetry/conservation.ts';
import type { MemoryJournal } from '../../runtime/testing/memory-journal.ts';

type Stored = SeenRecord & { readonly storedMs: number };
type Kept = Pick<SeenTask, 'stage' | 'partition'> & { readonly records: readonly Stored[] };

/** A record may be on its way for so long: time that a task may miss when it moves meanwhile. */
const UNDER_WAY_MS = 10_000;
/** Drawn times are no whole numbers. */
const WHOLE_MS = 1;
/** Of a task's clock that is ahead of those of its workers. */
const PACE = 0.99;

/** All records that are there, by partition. */
function recordsIn(journal: MemoryJournal, { stages }: PhysicalPlan): readonly Kept[] {
  return stages.flatMap(({ id, stream, subjectPrefix, partitionCount }) =>
    Array.from({ length: partitionCount }, (_, partition): Kept => {
      const found = journal.lane(stream).read(1, [`${subjectPrefix}.${partition}`], Infinity);
      return {
        stage: id,
        partition,
        records: found.map(({ bytes, sequence, storedMs }) => ({ header: decodeHeader(bytes), sequence, storedMs })),
      };
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

/** Whoever runs a task, with whatever clock: its time never goes back, and goes on as the world's does. */
function stoodStill({ stage, partition, records }: Kept): readonly string[] {
  const told = records.flatMap(({ header: { kind, clock, number }, storedMs }) =>
    kind === 'commit' && clock !== undefined ? [{ ms: clock.ms, number, storedMs }] : [],
  );
  return told.slice(1).flatMap((now, place) =>
    [told[0] as typeof now, told[place] as typeof now].flatMap((before) => {
      const [passedMs, realMs] = [now.ms - before.ms, now.storedMs - before.storedMs];
      if (passedMs >= Math.max(-WHOLE_MS, realMs * PACE - UNDER_WAY_MS)) return [];
      return [`clock: of ${stage}/${partition} ${passedMs} ms passed in ${realMs} ms, from record ${before.number} to ${now.number}`];
    }),
  );
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
    const told = problems.map(({ kind, message }) => `conservation: ${kind}: ${message}`);
    return [...told, ...kept.flatMap(unbalanced), ...kept.flatMap(stoodStill)];
  }
}
