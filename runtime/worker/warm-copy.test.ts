// A copy that follows an owner who goes on, makes checkpoints and purges. The journal in memory, the real copy, claim and restore.

import { beforeEach, describe, expect, test } from 'vitest';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { NO_HASH, encodeRecord } from '../journal/record-codec.ts';
import type { CheckpointRef } from '../journal/record.ts';
import { planJob } from '../plan/plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { TaskCore } from '../task/step.ts';
import { MemoryBlobStore } from '../testing/memory-blob-store.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { makeHeader } from '../testing/sample-records.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { claimAndRestore, type Begun } from './recovery.ts';
import type { StateCopy } from './state-copy.ts';
import { Turns } from './turns.ts';
import { WarmCopy } from './warm-copy.ts';

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'j' },
    spec: {
      sources: [{ name: 's', nats: { subjects: ['s'] } }],
      stages: [{ name: 'c', from: 's', keyBy: 'event.id', partitions: 1, aggregate: { n: { count: {} } } }],
      sinks: [{ name: 'out', from: 'c', nats: { subject: 'out' } }],
    },
  }),
  {},
  { deadLetterFile: false, before: null },
);
const stage = plan.stages.find(({ id }) => id === 'c')!;
const subject = `${stage.subjectPrefix}.0`;
const inputs = stage.inputs.map((edge) => ({ edge, sequence: 9, watermarks: [5] }));

let clock: VirtualClock;
let journal: MemoryJournal;
let blobs: MemoryBlobStore;
let owner: Owner;
beforeEach(async () => {
  clock = new VirtualClock();
  journal = new MemoryJournal({ clock, random: seededRandom(1) });
  blobs = new MemoryBlobStore({ clock, random: seededRandom(2), latencyMs: [5, 50] });
  owner = new Owner();
  await journal.ensureLane({ stream: stage.stream, subjects: ['mr.j.>'], bytesMax: -1 });
});

/** Counts a key up with each record, as a task does. */
class Owner {
  readonly state = new PartitionState();
  checkpoint: CheckpointRef | null = null;
  #end = { number: 0, hash: NO_HASH, sequence: 0 };

  async count(times: number, { more = false } = {}): Promise<void> {
    for (let i = 0; i < times; i++) {
      const number = this.#end.number + 1;
      this.state.cells('c').put(0, `k${number % 5}`, [number]);
      const bytes = this.state.takeDelta() as Uint8Array;
      const header = makeHeader({ stage: 'c', number, previousHash: this.#end.hash, inputs, checkpoint: this.checkpoint, more });
      const record = encodeRecord(header, [{ kind: 'delta', edge: -1, partition: -1, count: 1, bytes }]);
      const result = await journal.append(stage.stream, subject, this.#end.sequence, record.bytes);
      if (result.kind !== 'stored') throw new Error(result.kind);
      this.#end = { number, hash: record.hash, sequence: result.sequence };
    }
  }

  /** Stores the state, names it in a record, deletes the image before, and purges what lies behind. */
  async storeState(): Promise<void> {
    const { number, sequence } = this.#end;
    const [name, image, before] = [`c-0.1.${number}`, [...this.state.image().chunks()], this.checkpoint];
    this.checkpoint = { name, ...(await blobs.put(name, image)), number, sequence };
    await this.count(1);
    if (before !== null) await blobs.delete(before.name);
    await journal.purge(stage.stream, subject, sequence);
  }
}

function follow(): WarmCopy {
  const onTrouble = (error: unknown): void => {
    throw error;
  };
  return new WarmCopy({
    stage,
    partition: 0,
    journal,
    blobs,
    clock,
    memory: null,
    turns: new Turns(clock),
    onChange: () => undefined,
    onTrouble,
  });
}

async function untilWarm(copy: WarmCopy): Promise<void> {
  for (let looks = 0; !copy.isWarm; looks++) {
    expect(looks).toBeLessThan(1_000);
    await clock.sleep(10);
  }
}

/** Takes the partition over with that copy: how it began, and whether its state is that of the owner before. */
async function takeOver(warm: StateCopy | null): Promise<{ begun: Begun; image: Uint8Array; isSame: boolean }> {
  const table = (): never => {
    throw new Error('no table');
  };
  const core = new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null });
  const begun = await claimAndRestore({
    plan,
    revision: 1,
    savedPart: () => Promise.resolve(null),
    warm: () => Promise.resolve(warm),
    core,
    stage,
    partition: 0,
    subject,
    journal,
    blobs,
    clock,
    memory: null,
    turns: new Turns(clock),
    signal: new AbortController().signal,
    worker: 'next',
    tableVersions: {},
    recordBytesMax: 1_000_000,
    failpoint: () => undefined,
  });
  const image = core.state.checkpoint();
  return { begun, image, isSame: Buffer.from(image).equals(owner.state.checkpoint()) };
}

const play = (what: () => Promise<void>) => (): Promise<void> => clock.run(what());

describe('a warm copy', () => {
  test(
    'spares its taker the checkpoint and the records that it has',
    play(async () => {
      await owner.count(50);
      await owner.storeState();
      const copy = follow();
      await owner.count(40);
      await untilWarm(copy);
      await owner.count(3);
      await owner.storeState();
      await owner.count(3);
      await clock.sleep(10);
      const taken = await copy.take();
      await owner.count(3);
      for (const name of blobs.names) blobs.damage(name); // nobody reads it again
      // What its next records name is the checkpoint that is there, not the one that the copy began with.
      const committer = { checkpoint: owner.checkpoint, named: owner.checkpoint };
      expect(await takeOver(taken)).toMatchObject({ begun: { kind: 'claimed', isWarm: true, committer }, isSame: true });
    }),
  );

  test(
    'of a partition without a checkpoint has its records from the first on',
    play(async () => {
      await owner.count(7);
      const copy = follow();
      await untilWarm(copy);
      expect(await takeOver(await copy.take())).toMatchObject({ begun: { isWarm: true }, isSame: true });
    }),
  );

  test(
    'begins anew when its checkpoint is deleted while it reads it, and when records are purged under it',
    play(async () => {
      await owner.count(20);
      await owner.storeState();
      for (let round = 0; round < 5; round++) {
        const copy = follow();
        await clock.sleep(round * 4);
        await owner.count(60);
        await owner.storeState();
        await owner.count(5);
        await untilWarm(copy);
        expect((await copy.take())?.number).toBeGreaterThan(20);
      }
      const copy = follow();
      await untilWarm(copy);
      expect(await takeOver(await copy.take())).toMatchObject({ begun: { isWarm: true }, isSame: true });
    }),
  );

  test(
    'that was left behind by a purge is thrown away',
    play(async () => {
      await owner.count(20);
      const copy = follow();
      await untilWarm(copy);
      const taken = await copy.take();
      await owner.count(10);
      await owner.storeState();
      expect(await takeOver(taken)).toMatchObject({ begun: { kind: 'claimed', isWarm: false }, isSame: true });
    }),
  );

  test(
    'knows nothing of a step that was left unfinished',
    play(async () => {
      await owner.count(4);
      const copy = follow();
      await untilWarm(copy);
      const before = owner.state.checkpoint();
      await owner.count(1, { more: true });
      const { begun, image } = await takeOver(await copy.take());
      expect(begun).toMatchObject({ kind: 'claimed', isWarm: true });
      expect(Buffer.from(image).equals(before)).toBe(true);
    }),
  );

  test(
    'of a partition that never ran is warm at once, and is nothing',
    play(async () => {
      const copy = follow();
      await untilWarm(copy);
      expect(await copy.take()).toBeNull();
    }),
  );
});
