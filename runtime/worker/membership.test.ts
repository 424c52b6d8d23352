// Workers of different revisions side by side: who leads, who is given what, whose failure counts.

import { afterEach, describe, expect, test } from 'vitest';
import { MemoryBus, MemoryDirectory } from '../testing/memory-directory.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { Membership, type AssignmentRecord } from './membership.ts';

const OLD = ['a/0', 'a/1', 'b/0'];
const NEW = ['a/0', 'a/1', 'c/0'];
const refs = (names: readonly string[]): { name: string; stage: string }[] => names.map((name) => ({ name, stage: name.split('/')[0]! }));

class Members {
  readonly clock = new VirtualClock();
  readonly directory = new MemoryDirectory();
  readonly bus = new MemoryBus();
  readonly all = new Map<string, Membership>();
  readonly done = new Map<string, readonly string[]>();

  add(worker: string, revision: number): Membership {
    const member = new Membership({
      worker,
      tasks: refs(revision === 1 ? OLD : NEW),
      revision,
      expectedWorkers: 1,
      directory: this.directory,
      bus: this.bus,
      clock: this.clock,
      holds: () => ({ owned: [], done: this.done.get(worker) ?? [], draining: false }),
      onChange: () => undefined,
      onTrouble: (error) => {
        throw error;
      },
    });
    this.all.set(worker, member);
    return member;
  }

  async assignment(): Promise<AssignmentRecord> {
    return (await this.directory.get('assignment'))!.value as AssignmentRecord;
  }

  run(play: () => Promise<void>): Promise<void> {
    return this.clock.run(
      (async () => {
        await play();
        await Promise.all([...this.all.values()].map((member) => member.stop()));
      })(),
    );
  }
}

let members: Members;
const withMembers = (play: (members: Members) => Promise<void>) => (): Promise<void> => {
  members = new Members();
  return members.run(() => play(members));
};
afterEach(() => members.all.clear());

describe('a worker that still runs an older revision', () => {
  test(
    'keeps its tasks for a lease, and is given none after that',
    withMembers(async ({ clock }) => {
      const [w1, w2] = [members.add('w1', 1), members.add('w2', 1)];
      await w1.start();
      await w2.start();
      await clock.sleep(3_000);
      const before = (await members.assignment()).owners;
      expect(new Set(Object.values(before))).toEqual(new Set(['w1', 'w2']));
      w2.update(refs(NEW), 2);
      await clock.sleep(600);
      const soon = await members.assignment();
      expect(soon.revision).toBe(2);
      expect(Object.keys(soon.owners).toSorted()).toEqual(NEW);
      expect([soon.owners['a/0'], soon.owners['a/1']]).toEqual([before['a/0'], before['a/1']]);
      await clock.sleep(2_500);
      expect(new Set(Object.values((await members.assignment()).owners))).toEqual(new Set(['w2']));
    }),
  );

  test(
    'does not lead, though its id is the lowest, and begins nothing by the assignment of a newer one',
    withMembers(async ({ clock }) => {
      const [w1, w2] = [members.add('w1', 1), members.add('w2', 2)];
      await w1.start();
      await w2.start();
      await clock.sleep(3_500);
      expect((await members.assignment()).revision).toBe(2);
      expect([w1.isBehind, w2.isBehind]).toEqual([true, false]);
      w1.update(refs(NEW), 2);
      expect(w1.isBehind).toBe(false);
    }),
  );
});

describe('a failure or an end', () => {
  test(
    'of an older revision says nothing to a newer one',
    withMembers(async ({ clock }) => {
      const [w1, w2] = [members.add('w1', 1), members.add('w2', 2)];
      await w1.start();
      await w2.start();
      await clock.sleep(100);
      await w1.fail({ code: 'MR4002', message: 'm', fix: 'f', task: 'a/0' });
      await clock.sleep(100);
      expect([w1.failure?.code, w2.failure]).toEqual(['MR4002', null]);
      await w2.fail({ code: 'MR2105', message: 'm', fix: 'f', task: 'a/0' });
      await w1.fail({ code: 'MR4002', message: 'again', fix: 'f', task: 'a/0' });
      await clock.sleep(100);
      expect(w2.failure).toMatchObject({ code: 'MR2105', revision: 2 });
    }),
  );

  test(
    'is told only when all tasks are done under one revision',
    withMembers(async ({ clock, directory, done }) => {
      const [w1, w2] = [members.add('w1', 1), members.add('w2', 2)];
      done.set('w1', ['a/0', 'a/1', 'b/0', 'c/0']);
      done.set('w2', ['a/0']);
      await w1.start();
      await w2.start();
      await clock.sleep(3_000);
      expect(await directory.get('completed')).toBeNull();
      done.set('w2', NEW);
      await clock.sleep(1_500);
      expect((await directory.get('completed'))!.value).toMatchObject({ revision: 2 });
      expect([w1.completed, w2.completed]).toEqual([false, true]);
    }),
  );
});
