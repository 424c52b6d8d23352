import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { carriedClock, clockMark, TaskClock } from './task-clock.ts';

/** The machine's clock, which is set anew to what `wallMs` says. */
class Machine extends VirtualClock {
  offsetMs = 0;

  override nowMs(): number {
    return this.monotonicMs() + this.offsetMs;
  }
}

const MINUTE = 60_000;

/** What a task's clock says at each of these times, after it went on from `fromMs`, on a machine that is `behindMs` behind that. */
async function run(fromMs: number | null, behindMs: number, looks: readonly (readonly [atMs: number, offsetMs?: number])[]) {
  const machine = new Machine();
  machine.offsetMs = (fromMs ?? 0) - behindMs;
  const clock = new TaskClock(machine);
  const seen: number[] = [];
  const look = async (): Promise<void> => {
    await machine.sleep(100); // restoring takes time
    clock.goOn(fromMs === null ? null : { ms: fromMs, monotonicMs: 0 });
    for (const [atMs, offsetMs] of looks) {
      await machine.sleep(atMs - machine.monotonicMs());
      if (offsetMs !== undefined) machine.offsetMs = offsetMs;
      seen.push(clock.nowMs());
    }
  };
  await machine.run(look());
  return seen;
}

const HOUR = 60 * MINUTE;
test.each([
  { fact: 'it is the wall clock where nothing was before', fromMs: null, behindMs: 0, looks: [[100], [5_000]], seen: [100, 5_000] },
  { fact: 'it is the wall clock where that is ahead', fromMs: HOUR, behindMs: -MINUTE, looks: [[100]], seen: [HOUR + MINUTE + 100] },
  {
    fact: 'behind a clock that was ahead it goes on at once, a hundredth slower than time; restoring counts',
    fromMs: HOUR,
    behindMs: 5 * MINUTE,
    looks: [[100], [1_100], [11_100]],
    seen: [HOUR + 100, HOUR + 1_090, HOUR + 10_990],
  },
  {
    fact: 'they meet after a hundred times as long as they were apart, and it is the wall clock from there on',
    fromMs: HOUR,
    behindMs: 1_000,
    looks: [[50_100], [200_000]],
    seen: [HOUR + 49_600, HOUR + 199_000],
  },
  {
    fact: 'a wall clock that is set back in the middle holds nothing up',
    fromMs: null,
    behindMs: 0,
    looks: [[100], [1_100, -5 * MINUTE], [2_100], [3_100, MINUTE]],
    seen: [100, 1_090, 2_080, 3_100 + MINUTE],
  },
] as const)('TC1 TC3 $fact', async ({ fromMs, behindMs, looks, seen }) => {
  expect(await run(fromMs, behindMs, looks)).toEqual(seen);
});

test('TC1 it never goes back between looks that are no whole ms apart', async () => {
  const machine = new Machine();
  const clock = new TaskClock(machine);
  const seen: number[] = [];
  const look = async (): Promise<void> => {
    for (let i = 0; i < 500; i++) {
      seen.push(clock.nowMs());
      machine.offsetMs += i % 7 === 0 ? -0.9 : 0.1;
      await machine.sleep(0.37);
    }
  };
  await machine.run(look());
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test.each([
  { fact: 'a commit: the time since it was stored', clock: { ms: 1_000 }, storedMs: 50, mark: { ms: 1_030, monotonicMs: 7 } },
  {
    fact: 'a claim: the time since what it carries on was stored',
    clock: { ms: 1_000, storedMs: 20 },
    storedMs: 50,
    mark: { ms: 1_060, monotonicMs: 7 },
  },
  { fact: 'a server whose clock went back: none', clock: { ms: 1_000 }, storedMs: 99, mark: { ms: 1_000, monotonicMs: 7 } },
  { fact: 'a savepoint, of another server: none', clock: { ms: 1_000 }, storedMs: null, mark: { ms: 1_000, monotonicMs: 7 } },
  { fact: 'a record of an older release: nothing to go on from', clock: undefined, storedMs: 50, mark: null },
])('TC2 behind $fact', ({ clock, storedMs, mark }) => {
  expect(clockMark(carriedClock(clock, storedMs), { claimedMs: 80, monotonicMs: 7 })).toEqual(mark);
});
