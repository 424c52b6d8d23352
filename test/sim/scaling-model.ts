// A job under a load that changes, with the real autoscaler: workers share their tasks' work as an event loop does, tasks are dealt
// out by the real assignment, pods take their time to start, and whoever takes a partition over pauses. Fluid, in steps of a second.

import { Autoscaler } from '../../operator/autoscaler/autoscaler.ts';
import type { LoadGraph, Sample } from '../../operator/autoscaler/sample.ts';
import { settingsOf } from '../../operator/autoscaler/settings.ts';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import type { Random } from '../../runtime/base/clock.ts';
import { seededRandom } from '../../runtime/testing/seeded-random.ts';
import { assignInPools, type Assignment } from '../../runtime/worker/assignment.ts';

export type Load = {
  /** Events a second at second t. */
  readonly perS: (t: number, random: Random) => number;
  /** What the sink's target takes a second, whatever the number of workers. */
  readonly sinkPerS?: (t: number) => number;
  /** Share of the events of partition 0 of the keyed stage; the rest is even. */
  readonly hottest?: number;
  readonly idle?: string;
  /** So many workers run at full pace at once: pods on nodes that are full. */
  readonly cores?: number;
  /** Of each of the three stages; absent: all in one. */
  readonly pools?: readonly [string, string, string];
};

export type ScalingResult = {
  /** Percent of events that came through later than the target lag. */
  readonly latePercent: number;
  readonly p99S: number;
  readonly maxS: number;
  /** Workers paid for, to those that an oracle with 80 % utilization would have had. */
  readonly cost: number;
  readonly changes: number;
  readonly mostWorkers: number;
  readonly leastWorkers: number;
  /** By pool, at the end. */
  readonly workers: Readonly<Record<string, number>>;
  readonly sentences: readonly string[];
  readonly conditions: ReadonlySet<string>;
};

const SECONDS = 4 * 3600;
const LOOK_S = 4;
const TARGET_S = 10;
const START_S = 20;
const MOVE_S = 2;
const MAX = 32;
/** What a worker does around its steps, of these. */
const AROUND = 0.3;

type StageModel = {
  readonly id: string;
  readonly partitions: number;
  /** Steps alone, seconds an event. */ readonly costS: number;
  readonly gives: number;
};
const STAGES: readonly StageModel[] = [
  { id: 'in', partitions: 2, costS: 0.1e-3, gives: 2 },
  { id: 'keyed', partitions: 32, costS: 0.5e-3, gives: 0.5 },
  { id: 'out', partitions: 8, costS: 0.4e-3, gives: 1 },
];
const COST_S = (0.1e-3 + 2 * 0.5e-3 + 1 * 0.4e-3) * (1 + AROUND);

/** Of the stages of a pool: what leads to another one leads nowhere. */
function graphOf(pools: Load['pools'], pool: string): LoadGraph {
  const isOwn = (i: number): boolean => (pools?.[i] ?? ONE_POOL) === pool;
  return {
    stages: STAGES.flatMap(({ id, partitions }, i) =>
      isOwn(i)
        ? [{ id, isSource: i === 0, partitionCount: partitions, to: i < 2 ? [isOwn(i + 1) ? (STAGES[i + 1]?.id ?? null) : null] : [] }]
        : [],
    ),
  };
}
const ONE_POOL = 'job';

type Task = {
  readonly name: string;
  readonly stage: number;
  readonly share: number;
  queue: number;
  in: number;
  out: number;
  busyMs: number;
  blockedMs: number;
  epoch: number;
  pausedS: number;
};
type Pod = { readonly id: string; readonly pool: string; readonly readyAt: number; busyMs: number; blockedMs: number; idleMs: number };

export function simulateScaling(load: Load, seed: number): ScalingResult {
  const random = seededRandom(seed);
  const run = new Run(load, random);
  for (let t = 0; t < SECONDS; t++) run.tick(t);
  return run.result();
}

class Run {
  readonly #load: Load;
  readonly #random: Random;
  readonly #tasks: readonly Task[];
  readonly #autoscaler = new Autoscaler();
  readonly #settings;
  #pods: Pod[] = [];
  #born = 0;
  #owners: Assignment = {};
  readonly #pools: ReadonlyMap<string, { status: ScalingStatus | undefined; desired: number }>;
  #noise = 1;
  #arrived = 0;
  readonly #arrivals: number[] = [];
  #through = 0;
  #oldest = 0;
  #late = 0;
  readonly #delays: number[] = [];
  #paid = 0;
  #ideal = 0;
  #changes = 0;
  #most = 0;
  #least = MAX;
  readonly #sentences: string[] = [];
  readonly #conditions = new Set<string>();

  constructor(load: Load, random: Random) {
    this.#load = load;
    this.#random = random;
    const idle = load.idle === undefined ? {} : { idle: load.idle };
    this.#settings = settingsOf(scalingSchema.parse({ mode: 'Apply', max: MAX, targetLag: `${TARGET_S}s`, ...idle }));
    this.#tasks = STAGES.flatMap(({ id, partitions }, stage) =>
      Array.from({ length: partitions }, (_, partition) => {
        const hottest = stage === 1 ? (load.hottest ?? 1 / partitions) : 1 / partitions;
        const share = partition === 0 ? hottest : (1 - hottest) / (partitions - 1);
        return { name: `${id}/${partition}`, stage, share, queue: 0, in: 0, out: 0, busyMs: 0, blockedMs: 0, epoch: 1, pausedS: 0 };
      }),
    );
    this.#pools = new Map(
      (load.pools ?? [ONE_POOL]).map((pool) => [pool, { status: undefined, desired: load.pools === undefined ? 2 : 1 }]),
    );
    for (const [pool, { desired }] of this.#pools) for (let i = 0; i < desired; i++) this.#bear(pool, 0);
  }

  tick(t: number): void {
    const { perS } = this.#load;
    const arriving = Math.max(0, perS(t, this.#random) * (0.95 + 0.1 * this.#random.next()));
    this.#arrived += arriving;
    this.#arrivals.push(this.#arrived);
    for (const task of this.#tasks) if (task.stage === 0) task.queue += arriving * task.share;
    this.#noise = 0.97 * this.#noise + 0.03 * (0.9 + 0.2 * this.#random.next());
    this.#deal(t);
    this.#work(t);
    this.#measure(t, arriving);
    if (t % LOOK_S === 0) for (const pool of this.#pools.keys()) this.#scale(t, pool);
  }

  result(): ScalingResult {
    const delays = this.#delays.toSorted((a, b) => a - b);
    return {
      latePercent: (100 * this.#late) / Math.max(1, this.#arrived),
      p99S: delays[Math.floor(delays.length * 0.99)] ?? 0,
      maxS: delays.at(-1) ?? 0,
      cost: this.#paid / this.#ideal,
      changes: this.#changes,
      mostWorkers: this.#most,
      leastWorkers: this.#least,
      workers: Object.fromEntries([...this.#pools].map(([pool, { desired }]) => [pool, desired])),
      sentences: this.#sentences,
      conditions: this.#conditions,
    };
  }

  #bear(pool: string, readyAt: number): void {
    this.#pods.push({ id: `w${this.#born++}`, pool, readyAt, busyMs: 0, blockedMs: 0, idleMs: 0 });
  }

  /** Membership has changed: tasks move, and pause. */
  #deal(t: number): void {
    const refs = this.#tasks.map(({ name, stage }) => ({ name, stage: STAGES[stage]?.id ?? '', pool: this.#poolOf(stage) }));
    const living = this.#pods.filter(({ readyAt }) => readyAt <= t);
    const known = new Set(Object.values(this.#owners));
    if (living.length === known.size && living.every(({ id }) => known.has(id))) return;
    const candidates = living.map(({ id, pool }) => ({ worker: id, pool }));
    const next = assignInPools(refs, candidates, this.#owners);
    for (const task of this.#tasks) {
      if (next[task.name] === this.#owners[task.name]) continue;
      Object.assign(task, { epoch: task.epoch + 1, busyMs: 0, blockedMs: 0, pausedS: t === 0 ? 0 : MOVE_S });
    }
    this.#owners = next;
  }

  #work(t: number): void {
    const sinkMax = this.#load.sinkPerS?.(t) ?? Infinity;
    const given = STAGES.map(() => 0);
    const living = this.#pods.filter(({ readyAt }) => readyAt <= t);
    const crowd = Math.max(1, living.length / (this.#load.cores ?? Infinity));
    for (const pod of living) {
      const own = this.#tasks.filter(({ name, pausedS }) => this.#owners[name] === pod.id && pausedS <= 0);
      const takes = own.map((task) => (task.stage === 2 ? Math.min(task.queue, sinkMax * task.share) : task.queue));
      const costs = own.map(({ stage }) => ((STAGES[stage]?.costS ?? 0) * (1 + AROUND) * crowd) / this.#noise);
      const work = takes.reduce((sum, events, i) => sum + events * (costs[i] ?? 0), 0);
      const part = work > 1 ? 1 / work : 1;
      let isBlocked = false;
      for (const [i, task] of own.entries()) {
        const events = (takes[i] ?? 0) * part;
        task.queue -= events;
        task.in += events;
        const busyMs = (events * (costs[i] ?? 0) * 1000) / (1 + AROUND);
        task.busyMs += busyMs;
        const outside = task.stage === 2 && sinkMax < Infinity && task.queue > events;
        if (outside) task.blockedMs += 1000 - busyMs;
        isBlocked ||= outside;
        const out = events * (STAGES[task.stage]?.gives ?? 0);
        task.out += out;
        given[task.stage] = (given[task.stage] ?? 0) + out;
      }
      const busyMs = Math.min(1, work) * 1000;
      pod.busyMs += busyMs;
      if (isBlocked) pod.blockedMs += 1000 - busyMs;
      else pod.idleMs += 1000 - busyMs;
    }
    for (const task of this.#tasks) {
      task.pausedS--;
      if (task.stage > 0) task.queue += (given[task.stage - 1] ?? 0) * task.share;
    }
    this.#through += given[2] ?? 0; // in source events: 2 · ½ · 1
  }

  #measure(t: number, arriving: number): void {
    while (this.#oldest < this.#arrivals.length && (this.#arrivals[this.#oldest] ?? 0) <= this.#through + 1e-3) this.#oldest++;
    const delay = this.#arrived - this.#through < 1 ? 0 : t - this.#oldest + 1;
    this.#delays.push(delay);
    if (delay > TARGET_S) this.#late += arriving;
    this.#paid += this.#pods.length;
    this.#ideal += Math.max(this.#load.idle === undefined || arriving > 0 ? 1 : 0, Math.ceil((arriving * COST_S) / 0.8));
    this.#most = Math.max(this.#most, this.#pods.length);
    this.#least = Math.min(this.#least, this.#pods.length);
  }

  /** An event's time is the second in which it arrived: up to where all tasks of the stage have come. */
  #eventTimeMs(stage: number): number {
    const each = STAGES.slice(0, stage).reduce((events, { gives }) => events * gives, 1);
    const taken = this.#tasks.filter((task) => task.stage === stage && task.share > 0).map((task) => task.in / (task.share * each));
    const lowest = Math.min(...taken) - 1e-3;
    let [low, high] = [0, this.#arrivals.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#arrivals[middle] ?? 0) < lowest) low = middle + 1;
      else high = middle;
    }
    return low * 1000;
  }

  #poolOf(stage: number): string {
    return this.#load.pools?.[stage] ?? ONE_POOL;
  }

  #scale(t: number, pool: string): void {
    const own = this.#pods.filter((pod) => pod.pool === pool);
    const state = this.#pools.get(pool);
    if (state === undefined) return;
    const ready = own.filter(({ readyAt }) => readyAt <= t).length;
    const graph = graphOf(this.#load.pools, pool);
    const partitions = Math.max(...graph.stages.map(({ partitionCount }) => partitionCount));
    const { replicas, status, sentences, verdicts } = this.#autoscaler.scale({
      key: pool,
      settings: this.#settings,
      scene: { nowMs: t * 1000 + 1, declared: 2, ready, podProblem: null, settled: true, partitions },
      graph,
      sample: this.#sample(t, pool),
      status: state.status,
      deployed: state.desired,
    });
    state.status = status ?? undefined;
    for (const sentence of sentences) this.#sentences.push(`${t} s  ${pool}: ${sentence}`);
    if (verdicts.limited !== null) this.#conditions.add(verdicts.limited.reason);
    if (verdicts.hot !== null) this.#conditions.add('HotPartition');
    if (replicas !== state.desired) this.#changes++;
    state.desired = replicas;
    for (let i = own.length; i < replicas; i++) this.#bear(pool, t + START_S + Math.floor(this.#random.next() * 6));
    const kept = new Set(
      this.#pods
        .filter((pod) => pod.pool === pool)
        .toSorted((a, b) => a.readyAt - b.readyAt)
        .slice(0, replicas),
    );
    this.#pods = this.#pods.filter((pod) => pod.pool !== pool || kept.has(pod));
  }

  #sample(t: number, pool: string): Sample {
    const living = this.#pods.filter((pod) => pod.readyAt <= t && pod.pool === pool);
    const isOwn = ({ stage }: Task): boolean => this.#poolOf(stage) === pool;
    const moving = this.#tasks.some((task) => isOwn(task) && task.pausedS > 0) && living.length > 0;
    const own = [...STAGES.keys()].filter((stage) => this.#poolOf(stage) === pool);
    const isInside = (stage: number): boolean => own.includes(stage - 1);
    const of = (stage: number): readonly Task[] => this.#tasks.filter((task) => task.stage === stage);
    const sum = (tasks: readonly Task[], pick: (task: Task) => number): number => tasks.reduce((total, task) => total + pick(task), 0);
    return {
      atMs: t * 1000,
      workers: living.map(({ id, busyMs, blockedMs, idleMs }) => ({ id, time: { busyMs, blockedMs, idleMs } })),
      tasks: this.#tasks
        .filter((task) => isOwn(task) && this.#owners[task.name] !== undefined)
        .map((task) => ({
          task: task.name,
          stage: STAGES[task.stage]?.id ?? '',
          worker: this.#owners[task.name] ?? '',
          epoch: task.epoch,
          eventsIn: task.in,
          edgesOut: task.stage < 2 ? [task.out] : [],
          time: { busyMs: task.busyMs, blockedMs: task.blockedMs, idleMs: 0 },
        })),
      sources: own
        .filter((stage) => !isInside(stage))
        .map((stage) => ({
          stage: STAGES[stage]?.id ?? '',
          takenEvents: sum(of(stage), (task) => task.in),
          backlogEvents: sum(of(stage), (task) => task.queue),
        })),
      lags: new Map(own.filter(isInside).map((stage) => [STAGES[stage]?.id ?? '', sum(of(stage), ({ queue }) => queue)])),
      times: own
        .filter((stage) => stage > 0)
        .map((stage) => ({ stage: STAGES[stage]?.id ?? '', givenMs: this.#eventTimeMs(stage - 1), takenMs: this.#eventTimeMs(stage) })),
      missing: moving ? 'partitions move' : null,
    };
  }
}
