// One seed: events fail, two people put the dead letters in again at the same time, before and after the job is mended, while workers
// die and the network loses answers. What comes out is held against each event counted once.

import { isError } from '../../runtime/base/errors.ts';
import type { Random } from '../../runtime/base/clock.ts';
import type { DeadLetter } from '../../runtime/event/batch.ts';
import type { RedriveEntry } from '../../runtime/journal/redrive-entry.ts';
import { decideOnce } from '../../runtime/journal/decide-once.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import { redriveStream, redriveSubject } from '../../runtime/plan/plan-names.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { redriveTarget } from '../../runtime/task/redrive-target.ts';
import { NO_FAULTS } from '../../runtime/testing/memory-faults.ts';
import { jobText } from '../support/job-run.ts';
import { ConservationWitness } from './seen-journal.ts';
import { SimCluster, SimWorld } from './sim-cluster.ts';
import type { SimEvent } from './sim-job.ts';

export type RedriveRun = {
  readonly problems: readonly string[];
  readonly story: readonly string[];
  /** Letters, and those of them that had been put in again before. */
  readonly letters: number;
  readonly again: number;
  readonly kills: number;
};

type Total = SimEvent & { readonly total: number };

const FAULTS = { ...NO_FAULTS, answerLost: 0.05, requestLost: 0.03, inFlight: 0.02, latencyMs: [0, 20] as const };
const WORKERS = 3;
const EVENTS = 120;
const SPLITS = 2;
const KEYS = 6;
const RUN_MAX_MS = 120_000;
const MENDED_MS = 5_000;
/** Letters that somebody takes on at a time before the job is mended: the rest of a key comes later. */
const EARLY_MAX = 8;

export function simulateRedrives(seed: number): Promise<RedriveRun> {
  const world = new SimWorld(seed, FAULTS, events);
  world.isOpen = true;
  return world.clock.run(play(world));
}

async function play(world: SimWorld): Promise<RedriveRun> {
  const { clock, random, problems } = world;
  const cluster = new SimCluster(world, { lagMs: 500, withRedrives: true });
  const failing = planOf(false, null);
  const mended = planOf(true, failing);
  await cluster.declare(1, failing);
  cluster.start(WORKERS);
  const over = { is: false };
  for (let atMs = 0; atMs < 20_000; atMs += 2_000) void clock.sleep(atMs + random.next() * 2_000).then(() => trouble(world, cluster, over));
  const witness = new ConservationWitness({ isRestored: false });
  void (async () => {
    for (; !over.is; await clock.sleep(250)) problems.push(...witness.look(world.journal, mended));
  })();
  const people = [1, 2].map(() => redrive(world, mended, over));
  await clock.sleep(MENDED_MS);
  await cluster.declare(2, mended);
  const count = world.events.flat().length;
  for (const endMs = clock.nowMs() + RUN_MAX_MS; clock.nowMs() < endMs && world.lines('out').length < count;) await clock.sleep(200);
  await clock.sleep(3_000); // what would come twice has its time
  over.is = true;
  await Promise.all(people);
  world.isOpen = false;
  if (!(await cluster.until('completed', () => true, RUN_MAX_MS)))
    problems.push(`not complete: ${JSON.stringify((await cluster.directory.get('failure'))?.value ?? null)}`);
  problems.push(...witness.look(world.journal, mended));
  cluster.stop();
  const letters = world.lines<DeadLetter>('dead-letters-subject');
  problems.push(...checkTotals(world.lines<Total>('out'), world.events.flat(), letters));
  const again = letters.filter(({ attempts }) => attempts !== undefined).length;
  return { problems: problems.slice(0, 8), story: world.story, letters: letters.length, again, kills: cluster.kills };
}

function trouble({ random }: SimWorld, cluster: SimCluster, over: { readonly is: boolean }): void {
  const place = Math.floor(random.next() * WORKERS);
  if (over.is) return;
  if (random.next() < 0.6) void cluster.kill(place, random.next() * 1_500);
  else cluster.suspend(place, 500 + random.next() * 4_000);
}

/** Somebody who puts in again whatever is there, from the oldest on, and knows nothing of the other. */
async function redrive(world: SimWorld, plan: PhysicalPlan, over: { readonly is: boolean }): Promise<void> {
  const { clock, random } = world;
  const done = new Set<number>();
  for (; !over.is; await clock.sleep(random.next() * 1_500)) {
    const letters = world.lines<DeadLetter>('dead-letters-subject');
    const left = letters.flatMap((letter, id) => (done.has(id) ? [] : [{ letter, id }]));
    for (const { letter, id } of clock.nowMs() < MENDED_MS ? left.slice(0, EARLY_MAX) : left) {
      if (!(await decide(world, plan, letter, id))) break; // not known: the same again, before what comes behind it
      done.add(id);
    }
  }
}

async function decide({ clock, journal, problems }: SimWorld, plan: PhysicalPlan, letter: DeadLetter, id: number): Promise<boolean> {
  const target = redriveTarget(plan, letter, { isGiven: false });
  if (target.kind === 'none') {
    problems.push(`letter ${id}: ${target.reason}`);
    return true;
  }
  const { stage, partition, node, input } = target;
  const { event, timeMs, key, attempts = 1 } = letter;
  const entry: RedriveEntry = {
    kind: 'redrive',
    stage: stage.id,
    partition,
    node,
    input,
    event,
    timeMs,
    key,
    attempts: attempts + 1,
    atMs: clock.nowMs(),
  };
  const place = { stream: redriveStream(plan.job), subject: redriveSubject(plan.job, `${id}`) };
  try {
    await decideOnce(journal, place, entry, { clock, signal: new AbortController().signal });
    return true;
  } catch (error) {
    if (isError(error, 'MR2102')) return false;
    throw error;
  }
}

/** Each event once; the totals of a key follow from one another; what was put in again comes per key in the order of its letters. */
function checkTotals(totals: readonly Total[], all: readonly SimEvent[], letters: readonly DeadLetter[]): readonly string[] {
  const problems: string[] = [];
  const seen = new Map<number, number>();
  for (const { at } of totals) seen.set(at, (seen.get(at) ?? 0) + 1);
  for (const { at, id } of all) if (seen.get(at) !== 1) problems.push(`the event of ${id} at ${at} came ${seen.get(at) ?? 0} times`);
  const lastLetter = new Map(letters.map(({ event }, place) => [(event as SimEvent).at, place]));
  for (const [id, list] of Map.groupBy(totals, (total) => total.id)) {
    let [sum, letter] = [0, -1];
    for (const { at, n, total } of list) {
      sum += n;
      if (total !== sum) problems.push(`the total of ${id} at ${at} is ${total}, not ${sum}`);
      const place = lastLetter.get(at);
      if (place === undefined) continue;
      if (place < letter) problems.push(`letter ${place} of ${id} came behind letter ${letter}`);
      letter = place;
    }
  }
  for (const [at, list] of Map.groupBy(letters, ({ event }) => (event as SimEvent).at)) {
    const attempts = list.map((letter) => letter.attempts ?? 1);
    if (attempts.some((attempt, place) => attempt !== place + 1)) problems.push(`the letters at ${at} say attempts ${attempts.join()}`);
  }
  return problems;
}

/** Until it is mended, the machine knows no event `take`. */
function planOf(isMended: boolean, before: PhysicalPlan | null): PhysicalPlan {
  const action =
    '{ actions: [{ assign: { total: context.total + event.n } }, { emit: { output: total, value: { id: key, at: event.at, n: event.n, total: context.total } } }] }';
  const text = jobText(
    'again',
    `
  partitions: 3
  sources:
    - { name: rows, file: { path: rows.ndjson }, schema: { id: string, at: timestamp, n: int }, eventTime: { at: event.at } }
  stages:
    - name: totals
      from: rows
      keyBy: event.id
      machine:
        eventType: "event.n % 3 == 1 ? 'take' : 'add'"
        context: { total: 0 }
        initial: adding
        states:
          adding:
            on:
              add: ${action}
${isMended ? `              take: ${action}\n` : ''}
  sinks:
    - { name: out, from: totals.total, file: { path: out.ndjson } }
`,
  );
  const job = readStreamJob(text, { file: 'again.yaml', parameters: {} });
  return planJob(job, { rows: SPLITS }, { identity: 'ns_again', deadLetterFile: false, before });
}

function events(random: Random): readonly (readonly SimEvent[])[] {
  return Array.from({ length: SPLITS }, (_, split) =>
    Array.from({ length: EVENTS }, (_unused, index) => ({
      id: `k${Math.floor(random.next() * KEYS)}`,
      at: index * 100 + split,
      n: Math.floor(random.next() * 100),
    })),
  );
}
