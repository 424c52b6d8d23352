import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { systemClock } from '../adapters/node/clock.ts';
import { Turns } from './turns.ts';

/** Keeps the thread for longer than a turn may take. */
function work(): void {
  for (const endMs = performance.now() + 20; performance.now() < endMs;);
}

test('who waits together steps one after the other, and what comes from outside is heard between (T1)', async () => {
  const turns = new Turns(systemClock);
  work();
  const heard: string[] = [];
  const outside = new MessageChannel();
  const stepOf = async (name: string): Promise<void> => {
    await turns.toStep({});
    work();
    heard.push(name);
    outside.port2.postMessage(`${name} stored`);
  };
  const all = new Promise<void>((resolve) => {
    outside.port1.on('message', (message: string) => {
      heard.push(message);
      if (message.startsWith('c')) resolve();
    });
  });
  await Promise.all([stepOf('a'), stepOf('b'), stepOf('c')]);
  await all;
  outside.port1.close();
  expect(heard).toEqual(['a', 'a stored', 'b', 'b stored', 'c', 'c stored']);
});

test('steps of a moment share a turn', async () => {
  let count = 0;
  const turn = (): Promise<void> => (count++, systemClock.turn());
  const turns = new Turns({ ...systemClock, turn, monotonicMs: () => 1_000 });
  await Promise.all(Array.from({ length: 64 }, () => turns.toStep({})));
  await turns.give();
  expect(count).toBe(1);
});

test('a piece of long work waits for one step, not for all (T2); a task that is to end waits for none (T3)', async () => {
  const turns = new Turns(systemClock);
  work();
  const heard: string[] = [];
  const ends = {};
  const waits = [
    ...['a', 'b', 'c'].map((name) => ({ name, until: () => turns.toStep({}) })),
    { name: 'ends', until: () => turns.toStep(ends) },
    ...['1', '2'].map((name) => ({ name, until: () => turns.give() })),
  ].map(async ({ name, until }) => {
    await until();
    work();
    heard.push(name);
  });
  turns.leave(ends);
  await Promise.all(waits);
  expect(heard).toEqual(['ends', '1', 'a', '2', 'b', 'c']);
});

test('who steps alone has a whole stretch, of several each has its share, of very many as much as a record is worth (T4)', async () => {
  const sharesOf = async (count: number): Promise<readonly number[]> => {
    const turns = new Turns(systemClock);
    work();
    const shares: number[] = [];
    await Promise.all(Array.from({ length: count }, () => turns.toStep({}).then(() => shares.push(turns.stretchMs))));
    return shares;
  };
  expect(await sharesOf(1)).toEqual([200]);
  expect(await sharesOf(4)).toEqual([50, 67, 100, 200].map((ms) => expect.closeTo(ms, -1) as number));
  expect((await sharesOf(64))[0]).toBe(50);
});
