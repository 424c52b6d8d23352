// One seed, one run of a job whose stages move from pool to pool while workers die and stand still.

import type { AssignmentRecord } from '../../runtime/worker/membership.ts';
import { taskName, type PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { poolOf } from '../../runtime/plan/pools.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import type { JournalFaults } from '../../runtime/testing/memory-faults.ts';
import { epochs } from './revisions.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import type { Declaration, Pools, Stamped, Total, Window } from './sim-revisions.ts';
import { checkStamped, checkTotals, checkWindows, FIRST, planOf, revisionEvents } from './sim-revisions.ts';

export type PoolsRun = {
  readonly problems: readonly string[];
  readonly story: readonly string[];
  readonly kills: number;
  readonly moves: number;
  /** By stage, lowest and highest of its tasks: how often they were begun. */
  readonly epochs: Readonly<Record<string, string>>;
};

const FAULTS: JournalFaults = {
  answerLost: 0.02,
  requestLost: 0.02,
  requestLate: 0.02,
  lateMs: 3_000,
  inFlight: 0.02,
  leaderless: 0.02,
  shortRead: 0.2,
  latencyMs: [0, 20],
};
/** Of the worker in each place. */
const PLACES = ['default', 'default', 'heavy', 'heavy', 'other'] as const;
const MOVABLE = ['rows', 'totals', 'windows', 'totals-out'] as const;
const EVENTS = 400;
const MOVES = 4;
const SETTLED_MS = 15_000;
const RUN_MAX_MS = 240_000;

type Move = { readonly declared: Declaration; readonly pools: Pools };

/** `moves`: where stages are, one after the other; absent: drawn. */
export async function simulatePools(
  seed: number,
  options: { readonly faults: boolean; readonly moves?: readonly Pools[] },
): Promise<PoolsRun> {
  const { faults } = options;
  const world = new SimWorld(seed, faults ? FAULTS : { ...NO_FAULTS, latencyMs: [0, 20] }, revisionEvents(EVENTS));
  return world.clock.run(play(world, options));
}

async function play(
  world: SimWorld,
  { faults, moves }: { readonly faults: boolean; readonly moves?: readonly Pools[] },
): Promise<PoolsRun> {
  const { clock, random, problems } = world;
  const cluster = new SimCluster(world, { lagMs: faults ? 3_000 : 300, pools: PLACES });
  const drawn = Array.from({ length: MOVES }, (_, i): Move => {
    const pools = moves === undefined ? draw(world) : (moves[i] ?? {});
    // Now and then a stage changes with it.
    return { pools, declared: { ...FIRST, v: moves === undefined && random.next() < 0.3 ? i + 1 : 1 } };
  });
  const steps = drawn.map((step, i) => ({
    ...step,
    declared: { ...step.declared, v: Math.max(...drawn.slice(0, i + 1).map(({ declared }) => declared.v)) },
  }));
  world.isOpen = true;
  let plan: PhysicalPlan | null = null;
  let trouble: Promise<void> | null = null;
  for (const [i, { declared, pools }] of steps.entries()) {
    if (i > 0) await clock.sleep(faults ? 600 + random.next() * 3_000 : 6_000);
    plan = planOf(declared, 'ns_sim', plan, pools);
    world.tell(`pools ${JSON.stringify(pools)}`);
    await cluster.declare(i + 1, plan);
    if (i > 0) continue;
    cluster.start(PLACES.length);
    if (faults) trouble = makeTrouble(world, cluster);
  }
  await trouble;
  world.journal.setFaults(NO_FAULTS);
  await clock.sleep(SETTLED_MS);
  if (plan !== null) problems.push(...(await misplaced(cluster, plan)));
  world.isOpen = false;
  const isWhole = await cluster.until('completed', (value) => (value as { revision: number }).revision === steps.length, RUN_MAX_MS);
  const failure = await cluster.directory.get('failure');
  if (!isWhole) problems.push(`not complete after ${RUN_MAX_MS} ms; ${JSON.stringify(failure?.value ?? null)}`);
  const begun = plan === null ? {} : await epochs(cluster, plan);
  cluster.stop();
  judge(world, steps.at(-1)?.declared ?? FIRST);
  return { problems, story: world.story, kills: cluster.kills, moves: steps.length, epochs: begun };
}

/** Each of the stages in a pool, or in none. */
function draw({ random }: SimWorld): Pools {
  const pools: Record<string, string[]> = {};
  for (const stage of MOVABLE) {
    const pick = random.next();
    const pool = pick < 0.35 ? 'heavy' : pick < 0.6 ? 'other' : null;
    if (pool !== null) pools[pool] = [...(pools[pool] ?? []), stage];
  }
  return pools;
}

async function makeTrouble({ clock, random, journal }: SimWorld, cluster: SimCluster): Promise<void> {
  for (const endMs = clock.nowMs() + 12_000; clock.nowMs() < endMs;) {
    await clock.sleep(random.next() * 2_000);
    const place = Math.floor(random.next() * PLACES.length);
    const pick = random.next();
    if (pick < 0.5) void cluster.kill(place, random.next() * 2_000);
    else if (pick < 0.85) cluster.suspend(place, 500 + random.next() * 4_000);
    else journal.disconnect();
  }
}

/** Once nothing happens any more, each task is with a worker of its pool. */
async function misplaced(cluster: SimCluster, plan: PhysicalPlan): Promise<readonly string[]> {
  const entry = await cluster.directory.get('assignment');
  const owners = (entry?.value as AssignmentRecord | undefined)?.owners ?? {};
  return plan.stages.flatMap((stage) =>
    Array.from({ length: stage.partitionCount }, (_, partition) => taskName(stage.id, partition)).flatMap((task) => {
      const owner = owners[task] ?? 'nobody';
      const pool = PLACES[Number(/^w(\d+)-/.exec(owner)?.[1] ?? -1)];
      return pool === poolOf(stage) ? [] : [`${task} of pool ${poolOf(stage)} is with ${owner} of pool ${pool ?? 'none'}`];
    }),
  );
}

function judge(world: SimWorld, last: Declaration): void {
  const { events, problems } = world;
  const note = (what: string, found: readonly string[]): void => {
    for (const problem of found.slice(0, 5)) problems.push(`${what}: ${problem}`);
  };
  const stamped = world.lines<Stamped>('stamped-out');
  note('stamped', checkStamped(stamped, events, last.v));
  note('totals', checkTotals(world.lines<Total>('totals-out'), stamped, last.w));
  note('windows', checkWindows(world.lines<Window>('windows-out'), events.flat()));
}
