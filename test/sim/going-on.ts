// A job of other-jobs.ts that is declared anew while it works, or is kept as a savepoint and goes on under another name; workers die and
// answers are lost meanwhile. In the end it gives what it gives when nothing happens to it.

import { compareForUpgrade } from '../../runtime/plan/compatibility.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { copySavepoint, takeSavepoint } from './savepoints.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import { foundIn, RESULTS, simEvents, SPLITS, type OtherJob, type SimResults } from './sim-job.ts';

const FAULTS = { ...NO_FAULTS, answerLost: 0.02, requestLost: 0.02, shortRead: 0.2, latencyMs: [0, 20] as const };
const WORKERS = 3;
const RUN_MAX_MS = 120_000;

/** `declared`: what it is declared as later, one behind the other; the results are the same. */
export type GoingJob = OtherJob & { readonly declared: readonly string[] };
export type GoingOptions = { readonly standbyReplicas?: 0 | 1 };

export type GoingOn = {
  readonly problems: readonly string[];
  readonly story: readonly string[];
  /** Results were written before it was declared anew for the last time, and behind that. */
  readonly isAmidst: boolean;
};

function planOf(text: string, identity: string, before: PhysicalPlan | null): PhysicalPlan {
  return planJob(
    readStreamJob(text, { file: 'going-on.yaml', parameters: {} }),
    { rows: SPLITS },
    { identity, before, deadLetterFile: false },
  );
}

function begin(seed: number, { standbyReplicas = 0 }: GoingOptions): SimWorld {
  const world = new SimWorld(seed, FAULTS, simEvents);
  world.standbysOf = () => standbyReplicas;
  return world;
}

export function simulateRevisionsOf(job: GoingJob, seed: number, options: GoingOptions = {}): Promise<GoingOn> {
  const world = begin(seed, options);
  return world.clock.run(playRevisions(job, world));
}

async function playRevisions(job: GoingJob, world: SimWorld): Promise<GoingOn> {
  const { clock, random } = world;
  const cluster = new SimCluster(world, { lagMs: 300 });
  let plan: PhysicalPlan | null = null;
  let before = 0;
  for (const [at, text] of [job.text, ...job.declared].entries()) {
    const next = planOf(text, 'ns_going', plan);
    check(world, plan, next);
    plan = next;
    before = written(world);
    await cluster.declare(at + 1, next);
    if (at === 0) cluster.start(WORKERS);
    for (const place of [0, 1, 2]) void clock.sleep(random.next() * 2_000).then(() => cluster.kill(place, random.next() * 1_000));
    await clock.sleep(800 + random.next() * 1_500);
  }
  await finish(job, world, cluster, job.declared.length + 1);
  return { problems: world.problems, story: world.story, isAmidst: before > 0 && before < written(world) };
}

export function simulateSavepointOf(job: GoingJob, seed: number, options: GoingOptions = {}): Promise<GoingOn> {
  const world = begin(seed, options);
  return world.clock.run(playSavepoint(job, world));
}

async function playSavepoint(job: GoingJob, world: SimWorld): Promise<GoingOn> {
  const { clock, random } = world;
  const first = new SimCluster(world, { lagMs: 0 });
  const plan = planOf(job.text, 'ns_first', null);
  await first.declare(1, plan);
  first.start(WORKERS);
  await clock.sleep(500 + random.next() * 2_000);
  await takeSavepoint(world, first, plan, true);
  await first.drain();
  first.stop();
  const before = written(world);
  const next = planOf(job.declared[0] as string, 'ns_second', null);
  check(world, plan, next);
  const second = new SimCluster(world, { lagMs: 0 });
  await copySavepoint(first, second);
  await second.declare(1, next, 'sp-1');
  second.start(WORKERS);
  for (const place of [0, 1, 2]) void clock.sleep(random.next() * 3_000).then(() => second.kill(place, random.next() * 1_000));
  await finish(job, world, second, 1);
  return { problems: world.problems, story: world.story, isAmidst: before > 0 && before < written(world) };
}

function check({ problems }: SimWorld, before: PhysicalPlan | null, after: PhysicalPlan): void {
  if (before === null) return;
  for (const { stage, reason } of compareForUpgrade(before, after).incompatible) problems.push(`${stage}: ${reason}`);
}

async function finish(job: GoingJob, world: SimWorld, cluster: SimCluster, revision: number): Promise<void> {
  void world.clock.sleep(10_000).then(() => world.heal());
  const isWhole = await cluster.until('completed', (value) => (value as { revision: number }).revision === revision, RUN_MAX_MS);
  if (!isWhole) world.problems.push(`not complete: ${JSON.stringify((await cluster.directory.get('failure'))?.value ?? null)}`);
  cluster.stop();
  for (const sink of world.targets.keys()) {
    const lines = world.lines(sink); // tells holes
    if (sink.startsWith('dead-letters') && lines.length > 0) world.problems.push(`${sink}: ${JSON.stringify(lines[0])}`);
  }
  const [found, expected] = [foundIn(world.targets, job), job.slow(world.events)];
  for (const name of RESULTS) compare(world, name, found[name], expected[name]);
}

function written({ targets }: SimWorld): number {
  return [...targets.values()].reduce((sum, target) => sum + target.length, 0);
}

function compare({ problems }: SimWorld, what: keyof SimResults, found: readonly string[], expected: readonly string[]): void {
  const [known, wanted] = [new Set(found), new Set(expected)];
  const lacks = expected.filter((one) => !known.has(one));
  const more = found.filter((one) => !wanted.has(one));
  if (lacks.length > 0) problems.push(`${what} lacks ${lacks.length}, such as ${lacks[0]}`);
  if (more.length > 0) problems.push(`${what} has ${more.length} too many, such as ${more[0]}`);
  if (found.length !== expected.length) problems.push(`${what} has ${found.length}, not ${expected.length}`);
}
