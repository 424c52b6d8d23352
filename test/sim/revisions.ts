// One seed, one run of a job that is declared anew a few times while workers die, stand still and learn of it late.

import { compareForUpgrade } from '../../runtime/plan/compatibility.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import type { JournalFaults } from '../../runtime/testing/memory-faults.ts';
import { ConservationWitness } from './seen-journal.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import type { Count, Declaration, Stamped, Total, Window } from './sim-revisions.ts';
import { checkCopy, checkCounts, checkStamped, checkTotals, checkWindows, FIRST, planOf, revisionEvents } from './sim-revisions.ts';

export type RevisionRun = {
  readonly problems: readonly string[];
  readonly story: readonly string[];
  readonly counts: { readonly revisions: number; readonly kills: number; readonly stamps: number };
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
const WORKERS = 3;
const EVENTS = 500;
const REVISIONS = 5;
const RUN_MAX_MS = 240_000;
const LOOK_MS = 500;

/** `standbys`: partitions are followed by other workers, but under every third revision. */
export async function simulateRevisions(
  seed: number,
  { faults, standbys = false }: { readonly faults: boolean; readonly standbys?: boolean },
): Promise<RevisionRun> {
  const world = new SimWorld(seed, faults ? FAULTS : { ...NO_FAULTS, latencyMs: [0, 20] }, revisionEvents(EVENTS));
  if (standbys) world.standbysOf = (revision) => (revision % 3 === 0 ? 0 : 1);
  return world.clock.run(play(world, faults));
}

async function play(world: SimWorld, faults: boolean): Promise<RevisionRun> {
  const { clock, random, problems } = world;
  const cluster = new SimCluster(world, { lagMs: faults ? 3_000 : 300 });
  const declared: Declaration[] = [FIRST];
  let plan = planOf(FIRST, 'ns_sim', null);
  await cluster.declare(1, plan);
  cluster.start(WORKERS);
  const trouble = faults ? makeTrouble(world, cluster) : null;
  let isOver = false;
  void watchConservation(world, () => (isOver ? null : plan));
  for (let revision = 2; revision <= REVISIONS; revision++) {
    await clock.sleep(600 + random.next() * 1_500);
    const next = draw(declared.at(-1) ?? FIRST, revision, world);
    const nextPlan = planOf(next, 'ns_sim', plan);
    const { incompatible } = compareForUpgrade(plan, nextPlan);
    for (const { stage, reason } of incompatible) problems.push(`revision ${revision}: ${stage}: ${reason}`);
    declared.push(next);
    plan = nextPlan;
    await cluster.declare(revision, plan);
  }
  await trouble;
  world.journal.setFaults(NO_FAULTS);
  const isWhole = await cluster.until('completed', (value) => (value as { revision: number }).revision === REVISIONS, RUN_MAX_MS);
  const failure = await cluster.directory.get('failure');
  isOver = true;
  if (!isWhole) problems.push(`not complete after ${RUN_MAX_MS} ms; ${JSON.stringify(failure?.value ?? null)}`);
  cluster.stop();
  return judge(world, declared, cluster.kills);
}

async function watchConservation({ clock, journal, problems }: SimWorld, planNow: () => PhysicalPlan | null): Promise<void> {
  const witness = new ConservationWitness({ isRestored: false });
  for (let plan = planNow(); plan !== null; plan = planNow()) {
    problems.push(...witness.look(journal, plan));
    await clock.sleep(LOOK_MS);
  }
}

/** Something changes: a stamp, or what is there. The stage of the source stamps anew each time that its outputs change. */
function draw(last: Declaration, revision: number, { random }: SimWorld): Declaration {
  const pick = random.next();
  if (pick < 0.25) return { ...last, w: revision };
  const v = revision;
  if (pick < 0.45) return { ...last, v };
  if (pick < 0.65) return { ...last, v, copy: !last.copy };
  if (pick < 0.8) return { ...last, v, extra: !last.extra };
  if (pick < 0.9) return { ...last, v, windows: false };
  return { ...last, v, counts: true };
}

async function makeTrouble({ clock, random, journal }: SimWorld, cluster: SimCluster): Promise<void> {
  for (const endMs = clock.nowMs() + 12_000; clock.nowMs() < endMs;) {
    await clock.sleep(random.next() * 2_000);
    const place = Math.floor(random.next() * WORKERS);
    const pick = random.next();
    if (pick < 0.5) void cluster.kill(place, random.next() * 2_000);
    else if (pick < 0.85) cluster.suspend(place, 500 + random.next() * 4_000);
    else journal.disconnect();
  }
}

function judge(world: SimWorld, declared: readonly Declaration[], kills: number): RevisionRun {
  const { events, problems } = world;
  const last = declared.at(-1) ?? FIRST;
  const note = (what: string, found: readonly string[]): void => {
    for (const problem of found.slice(0, 5)) problems.push(`${what}: ${problem}`);
  };
  const stamped = world.lines<Stamped>('stamped-out');
  note('stamped', checkStamped(stamped, events, last.v));
  note('totals', checkTotals(world.lines<Total>('totals-out'), stamped, last.w));
  if (last.windows) note('windows', checkWindows(world.lines<Window>('windows-out'), events.flat()));
  if (last.counts)
    note(
      'counts',
      checkCounts(
        world.lines<Count>('counts-out'),
        stamped.filter(({ v }) => v >= stampOf(declared, 'counts')),
      ),
    );
  const ways = (part: 'copy' | 'extra', found: readonly Stamped[]): readonly string[] => checkWay(found, stamped, declared, part);
  note('copy', ways('copy', world.lines<Stamped>('copy-out')));
  const both = Map.groupBy(world.lines<Stamped>('both-out'), ({ n }) => n === -1);
  note('both', checkCopy(both.get(false) ?? [], stamped));
  note('extra', ways('extra', both.get(true) ?? []));
  for (const sink of world.targets.keys())
    if (sink.startsWith('dead-letters') && world.lines(sink).length > 0) problems.push(`${sink}: ${JSON.stringify(world.lines(sink)[0])}`);
  return {
    problems,
    story: world.story,
    counts: { revisions: declared.length, kills, stamps: new Set(stamped.map(({ v }) => v)).size },
  };
}

/** What came on a way that was there under some revisions. What was given to it before it went, and not read yet, went with it. */
function checkWay(
  found: readonly Stamped[],
  stamped: readonly Stamped[],
  declared: readonly Declaration[],
  part: 'copy' | 'extra',
): readonly string[] {
  const on = new Set(declared.filter((one) => one[part]).map(({ v }) => v));
  const lastLife = stampOf(declared, part);
  const earlier = new Set(found.filter(({ v }) => v < lastLife).map(({ id, at }) => `${id}@${at}`));
  return checkCopy(
    found,
    stamped.filter(({ id, at, v }) => on.has(v) && (v >= lastLife || earlier.has(`${id}@${at}`))),
  );
}

/** Stamp of the revision since which a part has been there without a break. */
function stampOf(declared: readonly Declaration[], part: 'copy' | 'counts' | 'extra'): number {
  if (declared.at(-1)?.[part] !== true) return Infinity;
  const since = declared.findLastIndex((one) => !one[part]) + 1;
  return declared[since]?.v ?? Infinity;
}

/** Epochs of the tasks of a plan, lowest and highest by stage. */
export async function epochs(cluster: SimCluster, plan: PhysicalPlan): Promise<Readonly<Record<string, string>>> {
  const headers = Object.values(await cluster.lastHeaders(plan));
  const byStage = Map.groupBy(headers, ({ stage }) => stage);
  return Object.fromEntries(
    [...byStage].map(([stage, list]) => [stage, [...new Set(list.map(({ epoch }) => epoch))].toSorted((a, b) => a - b).join('-')]),
  );
}
