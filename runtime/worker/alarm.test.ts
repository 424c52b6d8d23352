import { expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Alarm } from './alarm.ts';

/** Sets the alarm at each time to another; gives the times at which it rang, and how often it slept. */
async function run(sets: readonly (readonly [atMs: number, alarmMs: number])[], untilMs: number) {
  const clock = new VirtualClock();
  let sleeps = 0;
  const counting = {
    nowMs: () => clock.nowMs(),
    sleep: (delayMs: number, signal?: AbortSignal) => {
      sleeps++;
      return clock.sleep(delayMs, signal);
    },
    monotonicMs: () => clock.monotonicMs(),
    turn: () => clock.turn(),
  };
  const rung: number[] = [];
  const alarm = new Alarm({ clock: counting, signal: new AbortController().signal, notify: () => rung.push(clock.nowMs()) });
  const setAll = async (): Promise<void> => {
    for (const [atMs, alarmMs] of sets) {
      await clock.sleep(atMs - clock.nowMs());
      alarm.set(alarmMs);
    }
    await clock.sleep(untilMs - clock.nowMs());
  };
  await clock.run(setAll());
  return { rung, sleeps };
}

test.each([
  { fact: 'it rings at its time, once', sets: [[0, 50]], rung: [50], sleeps: 1 },
  {
    fact: 'set to a later time it sleeps on, and begins no other sleep before it wakes',
    sets: [
      [0, 50],
      [10, 60],
      [20, 70],
      [30, 90],
    ],
    rung: [90],
    sleeps: 2,
  },
  {
    fact: 'set to an earlier time it rings then, and not again',
    sets: [
      [0, 90],
      [10, 30],
    ],
    rung: [30],
    sleeps: 2,
  },
  {
    fact: 'set to none it does not ring',
    sets: [
      [0, 50],
      [20, Infinity],
    ],
    rung: [],
    sleeps: 1,
  },
  {
    fact: 'set again after none it rings',
    sets: [
      [0, 50],
      [20, Infinity],
      [30, 40],
    ],
    rung: [40],
    sleeps: 2,
  },
  { fact: 'set to a time that has passed it rings at once', sets: [[20, 10]], rung: [20], sleeps: 0 },
  {
    fact: 'it rings again when it is set again',
    sets: [
      [0, 20],
      [20, 40],
      [60, 80],
    ],
    rung: [20, 40, 80],
    sleeps: 3,
  },
  { fact: 'a time far away is slept to in parts', sets: [[0, 130_000]], rung: [130_000], sleeps: 3 },
] as const)('$fact', async ({ sets, rung, sleeps }) => {
  expect(await run(sets, 1_000_000)).toEqual({ rung, sleeps });
});
