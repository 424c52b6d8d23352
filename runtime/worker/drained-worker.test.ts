// A worker that was drained leaves nothing behind that would keep its thread or process alive.

import { expect, test } from 'vitest';
import type { Clock } from '../base/clock.ts';
import { CHECKPOINT_DELTA_BYTES_MIN } from '../base/limits.ts';
import type { SourceConnector } from '../connectors/source.ts';
import { laneSubjects } from '../plan/physical-plan.ts';
import { listSink } from '../testing/list-connectors.ts';
import { MemoryBlobStore } from '../testing/memory-blob-store.ts';
import { MemoryBus, MemoryDirectory } from '../testing/memory-directory.ts';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { Worker } from './worker.ts';

const RUNS_MS = 60_000;

test.each([
  { fact: 'its splits were idle', idle: { after: '5s' } },
  { fact: 'event time of its splits went on by the clock', idle: { after: '5s', closeAfter: '10s' } },
])('nothing sleeps any more, though $fact', async ({ idle }) => {
  const time = new VirtualClock(Date.UTC(2026, 0, 1));
  let asleep = 0;
  const clock: Clock = {
    nowMs: () => time.nowMs(),
    monotonicMs: () => time.monotonicMs(),
    turn: () => time.turn(),
    sleep: (ms, signal) => {
      asleep += 1;
      return time.sleep(ms, signal).finally(() => (asleep -= 1));
    },
  };
  const worker = await workerOn(clock, idle);
  await time.run(worker.start());
  await time.run(time.sleep(RUNS_MS));
  expect(asleep).toBeGreaterThan(0);
  await time.run(worker.drain());
  expect(asleep).toBe(0);
});

async function workerOn(clock: Clock, idle: object): Promise<Worker> {
  const plan = planOfSpec(
    {
      sources: [{ name: 'clicks', nats: { subjects: ['clicks'] }, schema: { at: 'timestamp' }, eventTime: { at: 'event.at' }, idle }],
      sinks: [{ name: 'out', from: 'clicks', file: { path: 'out.ndjson' } }],
    },
    { clicks: 1 },
  );
  const journal = new MemoryJournal({ clock, random: seededRandom(1) });
  for (const stream of plan.streams) await journal.ensureLane({ stream, subjects: laneSubjects(plan, stream), bytesMax: -1 });
  return new Worker({
    plan,
    journal,
    blobs: new MemoryBlobStore(),
    clock,
    directory: new MemoryDirectory(),
    bus: new MemoryBus(),
    worker: 'w',
    makeTransform,
    table: () => expect.unreachable(),
    tableVersions: {},
    stageParts: ({ kind }) => ({ source: kind === 'source' ? silence(clock) : null, sink: kind === 'sink' ? listSink([]) : null }),
    recordBytesMax: 1_000_000,
    checkpointBytes: CHECKPOINT_DELTA_BYTES_MIN,
    speed: null,
    reportMs: 1_000,
    expectedWorkers: 1,
    failpoint: () => undefined,
    usage: () => ({ memoryBytes: 0, cpuMs: 0, loopBusyMs: 0 }),
    log: () => undefined,
  });
}

/** A split to which nothing is published. */
function silence(clock: Clock): SourceConnector {
  const nothing = {
    values: [],
    places: [],
    placeWord: 'event' as const,
    deadLetters: [],
    position: { index: 0 },
    done: false,
    bytes: 0,
    progress: null,
  };
  const closed = new AbortController();
  return {
    splitCount: 1,
    decodeAgain: (event) => ({ value: event }),
    open: () =>
      Promise.resolve({
        read: async ({ waitMs }) => {
          await clock.sleep(waitMs, closed.signal);
          return { ...nothing, ingestMs: clock.nowMs() };
        },
        close: () => Promise.resolve(closed.abort()),
      }),
  };
}
