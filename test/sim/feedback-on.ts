// A job whose events go round while it is declared anew, or is kept as a savepoint and goes on under another name.

import { compareForUpgrade } from '../../runtime/plan/compatibility.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { copySavepoint, takeSavepoint } from './savepoints.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import { FEEDBACK_JOB, slowFeedback } from './sim-feedback.ts';
import { line, simEvents, SPLITS } from './sim-job.ts';

const WORKERS = 3;
const RUN_MAX_MS = 120_000;

/** The same results each, and another number of rounds, or another stage from which events come back. */
const DECLARED: readonly string[] = [
  FEEDBACK_JOB,
  FEEDBACK_JOB.replace('maxRounds: 7', 'maxRounds: 20'),
  FEEDBACK_JOB.replaceAll('again', 'once-more').replace('maxRounds: 7', 'maxRounds: 20'),
];

export type GoingOn = {
  readonly problems: readonly string[];
  /** It was declared anew in the middle of its work. */
  readonly isAmidst: boolean;
};

function planOf(text: string, identity: string, before: PhysicalPlan | null): PhysicalPlan {
  return planJob(
    readStreamJob(text, { file: 'feedback.yaml', parameters: {} }),
    { rows: SPLITS },
    { identity, before, deadLetterFile: false },
  );
}

function begin(seed: number): SimWorld {
  return new SimWorld(seed, { ...NO_FAULTS, latencyMs: [0, 20] }, simEvents);
}

export function simulateRevisionsOfFeedback(seed: number): Promise<GoingOn> {
  const world = begin(seed);
  return world.clock.run(playRevisions(world));
}

async function playRevisions(world: SimWorld): Promise<GoingOn> {
  const { clock, random } = world;
  const cluster = new SimCluster(world, { lagMs: 300 });
  let plan: PhysicalPlan | null = null;
  let before = 0;
  for (const [at, text] of DECLARED.entries()) {
    const next = planOf(text, 'ns_feedback', plan);
    check(world, plan, next);
    plan = next;
    before = seen(world).length;
    await cluster.declare(at + 1, next);
    if (at === 0) cluster.start(WORKERS);
    for (const place of [0, 1, 2]) void clock.sleep(random.next() * 2_000).then(() => cluster.kill(place, random.next() * 1_000));
    await clock.sleep(800 + random.next() * 1_500);
  }
  await finish(world, cluster, DECLARED.length);
  return { problems: world.problems, isAmidst: before > 0 && before < seen(world).length };
}

export function simulateSavepointOfFeedback(seed: number): Promise<GoingOn> {
  const world = begin(seed);
  return world.clock.run(playSavepoint(world));
}

async function playSavepoint(world: SimWorld): Promise<GoingOn> {
  const { clock, random } = world;
  const first = new SimCluster(world, { lagMs: 0 });
  const plan = planOf(FEEDBACK_JOB, 'ns_first', null);
  await first.declare(1, plan);
  first.start(WORKERS);
  await clock.sleep(1_000 + random.next() * 1_500);
  await takeSavepoint(world, first, plan, true);
  await first.drain();
  first.stop();
  const before = seen(world).length;
  const next = planOf(DECLARED[1] as string, 'ns_second', null);
  check(world, plan, next);
  const second = new SimCluster(world, { lagMs: 0 });
  await copySavepoint(first, second);
  await second.declare(1, next, 'sp-1');
  second.start(WORKERS);
  for (const place of [0, 1, 2]) void clock.sleep(random.next() * 3_000).then(() => second.kill(place, random.next() * 1_000));
  await finish(world, second, 1);
  return { problems: world.problems, isAmidst: before > 0 && before < seen(world).length };
}

function check({ problems }: SimWorld, before: PhysicalPlan | null, after: PhysicalPlan): void {
  if (before === null) return;
  for (const { stage, reason } of compareForUpgrade(before, after).incompatible) problems.push(`${stage}: ${reason}`);
}

async function finish(world: SimWorld, cluster: SimCluster, revision: number): Promise<void> {
  const isWhole = await cluster.until('completed', (value) => (value as { revision: number }).revision === revision, RUN_MAX_MS);
  if (!isWhole) world.problems.push(`not complete: ${JSON.stringify((await cluster.directory.get('failure'))?.value ?? null)}`);
  cluster.stop();
  const expected = slowFeedback(world.events);
  compare(world, 'seen', seen(world), expected.totals);
  compare(world, 'windows', world.lines<object>('windows-file').map(line).sort(), expected.windows);
  for (const sink of world.targets.keys())
    if (sink.startsWith('dead-letters') && world.lines(sink).length > 0)
      world.problems.push(`${sink}: ${JSON.stringify(world.lines(sink)[0])}`);
}

function seen(world: SimWorld): string[] {
  return world.lines<object>('totals-file').map(line).sort();
}

function compare({ problems }: SimWorld, what: string, found: readonly string[], expected: readonly string[]): void {
  const [known, wanted] = [new Set(found), new Set(expected)];
  const lacks = expected.filter((one) => !known.has(one));
  const more = found.filter((one) => !wanted.has(one));
  if (lacks.length > 0) problems.push(`${what} lacks ${lacks.length}, such as ${lacks[0]}`);
  if (more.length > 0) problems.push(`${what} has ${more.length} too many, such as ${more[0]}`);
  if (found.length !== expected.length) problems.push(`${what} has ${found.length}, not ${expected.length}`);
}
