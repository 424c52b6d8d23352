import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { NO_TIME, TimeLedger, workerTime } from './time-ledger.ts';
import type { WorkerTime } from './time-ledger.ts';

test('each stretch of time is counted as what was done in it, the one that goes on too', async () => {
  const clock = new VirtualClock(0);
  const ledger = new TimeLedger(clock);
  const stretches = [
    ['busy', 3],
    ['blocked', 5],
    ['busy', 2],
    ['idle', 7],
  ] as const;
  for (const [doing, ms] of stretches) {
    ledger.enter(doing);
    await clock.run(clock.sleep(ms));
  }
  expect(ledger.spent()).toEqual({ busyMs: 5, blockedMs: 5, idleMs: 7 });
  await clock.run(clock.sleep(4));
  expect(ledger.spent()).toEqual({ busyMs: 5, blockedMs: 5, idleMs: 11 });
});

const START: WorkerTime = { atMs: 1_000, spent: NO_TIME, loopBusyMs: 50, blockedMs: new Map([['a/0', 100]]) };

test.each([
  { fact: 'the rest of the time is idle', loopBusyMs: 90, blocked: { 'a/0': 100 }, spent: [40, 0, 60] },
  { fact: 'tasks are blocked side by side', loopBusyMs: 60, blocked: { 'a/0': 130, 'b/0': 20 }, spent: [10, 30, 60] },
  { fact: 'a busy loop is not blocked', loopBusyMs: 120, blocked: { 'a/0': 190 }, spent: [70, 30, 0] },
  { fact: 'a loop is not busy for longer than time has passed', loopBusyMs: 400, blocked: { 'a/0': 190 }, spent: [100, 0, 0] },
  { fact: 'a task that began anew counts from its beginning', loopBusyMs: 50, blocked: { 'a/0': 0 }, spent: [0, 0, 100] },
])('of a worker: $fact', ({ loopBusyMs, blocked, spent: [busyMs, blockedMs, idleMs] }) => {
  const now = { atMs: 1_100, loopBusyMs, blockedMs: new Map(Object.entries(blocked)) };
  expect(workerTime(START, now).spent).toEqual({ busyMs, blockedMs, idleMs });
});
