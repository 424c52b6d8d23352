// Events that take 20 ms each, 20,000 of them in one record: the worker's loop has its turns, commits go on, whoever dies in the middle
// is followed by one who goes on there, and who is asked to end does.

import { expect, test } from 'vitest';
import type { Clock } from '../../runtime/base/clock.ts';
import type { SourceConnector } from '../../runtime/connectors/source.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { StagePlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { MemoryBlobStore } from '../../runtime/testing/memory-blob-store.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { MemoryJournal } from '../../runtime/testing/memory-journal.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { VirtualClock } from '../../runtime/testing/virtual-clock.ts';
import { makeTransform } from '../../runtime/transforms/make-transform.ts';
import type { StageParts } from '../../runtime/worker/worker.ts';
import { Worker } from '../../runtime/worker/worker.ts';
import { jobText } from '../support/job-run.ts';
import { memorySink } from './memory-connectors.ts';
import type { Target } from './memory-connectors.ts';
import { MemoryBus, MemoryDirectory } from '../../runtime/testing/memory-directory.ts';
import { Mortal } from './mortal.ts';
import { ConservationWitness } from './seen-journal.ts';

const EVENTS = 20_000;
const COST_MS = 20;
/** How long the loop may stand still. */
const STILL_MS = 500;
const KEYS = 40;

/** `node`: the transform whose events are dear. */
const JOB = jobText(
  'slow',
  `
  partitions: 1
  sources:
    - { name: rows, file: { path: rows.ndjson }, schema: { id: string, at: timestamp } }
  stages:
    - { name: mapped, from: rows, map: { id: event.id } }
    - { name: counts, from: mapped, keyBy: event.id, aggregate: { n: { count: {} } } }
  sinks:
    - { name: out, from: counts, file: { path: out.ndjson } }
`,
);

/** A loop in which time passes while it works, and all that is due runs when it has its turn. */
class BusyLoop implements Clock {
  longestMs = 0;
  #workedMs = 0;
  readonly #inner: Clock;

  constructor(inner: Clock) {
    this.#inner = inner;
  }

  work(ms: number): void {
    this.#workedMs += ms;
    this.longestMs = Math.max(this.longestMs, this.#workedMs);
  }

  nowMs(): number {
    return this.#inner.nowMs() + this.#workedMs;
  }

  monotonicMs(): number {
    return this.#inner.monotonicMs() + this.#workedMs;
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.#inner.sleep(delayMs, signal);
  }

  async turn(): Promise<void> {
    const workedMs = this.#workedMs;
    this.#workedMs = 0;
    await this.#inner.sleep(workedMs);
  }
}

/** All events in one read, more than it was asked for: so they become one record. */
const rows: SourceConnector = {
  splitCount: 1,
  open: (_split, position) => {
    let next = Number(position?.['index'] ?? 0);
    const read = (): ReturnType<Awaited<ReturnType<SourceConnector['open']>>['read']> => {
      const values = Array.from({ length: EVENTS - next }, (_, i) => ({ id: `k${(next + i) % KEYS}`, at: 0 }));
      next = EVENTS;
      const rest = { places: [], placeWord: 'seq' as const, deadLetters: [], ingestMs: 0, done: true, bytes: 0, progress: null };
      return Promise.resolve({ values, position: { index: next }, ...rest });
    };
    return Promise.resolve({ read, close: () => Promise.resolve() });
  },
};

class World {
  readonly clock = new VirtualClock(1_000);
  readonly random = seededRandom(1);
  readonly journal = new MemoryJournal({ clock: this.clock, random: this.random, faults: NO_FAULTS });
  readonly blobs = new MemoryBlobStore({ clock: this.clock, random: this.random, latencyMs: [0, 1] });
  readonly directory = new MemoryDirectory();
  readonly bus = new MemoryBus();
  readonly target: Target = [];
  readonly failures: unknown[] = [];
  readonly plan = planJob(readStreamJob(JOB, { file: 'slow.yaml', parameters: {} }), { rows: 1 });
  readonly #slow: string;

  constructor(slow: string) {
    this.#slow = slow;
  }

  start(name: string): { readonly worker: Worker; readonly loop: BusyLoop; readonly mortal: Mortal } {
    const mortal = new Mortal(this.clock);
    const loop = new BusyLoop(mortal.clock());
    const worker = new Worker({
      plan: this.plan,
      journal: mortal.journal(this.journal),
      blobs: mortal.blobs(this.blobs),
      clock: loop,
      directory: mortal.directory(this.directory),
      bus: mortal.bus(this.bus),
      worker: name,
      makeTransform: (node) => {
        const real = makeTransform(node);
        if (node.id !== this.#slow) return real;
        const onBatch = real.onBatch.bind(real);
        real.onBatch = (batch, context, side): void => {
          loop.work(COST_MS * batch.values.length);
          onBatch(batch, context, side);
        };
        return real;
      },
      table: () => {
        throw new Error('no table');
      },
      tableVersions: {},
      stageParts: (stage) => this.#stageParts(stage, mortal),
      recordBytesMax: 8_000_000,
      checkpointBytes: 1_000_000,
      speed: null,
      expectedWorkers: 1,
      failpoint: () => undefined,
      usage: () => ({ memoryBytes: 0, cpuMs: 0, loopBusyMs: 0 }),
      log: () => undefined,
    });
    void worker.start();
    return { worker, loop, mortal };
  }

  /** Records of the stage, and how many events its last one has taken in. */
  async progress(stageId: string): Promise<{ readonly records: number; readonly taken: number; readonly isInside: boolean }> {
    const { stream, subjectPrefix } = this.plan.stages.find(({ id }) => id === stageId) as StagePlan;
    const last = await this.journal.last(stream, `${subjectPrefix}.0`);
    if (last === null) return { records: 0, taken: 0, isInside: false };
    const { number, counters, inputs } = decodeHeader(last.bytes);
    return { records: number, taken: counters.eventsIn, isInside: inputs.some(({ part }) => part !== undefined) };
  }

  async until(holds: () => Promise<boolean>): Promise<void> {
    for (const endMs = this.clock.nowMs() + 2 * EVENTS * COST_MS; this.clock.nowMs() < endMs; await this.clock.sleep(1_000)) {
      const failure = await this.directory.get('failure');
      if (failure !== null) throw new Error(JSON.stringify(failure.value));
      if (await holds()) return;
    }
    throw new Error('it did not come to that');
  }

  async isCompleted(): Promise<boolean> {
    return (await this.directory.get('completed')) !== null;
  }

  #stageParts(stage: StagePlan, mortal: Mortal): StageParts {
    if (stage.kind === 'source') return { source: rows, sink: null };
    if (stage.kind !== 'sink' || stage.id !== 'out') return { source: null, sink: stage.kind === 'sink' ? this.#sink([], mortal) : null };
    return { source: null, sink: this.#sink(this.target, mortal) };
  }

  #sink(target: Target, mortal: Mortal): NonNullable<StageParts['sink']> {
    return memorySink(target, { random: this.random, busy: 0, through: (ask) => mortal.through(ask) });
  }
}

async function begin(slow: string): Promise<World> {
  const world = new World(slow);
  for (const stream of world.plan.streams) await world.journal.ensureLane({ stream, subjects: ['mr.slow.>'], bytesMax: -1 });
  return world;
}

const slowOf = (world: World): string => world.plan.stages.find(({ kind }) => kind === 'keyed')?.id ?? '';

function checkAll({ target, journal, plan }: World): void {
  const counts = target.map((text) => JSON.parse(text as string) as { readonly id: string; readonly n: number });
  const last = new Map<string, number>();
  for (const { id, n } of counts) {
    expect(n).toBeGreaterThan(last.get(id) ?? 0);
    last.set(id, n);
  }
  expect(last).toEqual(new Map(Array.from({ length: KEYS }, (_, i) => [`k${i}`, EVENTS / KEYS])));
  expect(new ConservationWitness({ isRestored: false }).look(journal, plan)).toEqual([]);
}

test('a record of them is taken in by many commits, and who dies in the middle is followed where the last one ended', async () => {
  const world = await begin('counts');
  await world.clock.run(
    (async () => {
      const first = world.start('w1');
      const stage = slowOf(world);
      await world.until(async () => (await world.progress(stage)).taken > EVENTS / 3);
      const before = await world.progress(stage);
      expect(before.isInside).toBe(true);
      expect(before.records).toBeGreaterThan((EVENTS * COST_MS) / 3 / STILL_MS);
      first.mortal.kill();
      const atDeath = await world.progress(stage);
      const second = world.start('w2');
      await world.until(() => world.isCompleted());
      expect(atDeath.taken).toBeLessThan(EVENTS);
      for (const { loop } of [first, second]) expect(loop.longestMs).toBeLessThanOrEqual(STILL_MS);
      second.mortal.kill();
    })(),
  );
  checkAll(world);
});

test('who is asked to end in the middle ends within five seconds', async () => {
  const world = await begin('counts');
  await world.clock.run(
    (async () => {
      const first = world.start('w1');
      await world.until(async () => (await world.progress(slowOf(world))).taken > EVENTS / 4);
      const beganMs = world.clock.nowMs();
      await first.worker.drain();
      expect(world.clock.nowMs() - beganMs).toBeLessThan(5_000);
      first.mortal.kill();
      const second = world.start('w2');
      await world.until(() => world.isCompleted());
      second.mortal.kill();
    })(),
  );
  checkAll(world);
});

test('in the stage of the source the loop has its turns too, and who is asked to end does', async () => {
  const world = await begin('mapped');
  await world.clock.run(
    (async () => {
      const first = world.start('w1');
      await world.clock.sleep((EVENTS * COST_MS) / 4);
      const beganMs = world.clock.nowMs();
      await first.worker.drain();
      expect(world.clock.nowMs() - beganMs).toBeLessThan(5_000);
      expect(first.loop.longestMs).toBeLessThanOrEqual(STILL_MS);
      first.mortal.kill();
      const second = world.start('w2');
      await world.until(() => world.isCompleted());
      expect(second.loop.longestMs).toBeLessThanOrEqual(STILL_MS);
      second.mortal.kill();
    })(),
  );
  checkAll(world);
});
