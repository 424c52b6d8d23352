import { describe, expect, test } from 'vitest';
import { planOfText } from '../../test/support/run-progress.ts';
import type { RecordHeader, TaskCounters } from '../journal/record.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { makeHeader } from '../testing/sample-records.ts';
import { conservationProblems, type Remembered, type SeenRecord, type SeenTask } from './conservation.ts';

const plan = planOfText(`
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: small }
spec:
  partitions: 2
  sources: [{ name: rows, file: { path: rows.ndjson }, schema: { k: string } }]
  stages: [{ name: counts, from: rows, keyBy: event.k, aggregate: { n: { count: {} } } }]
  sinks: [{ name: out, from: counts, file: { path: out.ndjson } }]
`);
const edge = plan.edges.find(({ fromStage, toStage }) => fromStage === 'rows' && toStage === 'counts')?.index ?? -1;

/** `rows` has given 10 events out, in records up to number 7 at sequence 70; both partitions of `counts` have taken them in. */
const rows = { number: 7, sequence: 70, given: 10 };
const counts = { number: 4, sequence: 40, taken: 5, position: 70 };

describe('an exchange', () => {
  test.each([
    { fact: 'is in order when what was given out was taken in', tasks: [writer(rows), reader(0, counts), reader(1, counts)] },
    {
      fact: 'is in order while something waits',
      tasks: [writer({ ...rows, sequence: 71, given: 13 }), reader(0, counts), reader(1, counts)],
    },
    { fact: 'is in order while nothing has come out of it', tasks: [writer(rows), reader(0, null), reader(1, null)] },
    {
      fact: 'is in order when its oldest record lies behind all positions and nothing was given out before it',
      tasks: [
        writer({ ...rows, oldest: { number: 7, sequence: 70, given: 10, own: 10 } }),
        reader(0, { ...counts, taken: 0, position: 0 }),
        reader(1, null),
      ],
    },
    {
      fact: 'lost events that nobody has taken in when all have passed them',
      tasks: [writer(rows), reader(0, counts), reader(1, { ...counts, taken: 3 })],
      says: [/^2 events are gone on rows.*→counts \(10 given out, 8 taken in\)$/],
    },
    {
      fact: 'lost events whose records were purged before all had read them; the range is named',
      tasks: [
        writer({ ...rows, sequence: 90, given: 20, oldest: { number: 6, sequence: 60, given: 12, own: 2 } }),
        reader(0, { ...counts, position: 55 }),
        reader(1, { ...counts, taken: 2, position: 50 }),
      ],
      says: [
        /^3 events are gone on rows.*: records up to 5 of rows\/0 \(sequences 51 … 59\) were not taken in by all partitions of counts$/,
      ],
    },
    {
      fact: 'doubled events when more was taken in than given out',
      tasks: [writer({ ...rows, given: 9 }), reader(0, counts), reader(1, counts)],
      says: [/^1 events were taken in more than once on rows/],
    },
    { fact: 'is not judged when one of its partitions was not looked at', tasks: [writer({ ...rows, given: 9 }), reader(0, counts)] },
  ])('$fact', ({ tasks, says = [] }) => expectProblems(tasks, says));

  test('of a run that began with a savepoint says nothing before all tasks have a record', () => {
    const tasks = [writer(rows), reader(0, { ...counts, position: 0 }), reader(1, null)];
    const purged = { ...rows, oldest: { number: 7, sequence: 70, given: 10, own: 0 } };
    expectProblems([writer(purged), ...tasks.slice(1)], [], { isRestored: true });
    expectProblems([writer(purged), ...tasks.slice(1)], [/events are gone/], { isRestored: false });
  });

  test('that is retired counts for nothing, nor does one to a stage that a rollback brought back', () => {
    const tasks = [writer(rows), reader(0, counts), reader(1, { ...counts, taken: 0 })];
    const retired = { ...plan, edges: plan.edges.map((one) => (one.index === edge ? { ...one, retired: true as const } : one)) };
    const resumed = { ...plan, stages: plan.stages.map((stage) => (stage.id === 'counts' ? { ...stage, resumed: true as const } : stage)) };
    expectProblems(tasks, [/5 events are gone/]);
    expectProblems(tasks, [], {}, retired);
    expectProblems(tasks, [], {}, resumed);
  });
});

describe('a partition', () => {
  test('with a hole names it', () =>
    expectProblems(
      [{ ...reader(0, counts), hole: { numbers: [2, 3], sequences: [21, 39] } }],
      [/^records 2 … 3 of counts\/0 are gone \(sequences 21 … 39\)/],
    ));
  test.each([
    { fact: 'needs all records while there is no checkpoint', checkpoint: null, oldest: 2, gone: '1 … 1' },
    { fact: 'needs what follows its checkpoint', checkpoint: { name: 'blob', number: 5 }, oldest: 7, gone: '6 … 6' },
    { fact: 'needs the record that holds its state', checkpoint: { name: ':inline', number: 5 }, oldest: 6, gone: '5 … 5' },
    { fact: 'needs nothing before its checkpoint', checkpoint: { name: 'blob', number: 5 }, oldest: 6, gone: null },
  ])('$fact', ({ checkpoint, oldest, gone }) => {
    const reference = checkpoint === null ? null : { sha256: '', sequence: 1, bytes: 0, ...checkpoint };
    const last = record({ stage: 'counts', number: 9, checkpoint: reference }, 90);
    const task = { stage: 'counts', partition: 0, first: record({ stage: 'counts', number: oldest }, 60), last, hole: null };
    expectProblems([task], gone === null ? [] : [new RegExp(`^records ${gone} of counts/0 .*cannot be restored`)]);
  });
  test('whose last record goes back says so, as long as it is so', () => {
    const remembered: Remembered = new Map();
    expectProblems([reader(0, counts)], [], { remembered });
    const back = [/^records 3 … 4 of counts\/0 \(up to sequence 40\) were there and are gone/];
    expectProblems([reader(0, { ...counts, number: 2, sequence: 20 })], back, { remembered });
    expectProblems([reader(0, null)], [/^records 1 … 4 of counts\/0/], { remembered });
    expectProblems([reader(0, { ...counts, number: 5, sequence: 50 })], [], { remembered });
  });
});

describe('a stage', () => {
  const stage = (known: Partial<TaskCounters>): SeenTask => {
    const last = record({ stage: 'counts', number: 3, checkpoint: inline(3), counters: counters(known) }, 30);
    return { stage: 'counts', partition: 0, first: null, last, hole: null };
  };
  test.each([
    { fact: 'is in order when all that came in went out or is dead', known: { eventsIn: 9, eventsOut: 7, deadLetters: 2 }, says: [] },
    { fact: 'may make results of what its state has absorbed', known: { eventsIn: 9, absorbed: 9, made: 3, eventsOut: 3 }, says: [] },
    { fact: 'may hold events', known: { eventsIn: 9, held: 4, eventsOut: 3, late: 2 }, says: [] },
    { fact: 'may have two readers, or none', known: { eventsIn: 9, made: -2, filtered: 3, eventsOut: 4 }, says: [] },
    {
      fact: 'loses what is in no count',
      known: { eventsIn: 9, eventsOut: 7 },
      says: [/^2 events are unaccounted for in counts\/0: 9 in, 7 out, 0 filtered, 0 late, 0 dead$/],
    },
    {
      fact: 'loses what its state has not absorbed',
      known: { eventsIn: 9, absorbed: 8, made: 3, eventsOut: 3 },
      says: [/^1 events are unaccounted for in counts\/0: 9 in, 3 out, 0 filtered, 0 late, 0 dead, 3 made, 8 absorbed$/],
    },
    { fact: 'makes none', known: { eventsIn: 6, eventsOut: 7 }, says: [/^1 events too many came out in counts\/0/] },
    { fact: 'of an older release is not judged', known: { eventsIn: 6, eventsOut: 7, made: null }, says: [] },
  ])('$fact', ({ known, says }) => expectProblems([stage(known)], says));
});

function expectProblems(
  tasks: readonly SeenTask[],
  says: readonly RegExp[],
  options: { readonly isRestored?: boolean; readonly remembered?: Remembered } = {},
  of: PhysicalPlan = plan,
): void {
  const found = conservationProblems(of, tasks, { isRestored: false, remembered: null, ...options }).map(({ message }) => message);
  expect(found).toEqual(says.map((pattern) => expect.stringMatching(pattern) as string));
}

type Written = { readonly number: number; readonly sequence: number; readonly given: number };

/** `oldest`: the oldest record that is there, with what it gave out itself. */
function writer({ oldest, ...newest }: Written & { readonly oldest?: Written & { readonly own: number } }): SeenTask {
  const header = ({ number, given }: Written): Partial<RecordHeader> => ({
    stage: 'rows',
    number,
    checkpoint: inline(number),
    counters: counters({
      eventsIn: given,
      eventsOut: given,
      edgesOut: plan.stages[0]?.outputs.map((index) => (index === edge ? given : 0)) ?? [],
    }),
  });
  const segments = [{ kind: 'events' as const, edge, partition: 0, count: oldest?.own ?? 0, offset: 0, length: 0 }];
  return {
    stage: 'rows',
    partition: 0,
    first:
      oldest === undefined
        ? record({ ...header({ ...newest, number: 1, given: 0 }) }, 1)
        : record({ ...header(oldest), segments }, oldest.sequence),
    last: record(header(newest), newest.sequence),
    hole: null,
  };
}

function reader(partition: number, known: { number: number; sequence: number; taken: number; position: number } | null): SeenTask {
  if (known === null) return { stage: 'counts', partition, first: null, last: null, hole: null };
  const { number, sequence, taken, position } = known;
  const header = {
    stage: 'counts',
    partition,
    number,
    checkpoint: inline(number),
    inputs: [{ edge, sequence: position, watermarks: [] }],
    counters: counters({ eventsIn: taken, absorbed: taken, edgesIn: [taken] }),
  };
  return { stage: 'counts', partition, first: record({ ...header, number: 1 }, 1), last: record(header, sequence), hole: null };
}

function record(fields: Partial<RecordHeader>, sequence: number): SeenRecord {
  return { header: { bodyHash: '', segments: [], ...makeHeader(fields), ...fields }, sequence };
}

function inline(number: number): RecordHeader['checkpoint'] {
  return { name: ':inline', sha256: '', number, sequence: -1, bytes: 0 };
}

function counters(known: Partial<TaskCounters>): TaskCounters {
  return { ...makeHeader({}).counters, ...known };
}
