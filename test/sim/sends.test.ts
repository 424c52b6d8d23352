import { expect, test } from 'vitest';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { NO_RESULTS, simEvents, SPLITS } from './sim-job.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import { simulate } from './simulate.ts';
import { CIRCLE_JOB, SENDING_JOB, slowSends } from './sim-sends.ts';

const SEEDS = Number(process.env['MILLRACE_SIM_SENDS'] ?? 10);

test.each([0, 1] as const)(
  'what actors send each other arrives exactly once under crashes, moves and lost answers; standbys: %i',
  async (standbyReplicas) => {
    let kills = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { found, expected, problems, counts } = await simulate(seed, { job: { text: SENDING_JOB, slow: slowSends }, standbyReplicas });
      expect(problems, `seed ${seed}`).toEqual([]);
      expect(found, `seed ${seed}`).toEqual(expected);
      kills += counts.kills;
    }
    expect(kills).toBeGreaterThan(SEEDS);
  },
  300_000 + SEEDS * 2_000,
);

test('actors whose timers send each other events for ever end with the input', async () => {
  for (let seed = 1; seed <= 3; seed++) {
    const job = { text: CIRCLE_JOB, slow: () => NO_RESULTS };
    const { problems } = await simulate(seed, { job });
    expect(problems, `seed ${seed}`).toEqual([]);
  }
}, 300_000);

test('by the clock, what actors send each other arrives exactly once too', async () => {
  const text = SENDING_JOB.replace('keyBy: event.id\n', 'keyBy: event.id\n      processingTime: {}\n');
  expect(text).not.toBe(SENDING_JOB);
  for (let seed = 1; seed <= 3; seed++) {
    const { found, expected, problems } = await simulate(seed, { job: { text, slow: slowSends } });
    expect(problems, `seed ${seed}`).toEqual([]);
    expect(found, `seed ${seed}`).toEqual(expected);
  }
}, 300_000);

test('by the clock, actors that have nothing to do write nothing: positions wake nobody', async () => {
  const text = SENDING_JOB.replace('keyBy: event.id\n', 'keyBy: event.id\n      processingTime: {}\n');
  const world = new SimWorld(1, { ...NO_FAULTS, latencyMs: [0, 20] }, simEvents);
  world.isOpen = true;
  const cluster = new SimCluster(world, { lagMs: 0 });
  const play = async (): Promise<void> => {
    const plan = planJob(readStreamJob(text, { file: 'sends.yaml', parameters: {} }), { rows: SPLITS }, { deadLetterFile: false });
    await cluster.declare(1, plan);
    cluster.start(2);
    await world.clock.sleep(20_000); // virtual: all is read and sent
    const before = await cluster.lastHeaders(plan);
    expect(before['hubs/0']?.counters.eventsIn).toBeGreaterThan(0);
    await world.clock.sleep(10_000);
    expect(await cluster.lastHeaders(plan)).toEqual(before);
    cluster.stop();
  };
  await world.clock.run(play());
});
