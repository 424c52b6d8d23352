// Who is gone is seen by its connection, who is only busy is not.

import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { Bus } from './directory.ts';
import { PeerWatch } from './peer-watch.ts';

/** What the server answers to each look at `w2`, in order; the last one for ever. */
async function look(answers: readonly (boolean | null)[], { lookMs = 2_000 } = {}): Promise<readonly number[]> {
  const clock = new VirtualClock();
  const goneMs: number[] = [];
  let looks = 0;
  const bus: Bus = {
    publish: () => undefined,
    subscribe: () => () => undefined,
    isHeard: () => Promise.resolve(answers[Math.min(looks++, answers.length - 1)] as boolean | null),
  };
  const watch = new PeerWatch({
    worker: 'w1',
    bus,
    clock,
    watched: () => (goneMs.length === 0 ? ['w2'] : []),
    onGone: (worker) => {
      expect(worker).toBe('w2');
      goneMs.push(clock.monotonicMs());
    },
  });
  await clock.run(
    (async () => {
      watch.start();
      await clock.sleep(lookMs);
      watch.stop();
    })(),
  );
  return goneMs;
}

describe('a worker that is watched', () => {
  test.each([
    { fact: 'is gone when nobody listens three times', answers: [false], gone: true },
    { fact: 'stays while somebody listens', answers: [true], gone: false },
    { fact: 'stays while nothing is known', answers: [null], gone: false },
    { fact: 'stays when its connection is made anew in time', answers: [true, false, false, true], gone: false },
    { fact: 'stays when what is known has gaps', answers: [false, false, null, false, false, null], gone: false },
    { fact: 'is gone at last', answers: [false, false, true, false, false, false], gone: true },
  ])('$fact', async ({ answers, gone }) => {
    expect(await look(answers)).toHaveLength(gone ? 1 : 0);
  });

  test('is gone within 300 ms', async () => {
    expect((await look([false]))[0]).toBeLessThanOrEqual(300);
  });

  test('is told to nobody any more once the watch is stopped', async () => {
    expect(await look([false], { lookMs: 150 })).toEqual([]);
  });
});
