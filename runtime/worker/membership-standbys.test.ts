// Workers of a job with standbys: who dies is replaced by who has followed, long before the lease ends.

import { expect, test } from 'vitest';
import { MemoryBus, MemoryDirectory } from '../testing/memory-directory.ts';
import { Mortal } from '../../test/sim/mortal.ts';
import { LEASE_MS } from '../base/limits.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import type { TaskRef } from './assignment.ts';
import { Membership, type AssignmentRecord } from './membership.ts';

const TASKS: readonly TaskRef[] = Array.from({ length: 6 }, (_, p) => ({ name: `a/${p}`, stage: 'a', isFollowed: true }));
const UNFOLLOWED = TASKS.map(({ name, stage }) => ({ name, stage }));
/** Three looks, a beat and an assignment. */
const SOON_MS = 400;

class Members {
  readonly clock = new VirtualClock();
  readonly #directory = new MemoryDirectory();
  readonly #bus = new MemoryBus();
  readonly lives = new Map<string, Mortal>();

  async add(worker: string, tasks: readonly TaskRef[] = TASKS): Promise<Membership> {
    const life = new Mortal(this.clock);
    const member = new Membership({
      worker,
      tasks,
      revision: 1,
      expectedWorkers: 1,
      directory: life.directory(this.#directory),
      bus: life.bus(this.#bus),
      clock: life.clock(),
      holds: () => ({ owned: [], done: [], draining: false }),
      onChange: () => undefined,
      onTrouble: (error) => {
        throw error;
      },
    });
    this.lives.set(worker, life);
    await member.start();
    return member;
  }

  async assignment(): Promise<AssignmentRecord> {
    return (await this.#directory.get('assignment'))?.value as AssignmentRecord;
  }

  /** Workers with a heartbeat in the directory. */
  async there(): Promise<readonly string[]> {
    const names = await Promise.all(
      [...this.lives.keys()].map(async (name) => ((await this.#directory.get(`worker.${name}`)) ? [name] : [])),
    );
    return names.flat();
  }
}

const withMembers = (play: (members: Members) => Promise<void>) => (): Promise<void> => {
  const members = new Members();
  return members.clock.run(
    play(members).finally(() => {
      for (const life of members.lives.values()) life.kill();
    }),
  );
};

test.each(['w1', 'w2', 'w3'])('what %s ran goes to who has followed it as soon as nobody listens behind its name', (victim) =>
  withMembers(async (members) => {
    for (const worker of ['w1', 'w2', 'w3']) await members.add(worker);
    await members.clock.sleep(3_000);
    const before = await members.assignment();
    members.lives.get(victim)!.kill();
    await members.clock.sleep(SOON_MS);
    const after = await members.assignment();
    for (const { name } of TASKS) {
      expect(after.owners[name]).toBe(before.owners[name] === victim ? before.standbys?.[name] : before.owners[name]);
      expect([after.owners[name], victim]).not.toContain(after.standbys?.[name]);
    }
    expect(await members.there()).toEqual(['w1', 'w2', 'w3'].filter((worker) => worker !== victim));
  })(),
);

test(
  'two that die at once, who leads among them, are both seen',
  withMembers(async (members) => {
    for (const worker of ['w1', 'w2', 'w3']) await members.add(worker);
    await members.clock.sleep(3_000);
    for (const victim of ['w1', 'w2']) members.lives.get(victim)!.kill();
    await members.clock.sleep(2 * SOON_MS);
    expect(new Set(Object.values((await members.assignment()).owners))).toEqual(new Set(['w3']));
  }),
);

test(
  'a worker that stands still is not taken for gone before its lease is over',
  withMembers(async (members) => {
    for (const worker of ['w1', 'w2', 'w3']) await members.add(worker);
    await members.clock.sleep(3_000);
    const before = await members.assignment();
    members.lives.get('w2')!.suspend(LEASE_MS - 700);
    await members.clock.sleep(LEASE_MS);
    expect(await members.assignment()).toEqual(before);
  }),
);

test(
  'one that does not listen, of an older version or another revision, is not missed by it',
  withMembers(async (members) => {
    await members.add('w1');
    await members.add('w2', UNFOLLOWED);
    await members.clock.sleep(3_000);
    expect(await members.there()).toEqual(['w1', 'w2']);
  }),
);
