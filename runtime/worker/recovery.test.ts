// How a task begins behind what other declarations have left. The journal in memory, the real claim and restore.

import { beforeEach, describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { isError } from '../base/errors.ts';
import { decodeHeader } from '../journal/record-codec.ts';
import { encodeKey } from '../event/key.ts';
import type { RecordHeader } from '../journal/record.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { TaskCore } from '../task/step.ts';
import { MemoryBlobStore } from '../testing/memory-blob-store.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { makeCommit } from '../testing/sample-records.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { SavepointManifest, SavepointTask } from './job-record.ts';
import { Turns } from './turns.ts';
import { claimAndRestore, type Begun, type RecoveryParts, type SavedPart } from './recovery.ts';
import { storePart } from './savepoint.ts';

type Spec = Readonly<Record<string, unknown>>;
const COUNTS: Spec = { name: 'c', from: 's', keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } };

function plan(stages: readonly Spec[], sinks: readonly (readonly [string, string])[], before: PhysicalPlan | null = null): PhysicalPlan {
  const job = streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [
        { name: 's', nats: { subjects: ['s'] } },
        { name: 't', nats: { subjects: ['t'] } },
      ],
      stages,
      sinks: sinks.map(([name, from]) => ({ name, from, nats: { subject: `out.${name}` } })),
    },
  });
  return planJob(job, {}, { deadLetterFile: false, before });
}

let clock: VirtualClock;
let journal: MemoryJournal;
let blobs: MemoryBlobStore;
beforeEach(async () => {
  clock = new VirtualClock();
  journal = new MemoryJournal({ clock, random: seededRandom(1) });
  blobs = new MemoryBlobStore();
  for (const stream of ['MR_j_s', 'MR_j_t', 'MR_j_c', 'MR_j_sinks', 'MR_j_dead'])
    await journal.ensureLane({ stream, subjects: ['mr.j.>'], bytesMax: -1 });
});

const TABLES = { none: 'v1' };

async function begin(of: PhysicalPlan, stageId: string, more: Partial<RecoveryParts> = {}): Promise<{ begun: Begun; core: TaskCore }> {
  const stage = of.stages.find(({ id }) => id === stageId)!;
  const table = (): never => {
    throw new Error('no table');
  };
  const sink =
    stage.kind === 'sink'
      ? { writer: { prepare: () => ({ payload: new Uint8Array(), count: 0, after: {}, failed: [] }) }, initial: { results: 0 } }
      : null;
  const core = new TaskCore({ plan: of, stage, partition: 0, makeTransform, table, sink });
  const parts: RecoveryParts = {
    plan: of,
    revision: 1,
    savedPart: () => Promise.resolve(null),
    warm: () => Promise.resolve(null),
    core,
    stage,
    partition: 0,
    subject: `${stage.subjectPrefix}.0`,
    journal,
    blobs,
    clock,
    turns: new Turns(clock),
    signal: new AbortController().signal,
    worker: 'w',
    tableVersions: TABLES,
    recordBytesMax: 1_000_000,
    memory: null,
    failpoint: () => undefined,
    ...more,
  };
  return { begun: await clock.run(claimAndRestore(parts)), core };
}

async function lastOf(of: PhysicalPlan, stageId: string): Promise<RecordHeader> {
  const stage = of.stages.find(({ id }) => id === stageId)!;
  return decodeHeader((await journal.last(stage.stream, `${stage.subjectPrefix}.0`))!.bytes);
}

/** A task that has ended: its last record. */
async function endedAs(of: PhysicalPlan, stageId: string, fields: Partial<RecordHeader> = {}): Promise<void> {
  const stage = of.stages.find(({ id }) => id === stageId)!;
  const header = {
    stage: stageId,
    done: true,
    inputs: stage.inputs.map((edge) => ({ edge, sequence: 9, watermarks: [Infinity] })),
    watermarks: stage.outputs.map(() => Infinity),
    tables: TABLES,
    ...fields,
  };
  await journal.append(stage.stream, `${stage.subjectPrefix}.0`, 0, makeCommit({ ...header, body: Buffer.from('x') }).bytes);
}

test('the clock goes on from the last record, with the time since that was stored, over claims of owners that stored nothing', async () => {
  const of = plan([COUNTS], [['out', 'c']]);
  const ahead = 300_000;
  const fast = {
    nowMs: () => clock.nowMs() + ahead,
    monotonicMs: () => clock.monotonicMs(),
    sleep: (delayMs: number) => clock.sleep(delayMs),
    turn: () => clock.turn(),
  };
  const { begun, core } = await begin(of, 'c', { clock: fast });
  if (begun.kind !== 'claimed') throw new Error(begun.kind);
  expect(begun.clock).toBeNull();
  expect(core.given).toEqual(core.standing().watermarks);
  const header = { ...core.standing(), ingestMs: 0 };
  const step = { header, events: [], state: null, payload: null, spans: [], payloadTraces: undefined, ends: false };
  await clock.run(begun.committer.commit(step, new AbortController().signal));
  for (const passedMs of [1_000, 1_500]) {
    await clock.run(clock.sleep(passedMs - clock.nowMs()));
    const next = await begin(of, 'c');
    expect(next.begun).toMatchObject({ kind: 'claimed', clock: { ms: ahead + passedMs, monotonicMs: passedMs } });
  }
  expect((await lastOf(of, 'c')).clock).toEqual({ ms: ahead, storedMs: 0 });
});

describe('behind a record of another revision', () => {
  test('of a newer one nothing is claimed', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await begin(first, 'c', { revision: 3 });
    const { begun } = await begin(first, 'c', { revision: 2 });
    expect(begun.kind).toBe('fenced');
    expect((await lastOf(first, 'c')).epoch).toBe(1);
  });

  test('of an older one it claims, and its side inputs may be others', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await begin(first, 'c', { revision: 1 });
    const { begun } = await begin(first, 'c', { revision: 2, tableVersions: { none: 'v2' } });
    expect(begun.kind).toBe('claimed');
    expect(await lastOf(first, 'c')).toMatchObject({ epoch: 2, revision: 2, tables: { none: 'v2' } });
  });

  test('of the same one its side inputs may not', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await begin(first, 'c');
    await expect(begin(first, 'c', { tableVersions: { none: 'v2' } })).rejects.toSatisfy((error) => isError(error, 'MR1008'));
  });

  test('a claim has a watermark for each exchange of its plan', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await begin(first, 'c');
    const next = plan(
      [COUNTS],
      [
        ['out', 'c'],
        ['copy', 'c'],
      ],
      first,
    );
    await begin(next, 'c', { revision: 2 });
    expect((await lastOf(next, 'c')).watermarks).toEqual(next.stages.find(({ id }) => id === 'c')!.outputs.map(() => null));
  });
});

describe('a task that has ended', () => {
  test('stays so without a claim', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 's');
    const { begun } = await begin(first, 's');
    expect(begun).toMatchObject({ kind: 'done', epoch: 1, number: 1, sequence: 1 });
    expect((await lastOf(first, 's')).kind).toBe('commit');
  });

  test('tells a new reader that it has', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 's');
    const next = plan(
      [COUNTS],
      [
        ['out', 'c'],
        ['copy', 's'],
      ],
      first,
    );
    const { begun } = await begin(next, 's', { revision: 2 });
    expect(begun).toMatchObject({ kind: 'done', epoch: 2 });
    const { watermarks, done } = await lastOf(next, 's');
    expect([done, watermarks]).toEqual([true, next.stages.find(({ id }) => id === 's')!.outputs.map(() => Infinity)]);
  });

  test('and gets one more input is refused: event time does not begin again', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 'c');
    const next = plan([{ ...COUNTS, from: ['s', 't'] }], [['out', 'c']], first);
    await expect(begin(next, 'c', { revision: 2 })).rejects.toThrow(
      /^MR2109 .*stage c had come to the end of all its inputs, and now has one more \(t\/key:id→c\)/,
    );
  });

  test('but a sink goes on with it', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 'out', { sink: { before: { results: 3 }, after: { results: 3 }, appliedNumber: 1 } });
    const job = plan([COUNTS, { name: 'm', from: 't', map: 'event' }], [['out', 'c']], first);
    const out = job.stages.find(({ id }) => id === 'out')!;
    const edges = [
      ...job.edges,
      {
        index: job.edges.length,
        id: 't/m→out',
        fromStage: 't',
        from: { node: 'm', output: null },
        toStage: 'out',
        partitioning: 'single' as const,
      },
    ];
    const next: PhysicalPlan = {
      ...job,
      edges,
      stages: job.stages.map((stage) =>
        stage.id === 'out'
          ? { ...out, inputs: [...out.inputs, edges.length - 1] }
          : stage.id === 't'
            ? { ...stage, outputs: [...stage.outputs, edges.length - 1] }
            : stage,
      ),
    };
    const { begun, core } = await begin(next, 'out', { revision: 2 });
    expect([begun.kind, core.done, core.sinkState]).toEqual(['claimed', false, { results: 3 }]);
  });
});

describe('a stage that was gone and came back', () => {
  test('begins without what it knew', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 'c', { done: false, counters: { ...(await counters()), eventsIn: 7, edgesIn: [7] } });
    const without = plan([], [['copy', 's']], first);
    const again = plan([COUNTS], [['out', 'c']], without);
    const { begun, core } = await begin(again, 'c', { revision: 3 });
    expect([begun.kind, core.sequenceOf('s'), core.counters.edgesIn]).toEqual(['claimed', 0, [0]]);
  });

  test('with a rollback goes on with what it knew, and reads what is given out from now on', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    await endedAs(first, 'c', {
      done: false,
      counters: { ...(await counters()), eventsIn: 7, edgesIn: [7] },
      nodeWatermarks: { c: [3, 3] },
    });
    const back = plan([COUNTS], [['out', 'c']], plan([], [['copy', 's']], first));
    const again = { ...back, stages: back.stages.map((stage) => (stage.id === 'c' ? { ...stage, resumed: true as const } : stage)) };
    const { begun, core } = await begin(again, 'c', { revision: 3 });
    expect([begun.kind, core.sequenceOf('s'), core.counters.eventsIn, core.standing().nodeWatermarks['c']]).toEqual([
      'claimed',
      0,
      7,
      [3, 3],
    ]);
  });

  test('does not take the state of the savepoint that the run was started from', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    const again = plan([COUNTS], [['out', 'c']], plan([], [['copy', 's']], first));
    const saved = await savedBy(first);
    const { core } = await begin(again, 'c', { revision: 3, savedPart: () => Promise.resolve(saved) });
    expect(core.counters.eventsIn).toBe(0);
  });
});

describe('a task without records, of a run that was started from a savepoint', () => {
  test('begins with its part: counts, watermarks by exchange, state', async () => {
    const saved = await savedBy(plan([COUNTS], [['out', 'c']]));
    const other = plan(
      [COUNTS, { name: 'x', from: 't', map: 'event' }],
      [
        ['more', 'x'],
        ['out', 'c'],
      ],
    );
    const { begun, core } = await begin(other, 'c', { savedPart: () => Promise.resolve(saved) });
    expect(begun.kind).toBe('claimed');
    expect(core.counters).toMatchObject({ eventsIn: 7, edgesIn: [7], recoveries: 0 });
    expect(core.state.cells('c').get(0, 'k')).toEqual([7]);
    expect(await lastOf(other, 'c')).toMatchObject({
      kind: 'claim',
      epoch: 1,
      checkpoint: { name: saved.part.blob, number: 0, sequence: 0 },
    });
  });

  test('and whose worker died behind its claim, too', async () => {
    const first = plan([COUNTS], [['out', 'c']]);
    const saved = await savedBy(first);
    await begin(first, 'c', { savedPart: () => Promise.resolve(saved) });
    const { core } = await begin(first, 'c', { savedPart: () => Promise.reject(new Error('asked only once')) });
    expect([core.counters.eventsIn, core.state.cells('c').get(0, 'k')]).toEqual([7, [7]]);
  });

  test('without a part of its own begins empty', async () => {
    const { core } = await begin(plan([COUNTS], [['out', 'c']]), 'c');
    expect(core.counters.eventsIn).toBe(0);
  });
});

async function counters(): Promise<RecordHeader['counters']> {
  const { core } = await begin(plan([COUNTS], [['out', 'c']]), 't');
  return core.counters;
}

/** A part of a savepoint of `c`: seven events of one key counted. */
async function savedBy(of: PhysicalPlan): Promise<{ part: SavepointTask; manifest: Pick<SavepointManifest, 'job' | 'runId'> }> {
  const stage = of.stages.find(({ id }) => id === 'c')!;
  const { core } = await begin(plan([COUNTS], [['out', 'c']]), 't');
  core.state.cells('c').put(0, 'k', [7]);
  core.state.takeDelta();
  const standing = {
    inputs: stage.inputs.map((edge) => ({ edge, sequence: 99, watermarks: [5] })),
    source: null,
    sink: null,
    watermarks: stage.outputs.map(() => 4),
    nodeWatermarks: { c: [5, 4] as const },
    done: false,
    redriven: 0,
    idle: [],
    counters: { ...core.counters, eventsIn: 7, edgesIn: [7], edgesOut: stage.outputs.map(() => 1) },
  };
  const task = { task: 'c/0', standing, plan: of, stage, tables: {}, place: { epoch: 3, number: 40 }, clockMs: 0 };
  const part = await storePart(blobs, { id: 'sp', revision: 1 }, task, core.state.image().chunks());
  return { part, manifest: { job: 'other', runId: 'r' } };
}

describe('state of an older version', () => {
  const KEYS = 2_000;
  const sums = (migrate: readonly object[]): PhysicalPlan =>
    plan(
      [
        {
          name: 'c',
          from: 's',
          keyBy: 'event.id',
          partitions: 1,
          reduce: { init: () => 0, step: (sum: number) => sum },
          ...(migrate.length === 0 ? {} : { migrate }),
        },
      ],
      [['out', 'c']],
    );

  /** The task of `of` with a state of `KEYS` keys, of the version of its plan. */
  async function stored(of: PhysicalPlan): Promise<SavedPart> {
    const stage = of.stages.find(({ id }) => id === 'c')!;
    const state = new PartitionState();
    for (let i = 0; i < KEYS; i++) state.cells('c').put(0, encodeKey(`k${i}`), i);
    state.takeDelta();
    const { core } = await begin(of, 'c', { worker: 'before' });
    const part = await storePart(
      blobs,
      { id: 'sp', revision: 1 },
      { task: 'c/0', standing: core.standing(), plan: of, stage, tables: TABLES, place: { epoch: 1, number: 1 }, clockMs: 0 },
      [state.checkpoint()],
    );
    return { part, manifest: { job: 'j', runId: 'r' } };
  }

  test('is migrated with turns of the event loop between, however many keys it has and whatever code costs', async () => {
    const saved = await stored(sums([]));
    journal = new MemoryJournal({ clock, random: seededRandom(1) });
    for (const stream of ['MR_j_c']) await journal.ensureLane({ stream, subjects: ['mr.j.>'], bytesMax: -1 });
    let [costMs, turns] = [0, 0];
    const slow = { monotonicMs: () => costMs, turn: () => Promise.resolve(void turns++) } as unknown as VirtualClock;
    const migrate = [{ from: 1, to: 2, state: (sum: number) => ((costMs += 1), { sum }) }];
    const { core } = await begin(sums(migrate), 'c', { savedPart: () => Promise.resolve(saved), turns: new Turns(slow) });
    expect(core.state.cells('c').get(0, encodeKey('k7'))).toEqual({ sum: 7 });
    expect(costMs).toBe(KEYS); // once each
    expect(turns).toBeGreaterThan(5);
    expect(core.owes).toBe(true); // it is stored with the first step
  });

  test('for which there is no way is refused with the reason', async () => {
    const saved = await stored(sums([]));
    journal = new MemoryJournal({ clock, random: seededRandom(1) });
    await journal.ensureLane({ stream: 'MR_j_c', subjects: ['mr.j.>'], bytesMax: -1 });
    const migrate = [{ from: 4, to: 5, state: 'state' }];
    const refused = begin(sums(migrate), 'c', { savedPart: () => Promise.resolve(saved) });
    await expect(refused).rejects.toThrow(
      'MR2110 StateVersionUnknown: c: its state is of version 1, and the declaration leads from 4 to 5',
    );
  });
});
