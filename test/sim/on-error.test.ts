// Failures of user code on workers that die: retries lose and double nothing and keep each key's order; a partition that an event has
// stopped stands still, the others go on, and it goes on when the job is mended.

import { expect, test } from 'vitest';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { file } from '../../runtime/job/source.ts';
import { job } from '../../runtime/job/job.ts';
import type { OnError } from '../../runtime/job/stream.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { simEvents, SPLITS, type SimEvent } from './sim-job.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import { ConservationWitness } from './seen-journal.ts';

type Total = { readonly id: string; readonly n: number; readonly total: number };
type Judge = (event: SimEvent) => void;

/** Running totals by key, through a function that asks `judge` first. */
function jobOf(judge: Judge, policy: OnError): StreamJob {
  return job('sim', { partitions: 3 }, (j) => {
    const rows = j.source('rows', file<SimEvent>({ path: 'rows.ndjson', eventTime: { at: 'at', maxOutOfOrder: '2s' } }));
    rows
      .keyBy('id')
      .reduce<number, Total>({
        init: () => 0,
        step: (total, event, context) => {
          judge(event);
          context.emit({ id: event.id, n: event.n, total: total + event.n });
          return total + event.n;
        },
      })
      .as('totals')
      .onError(policy)
      .toFile('totals.ndjson', { name: 'out' });
  }).build();
}

const planOf = (judge: Judge, policy: OnError, before: PhysicalPlan | null = null): PhysicalPlan =>
  planJob(jobOf(judge, policy), { rows: SPLITS }, { identity: 'ns_sim', deadLetterFile: false, before });

function worldOf(seed: number): { readonly world: SimWorld; readonly cluster: SimCluster } {
  const world = new SimWorld(seed, { ...NO_FAULTS, answerLost: 0.02, requestLost: 0.02, latencyMs: [0, 20] }, simEvents);
  return { world, cluster: new SimCluster(world, { lagMs: 300 }) };
}

/** Each key's totals add up one event after the other, and all its events are in them. */
function check(world: SimWorld, only: (id: string) => boolean = () => true): void {
  const lines = world.lines<Total>('out');
  for (const id of new Set(world.events.flat().map((event) => event.id))) {
    if (!only(id)) continue;
    const own = lines.filter((line) => line.id === id);
    let total = 0;
    for (const line of own) expect(line.total).toBe((total += line.n));
    const events = world.events.flat().filter((event) => event.id === id);
    expect(own.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(events.map(({ n }) => n).toSorted((a, b) => a - b));
  }
  expect(world.problems).toEqual([]);
}

test.each([1, 2, 3, 4, 5])('J4 retries while workers die (seed %i): each event counts once, in the order of its key', async (seed) => {
  const { world, cluster } = worldOf(seed);
  let failures = 0;
  const flaky: Judge = () => {
    if (world.random.next() < 0.3) throw new Error(`not now ${failures++}`);
  };
  await world.clock.run(
    (async () => {
      const plan = planOf(flaky, { retries: 1_000, backoff: '20ms', backoffMax: '200ms' });
      await cluster.declare(1, plan);
      cluster.start(3);
      const witness = new ConservationWitness({ isRestored: false });
      for (let kill = 0; kill < 6; kill++) {
        await world.clock.sleep(500 + world.random.next() * 1_000);
        world.problems.push(...witness.look(world.journal, plan));
        void cluster.kill(kill % 3, world.random.next() * 1_000);
      }
      expect(await cluster.until('completed', () => true, 240_000)).toBe(true);
      world.problems.push(...witness.look(world.journal, plan));
      cluster.stop();
    })(),
  );
  expect(failures).toBeGreaterThan(50);
  expect([...cluster.figures.values()].reduce((sum, { counters }) => sum + counters.deadLetters, 0)).toBe(0);
  check(world);
});

test('stopPartition: it stands still and says why, the others go on, also when its owner dies; a revision that is mended lets it go on', async () => {
  const { world, cluster } = worldOf(7);
  const failing = 'k3';
  await world.clock.run(
    (async () => {
      const first = planOf(
        ({ id, n }) => {
          if (id === failing) throw new Error(`cannot handle ${n}`);
        },
        { then: 'stopPartition' },
      );
      await cluster.declare(1, first);
      cluster.start(3);
      await world.clock.sleep(30_000);
      const stopped = (): string[] =>
        [...cluster.figures.values()].flatMap(({ task, standsStill }) => (standsStill === undefined ? [] : [task]));
      const [task] = stopped();
      expect(stopped()).toHaveLength(1);
      expect(cluster.figures.get(task!)!.standsStill).toMatch(/^MR3006 PartitionStopped: task totals\/\d stands still.*cannot handle/);
      await cluster.kill(0, 100);
      await cluster.kill(1, 100);
      await world.clock.sleep(20_000);
      expect(await cluster.directory.get('failure')).toBeNull();
      const partition = task!.split('/')[1];
      const others = [...cluster.figures.values()].filter(({ stage, partition: at }) => stage === 'totals' && String(at) !== partition);
      expect(others.map(({ state }) => state)).toEqual(['done', 'done']);
      expect(world.lines<Total>('out').some(({ id }) => id === failing)).toBe(false);
      await cluster.declare(
        2,
        planOf(() => undefined, { then: 'stopPartition' }, first),
      );
      expect(await cluster.until('completed', (value) => (value as { revision: number }).revision === 2, 240_000)).toBe(true);
      cluster.stop();
    })(),
  );
  check(world);
});

test('stopJob: the job fails with MR3007, and names the event', async () => {
  const { world, cluster } = worldOf(8);
  await world.clock.run(
    (async () => {
      await cluster.declare(
        1,
        planOf(
          ({ at }) => {
            if (at > 5_000) throw new Error('over');
          },
          { then: 'stopJob' },
        ),
      );
      cluster.start(2);
      expect(await cluster.until('failure', () => true, 60_000)).toBe(true);
      cluster.stop();
    })(),
  );
  const failure = (await cluster.directory.get('failure'))?.value;
  expect(failure).toMatchObject({ code: 'MR3007', message: expect.stringMatching(/totals.*Error: over.*"at":/) as string });
});
