// One seed: a job is paused while it works, kept as a savepoint, ended, and goes on under another name and declaration.

import type { JobRecord, SavepointTask } from '../../runtime/worker/job-record.ts';
import { bootstrapUnderWay, underWay } from '../../runtime/worker/quiescence.ts';
import { imagesOf, makeManifest, manifestBlob, partKey, partKeys } from '../../runtime/worker/savepoint.ts';
import { compareForUpgrade } from '../../runtime/plan/compatibility.ts';
import { getBytes, putBytes } from '../../runtime/journal/blob-bytes.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { ConservationWitness } from './seen-journal.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import type { Count, Stamped, Total, Window } from './sim-revisions.ts';
import { checkCounts, checkStamped, checkTotals, checkWindows, FIRST, planOf, revisionEvents } from './sim-revisions.ts';

const EVENTS = 300;
const WORKERS = 3;
const RUN_MAX_MS = 120_000;
const ID = 'sp-1';
const PAUSE = 'p-1';
const BOOTSTRAP_MAX_MS = 120_000;

export type SavepointRun = {
  readonly problems: readonly string[];
  readonly story: readonly string[];
  /** Results when the savepoint was taken, and at the end. */
  readonly atSavepoint: number;
  readonly atEnd: number;
};

/** `kills`: workers die while the savepoint is taken and while the other job begins. */
export function simulateSavepoint(
  seed: number,
  { kills, standbyReplicas = 0 }: { readonly kills: boolean; readonly standbyReplicas?: 0 | 1 },
): Promise<SavepointRun> {
  const world = new SimWorld(seed, { ...NO_FAULTS, latencyMs: [0, 20] }, revisionEvents(EVENTS));
  world.standbysOf = () => standbyReplicas;
  return world.clock.run(play(world, kills));
}

async function play(world: SimWorld, kills: boolean): Promise<SavepointRun> {
  const { clock, random, problems } = world;
  const first = new SimCluster(world, { lagMs: 0 });
  const declared = { ...FIRST, counts: true };
  const plan = planOf(declared, 'ns_first', null);
  await first.declare(1, plan);
  first.start(WORKERS);
  await clock.sleep(1_500 + random.next() * 2_500);
  await takeSavepoint(world, first, plan, kills);
  await first.drain();
  first.stop();
  const atSavepoint = world.lines('stamped-out').length;

  const next = { ...declared, v: 2, w: 2 };
  const nextPlan = planOf(next, 'ns_second', null);
  for (const { stage, reason } of compareForUpgrade(plan, nextPlan).incompatible) problems.push(`${stage}: ${reason}`);
  const second = new SimCluster(world, { lagMs: 0 });
  await copySavepoint(first, second);
  await second.declare(1, nextPlan, ID);
  second.start(WORKERS);
  if (kills) for (const place of [0, 1, 2]) void clock.sleep(random.next() * 3_000).then(() => second.kill(place, random.next() * 1_000));
  const witness = new ConservationWitness({ isRestored: true });
  const look = (): void => void problems.push(...witness.look(world.journal, nextPlan));
  for (let atMs = 0; atMs < 8_000; atMs += 250) void clock.sleep(atMs).then(look);
  if (!(await second.until('completed', () => true, RUN_MAX_MS)))
    problems.push(`not complete: ${JSON.stringify((await second.directory.get('failure'))?.value ?? null)}`);
  look();
  second.stop();

  const stamped = world.lines<Stamped>('stamped-out');
  problems.push(
    ...checkStamped(stamped, world.events, 2),
    ...checkTotals(world.lines<Total>('totals-out'), stamped, 2),
    ...checkWindows(world.lines<Window>('windows-out'), world.events.flat()),
    ...checkCounts(world.lines<Count>('counts-out'), stamped),
  );
  return { problems: problems.slice(0, 8), story: world.story, atSavepoint, atEnd: stamped.length };
}

/** As the operator does it. */
export async function takeSavepoint(
  { clock, random, problems }: SimWorld,
  cluster: SimCluster,
  plan: PhysicalPlan,
  kills: boolean,
): Promise<void> {
  const { directory, blobs, figures } = cluster;
  await waitFor(clock, () => Promise.resolve(bootstrapUnderWay(plan, figures) === null), BOOTSTRAP_MAX_MS);
  await directory.put('pause', { id: PAUSE, reason: 'savepoint' });
  if (kills) for (const place of [0, 1]) void clock.sleep(random.next() * 2_000).then(() => cluster.kill(place, random.next() * 1_000));
  await waitFor(clock, () => Promise.resolve(underWay(plan, figures, PAUSE) === null));
  const working = underWay(plan, figures, PAUSE);
  if (working !== null) problems.push(`not at rest: ${working}`);
  await directory.put('savepoint', { id: ID });
  const parts = async (): Promise<readonly (SavepointTask | undefined)[]> =>
    Promise.all(partKeys(ID, plan).map(async (key) => (await directory.get(key))?.value as SavepointTask | undefined));
  await waitFor(clock, async () => (await parts()).every((part) => part !== undefined));
  const tasks = (await parts()).flatMap((part) => part ?? []);
  const missing = partKeys(ID, plan).filter((key) => !tasks.some(({ task }) => partKey(ID, task) === key));
  if (missing.length > 0) problems.push(`the savepoint lacks ${missing.join(', ')}`);
  const record = { runId: 'run-1', revision: 1, plan } as unknown as JobRecord;
  await putBytes(blobs, manifestBlob(ID), Buffer.from(JSON.stringify(makeManifest(ID, plan.job, record, tasks))));
}

async function waitFor(clock: SimWorld['clock'], holds: () => Promise<boolean>, limitMs = 30_000): Promise<boolean> {
  for (const endMs = clock.nowMs() + limitMs; clock.nowMs() < endMs; await clock.sleep(100)) if (await holds()) return true;
  return false;
}

/** All blobs that the other job needs; the rest of the first one's store is gone with it. */
export async function copySavepoint(from: SimCluster, to: SimCluster): Promise<void> {
  const manifest = (await getBytes(from.blobs, manifestBlob(ID), null)) ?? new Uint8Array();
  await putBytes(to.blobs, manifestBlob(ID), manifest);
  for (const { name, sha256 } of imagesOf(JSON.parse(Buffer.from(manifest).toString()) as Parameters<typeof imagesOf>[0])) {
    const image = await from.blobs.get(name, sha256);
    if (image === null) throw new Error(`${name} is not in the store`);
    await to.blobs.put(name, image);
  }
}
