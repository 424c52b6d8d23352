// A savepoint holds what waits for a table, though no more was to be taken in: else it would wait for rows that do not come meanwhile.

import { expect, test } from 'vitest';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { jobText } from '../support/job-run.ts';
import { neverQuiet } from '../../runtime/worker/quiescence.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import { simEvents, SPLITS } from './sim-job.ts';
import { takeSavepoint } from './savepoints.ts';

const RATED = jobText(
  'limited',
  `
  partitions: 2
  sources:
    - { name: bids, file: { path: a.ndjson }, schema: { id: string, at: timestamp }, eventTime: { at: event.at } }
  stages:
    - { name: keyed, from: bids, keyBy: event.at, dedupe: { ttl: 1d } }
    - { name: rated, from: keyed, rateLimit: { perSecond: 10, burst: 1 } }
  sinks:
    - { name: out, from: rated, file: { path: out.ndjson } }
`,
);

const JOB = jobText(
  'waiting',
  `
  partitions: 2
  sources:
    - { name: bids, file: { path: a.ndjson }, schema: { id: string, at: timestamp }, eventTime: { at: event.at + 100000 } }
    - { name: rates, file: { path: b.ndjson }, schema: { id: string, at: timestamp }, eventTime: { at: event.at } }
  tables:
    - { name: now, from: rates, key: row.id, maxWaiting: 5 }
  stages:
    - { name: rated, from: bids, enrich: [{ table: now, key: event.id, as: rate }] }
  sinks:
    - { name: out, from: rated, file: { path: out.ndjson } }
`,
);

test('a savepoint is taken while a partition puts back-pressure on what it reads because of a table, and goes on to the end behind it', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const world = new SimWorld(seed, { ...NO_FAULTS, latencyMs: [0, 20] }, simEvents);
    const cluster = new SimCluster(world, { lagMs: 0 });
    const isPressing = (): boolean =>
      [...cluster.figures.values()].some(({ stage, backPressure }) => stage === 'rated' && backPressure === true);
    const play = async (): Promise<readonly boolean[]> => {
      const plan = planJob(
        readStreamJob(JOB, { file: 'waiting', parameters: {} }),
        { bids: SPLITS, rates: SPLITS },
        { deadLetterFile: false },
      );
      await cluster.declare(1, plan);
      cluster.start(2);
      for (let i = 0; i < 200 && !isPressing(); i++) await world.clock.sleep(50);
      const wasPressing = isPressing();
      await takeSavepoint(world, cluster, plan, false);
      await world.clock.sleep(500);
      const isPressingStill = isPressing();
      await cluster.directory.delete('savepoint');
      await cluster.directory.delete('pause');
      const isThrough = await cluster.until('completed', () => true, 60_000);
      cluster.stop();
      return [wasPressing, isPressingStill, isThrough];
    };
    const [wasPressing, isPressingStill, isThrough] = await world.clock.run(play());
    expect({ seed, problems: world.problems, wasPressing, isPressingStill, isThrough }).toEqual({
      seed,
      problems: [],
      wasPressing: true,
      isPressingStill: false,
      isThrough: true,
    });
    expect(world.lines('out').length).toBe(world.events.flat().length);
  }
}, 300_000);

test('where more would wait than may while the job is paused, it is said at once that no savepoint comes; the job goes on to its end behind it', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    const world = new SimWorld(seed, { ...NO_FAULTS, latencyMs: [0, 20] }, simEvents);
    world.heldWhilePausedMax = 5;
    const cluster = new SimCluster(world, { lagMs: 0 });
    const play = async (): Promise<unknown> => {
      const plan = planJob(readStreamJob(RATED, { file: 'limited', parameters: {} }), { bids: SPLITS }, { deadLetterFile: false });
      await cluster.declare(1, plan);
      cluster.start(2);
      const isBehind = (): boolean => [...cluster.figures.values()].some(({ stage, inboxBytes }) => stage === 'keyed' && inboxBytes > 0);
      for (let i = 0; i < 200 && !isBehind(); i++) await world.clock.sleep(50);
      await world.clock.sleep(800); // more than may is behind it
      const before = neverQuiet(cluster.figures, 'p');
      await cluster.directory.put('pause', { id: 'p', reason: 'savepoint' });
      for (let i = 0; i < 200 && neverQuiet(cluster.figures, 'p') === null; i++) await world.clock.sleep(50);
      const says = neverQuiet(cluster.figures, 'p');
      await cluster.directory.delete('pause');
      await world.clock.sleep(500);
      const behind = neverQuiet(cluster.figures, 'p');
      const isThrough = await cluster.until('completed', () => true, 120_000);
      cluster.stop();
      return { before, says, behind, isThrough };
    };
    const found = await world.clock.run(play());
    expect({ seed, problems: world.problems, found }).toEqual({
      seed,
      problems: [],
      found: {
        before: null,
        says: expect.stringMatching(
          /^\d+ events wait in task keyed\/\d for a lookup, a rate or a retry, as many as may while the job is paused/,
        ) as string,
        behind: null,
        isThrough: true,
      },
    });
    expect(world.lines('out').length).toBe(world.events.flat().length);
  }
}, 300_000);
