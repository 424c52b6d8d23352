// One reader for many partitions: who joins when, what each gets.

import { beforeEach, expect, test } from 'vitest';
import { MemoryJournal } from '../testing/memory-journal.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { CopyFeed } from './copy-feed.ts';
import { Turns } from './turns.ts';

let clock: VirtualClock;
let journal: MemoryJournal;
let feed: CopyFeed;
let readers: number;
const last = new Map<string, number>();
beforeEach(async () => {
  clock = new VirtualClock();
  journal = new MemoryJournal({ clock, random: seededRandom(1) });
  readers = 0;
  last.clear();
  const counted = {
    read: (...asked: Parameters<MemoryJournal['read']>) => {
      readers++;
      return journal.read(...asked);
    },
  };
  const onTrouble = (error: unknown): void => {
    throw error;
  };
  feed = new CopyFeed({ journal: counted, stream: 'S', turns: new Turns(clock), onTrouble });
  await journal.ensureLane({ stream: 'S', subjects: ['s.*'], bytesMax: -1 });
});

async function store(...subjects: readonly string[]): Promise<void> {
  for (const subject of subjects) {
    const result = await journal.append('S', subject, last.get(subject) ?? 0, Buffer.from(subject));
    if (result.kind !== 'stored') throw new Error(result.kind);
    last.set(subject, result.sequence);
  }
}

/** A partition that is followed: the sequences that it got. */
function follow(subject: string, afterSequence: number, failsAt = Infinity): { got: number[]; failures: unknown[]; leave: () => void } {
  const got: number[] = [];
  const failures: unknown[] = [];
  const take = ({ sequence }: { sequence: number }): void => {
    if (sequence >= failsAt) throw new Error(`cannot take ${sequence}`);
    got.push(sequence);
  };
  const leave = feed.join({ subject, take, failed: (error) => failures.push(error) }, afterSequence);
  return { got, failures, leave };
}

const run = (play: () => Promise<void>) => (): Promise<void> => clock.run(play());
const settled = (): Promise<void> => clock.sleep(50);

test(
  'each gets what is its own, once and in order, whoever joins meanwhile',
  run(async () => {
    await store('s.0', 's.1', 's.2', 's.0'); // 1 2 3 4
    const zero = follow('s.0', 1);
    await settled();
    await store('s.1', 's.0'); // 5 6
    const one = follow('s.1', 0);
    await settled();
    await store('s.0', 's.1', 's.2'); // 7 8 9
    await settled();
    expect(zero.got).toEqual([4, 6, 7]);
    expect(one.got).toEqual([2, 5, 8]);
    expect(readers).toBe(2);
  }),
);

test(
  'who fails has left, the others go on',
  run(async () => {
    const [zero, one] = [follow('s.0', 0, 3), follow('s.1', 0)];
    await store('s.0', 's.1', 's.0', 's.1', 's.0');
    await settled();
    expect([zero.got, zero.failures.length, one.got, one.failures.length]).toEqual([[1], 1, [2, 4], 0]);
  }),
);

test(
  'with the last one that leaves nothing is read any more, and one that comes later begins by itself',
  run(async () => {
    const zero = follow('s.0', 0);
    await store('s.0');
    await settled();
    zero.leave();
    expect(feed.sequence).toBe(0);
    await store('s.0', 's.0');
    await settled();
    expect(zero.got).toEqual([1]);
    const again = follow('s.0', 2);
    await settled();
    expect(again.got).toEqual([3]);
    again.leave();
  }),
);
