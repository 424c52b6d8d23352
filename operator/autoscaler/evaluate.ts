// What samples mean: how much comes, how much waits, and how much work an event is. Pure.
//
// All is reckoned in work: seconds of one fully busy worker. An event of a stage costs what its tasks were busy with, per event
// taken in, with a share of what workers did around it, plus what it causes in the stages behind (DS2, Kalavri et al., OSDI 2018:
// the true rate is events per busy second, however much of the time was idle).
//
//   V1. What is not known is `unknown`, with the reason: nobody decides upon it. So is what cannot be: workers may say anything.
//   V2. A task's time counts only between samples of the same claim by the same worker; its counts go on over claims.
//   V3. What an event costs is measured while workers do something; else what was known before holds. That it costs more is believed
//       only of workers that are busy.
//   V4. A stage's event time is behind only what stages before it gave out, never a clock, and only while something waits for it, as it
//       did all through the last seconds. Event time that runs faster than the clock (old streams) counts by its pace.

import type { KeyShare } from '../../runtime/worker/task-figures.ts';
import type { LoadGraph, Sample, StageTime, TaskSample } from './sample.ts';

/** Rates look back this far: fast enough to react, slow enough not to take one batch for a trend. */
export const FAST_MS = 10_000;
export const SLOW_MS = 120_000;
const THROUGH_MS = 30_000;
/** Two samples nearer to each other say little. */
const SPAN_MIN_MS = 3_500;
/** Below this share of busy time the work around events is more than that for them (V3). */
const BUSY_MIN = 0.05;
/** Below this an event costs more than where there are many: commits and reads are shared by fewer. Then only what is less counts. */
const BUSY_SURE = 0.5;
/** A worker's code is compiled while it runs: before that its events cost more. */
const WARM_MS = 10_000;
/** What a new measurement of costs counts. */
const NEWER = 0.2;
/** What workers do around steps (reading lanes, answers, heartbeats) is at most so many times the steps. */
const AROUND_MAX = 4;
/** What waits on a worker that is busier than this waits for the worker. */
const SATURATED = 0.85;
/** A task that makes up more of its worker's steps than this is alone there. */
const ALONE = 0.7;
/** A trend is one when it grows by more than this; then the load is taken to grow on until new workers run. */
const TREND = 0.1;
const START_MS = 25_000;
const FORECAST_MAX = 0.5;
/** Of a stage's work below this a task is not counted among those that share it. */
const SHARE_MIN = 0.002;
/** A worker's time counts up as the clock does; reports come when they come. What is so many times faster, and some seconds, is no time. */
const FASTER_MAX = 2;
const REPORTS_APART_MS = 8_000;
/** No task takes in so many events a second. */
const PER_S_MAX = 1e8;

/** What an event of a stage costs and gives, as it was measured last. */
export type Costs = {
  /** Seconds of work of one event, by stage: of that stage alone. */
  readonly own: ReadonlyMap<string, number>;
  /** Events given out for each that is taken in, by stage and place of the output. */
  readonly gives: ReadonlyMap<string, readonly number[]>;
};
export const NO_COSTS: Costs = { own: new Map(), gives: new Map() };
/** Seconds of work by stage: of an event and of all that it causes. */
type WholeCosts = ReadonlyMap<string, number>;

export type Signals = {
  readonly kind: 'known';
  /** Events that come, a second: over the last seconds, and as it is reckoned with. */
  readonly offeredPerS: number;
  readonly forecastPerS: number;
  /** Events that are done with, a second, over the last half minute: what came less what waits more. */
  readonly throughPerS: number;
  /** Work that comes, as workers that it keeps fully busy. */
  readonly offeredWork: number;
  readonly backlogEvents: number;
  /** Seconds of one worker: of what waits for workers. What waits for a commit or a sink is none: more of them would not help it. */
  readonly backlogWorkS: number;
  /** How far it is behind what comes to it: by the backlog and what comes a second, or by event time inside, whichever is more (V4). */
  readonly lagS: number;
  /** Of workers' time, 0 … 1. */
  readonly busy: number;
  readonly busyMax: number;
  readonly blocked: number;
  /** Shares of the work, largest first; they add up to 1. */
  readonly shares: readonly { readonly task: string; readonly share: number }[];
  /** Of the task with the largest share: the key that most of its events have; absent: none stands out. */
  readonly heavyKey?: KeyShare | undefined;
  /** Events a second of a worker that does nothing else; null: not known yet. */
  readonly perWorkerPerS: number | null;
  /** Source events that were ever taken in. */
  readonly takenEver: number;
};
export type Unknown = { readonly kind: 'unknown'; readonly why: string };

export type Evaluated = { readonly signals: Signals | Unknown; readonly costs: Costs };

/** `samples`: oldest first, the last one is now. `known`: what was known before. `slowMs`: how far back a load counts that is less now. */
export function evaluate(
  graph: LoadGraph,
  samples: readonly Sample[],
  known: { readonly costs: Costs; readonly perWorkerPerS: number | null },
  slowMs = SLOW_MS,
): Evaluated {
  const now = samples.at(-1);
  const unknown = (why: string): Evaluated => ({ signals: { kind: 'unknown', why }, costs: known.costs });
  if (now === undefined) return unknown('nothing was measured yet');
  if (now.missing !== null) return unknown(now.missing);
  const fast = since(samples, now.atMs - FAST_MS);
  const slow = since(samples, now.atMs - slowMs);
  if (fast === null || slow === null || now.atMs - fast.atMs < SPAN_MIN_MS) return unknown('there are no two measurements yet to compare');
  if (offeredEvents(now) < offeredEvents(fast))
    return unknown('counts went back: messages were removed from a source, or the run began anew');
  const absurd = absurdity(fast, now);
  if (absurd !== null) return unknown(absurd);
  if (now.workers.length > 0 && workerShares(fast, now).length === 0) return unknown('its workers are new');
  const costs: Costs = { own: costsNow(graph, samples, known.costs.own), gives: givesNow(graph, slow, now, known.costs.gives) };
  const signals = signalsOf({ graph, samples, fast, slow, now, costs: wholeCosts(graph, costs), perWorkerPerS: known.perWorkerPerS });
  return isSound(signals) ? { signals, costs } : unknown(NO_NUMBERS);
}

export const NO_NUMBERS = 'figures are no numbers';

/** V1: there is a number where one is to be. */
export function isSound(signals: Signals): boolean {
  const numbers = [...Object.values(signals), ...signals.shares.map(({ share }) => share)];
  return numbers.every((value) => typeof value !== 'number' || Number.isFinite(value));
}

/** V1: what nobody can have done between two samples. */
function absurdity(from: Sample, to: Sample): string | null {
  const passedMs = to.atMs - from.atMs;
  const timeMax = FASTER_MAX * passedMs + REPORTS_APART_MS;
  const eventsMax = (PER_S_MAX * (passedMs + REPORTS_APART_MS)) / 1000;
  const isWithin = (was: number, is: number, most: number): boolean => is - was >= 0 && is - was <= most; // not of what is no number
  const earlier = new Map(from.workers.map(({ id, time }) => [id, time]));
  for (const { id, time } of to.workers) {
    const was = earlier.get(id);
    if (was === undefined) continue;
    const times = [[was.busyMs, time.busyMs], [was.blockedMs, time.blockedMs], [was.idleMs, time.idleMs]] as const; // prettier-ignore
    if (!times.every(([before, after]) => isWithin(before, after, timeMax))) return `worker ${id} tells of time that cannot have passed`;
  }
  const task = comparable(from, to).find(
    ({ was, now }) => !isWithin(was.eventsIn, now.eventsIn, eventsMax) || !isWithin(was.time.busyMs, now.time.busyMs, timeMax),
  );
  if (task !== undefined) return `worker ${task.now.worker} tells of ${task.now.task} what it cannot have done`;
  const rushed = to.sources.find(({ stage, takenEvents: taken }) => {
    const was = from.sources.find((source) => source.stage === stage);
    return was !== undefined && taken - was.takenEvents > eventsMax * Math.max(1, to.tasks.length);
  });
  return rushed === undefined ? null : `${rushed.stage} is told to have taken in what it cannot have`;
}

type Parts = {
  readonly graph: LoadGraph;
  readonly samples: readonly Sample[];
  readonly fast: Sample;
  readonly slow: Sample;
  readonly now: Sample;
  readonly costs: WholeCosts;
  readonly perWorkerPerS: number | null;
};

function signalsOf({ graph, samples, fast, slow, now, costs, perWorkerPerS }: Parts): Signals {
  const offeredPerS = rate(fast, now, offeredEvents);
  const slowPerS = rate(slow, now, offeredEvents);
  const forecastPerS = Math.max(offeredPerS, slowPerS) + trend(samples, now);
  const mean = meanCost(graph, { from: slow, to: now, costs }) ?? (perWorkerPerS === null ? 0 : 1 / perWorkerPerS);
  const times = workerShares(fast, now);
  const worth = (stage: string): number => costs.get(stage) ?? mean;
  const waiting = waitingEvents(now);
  const allWorkS = sum(waiting, ([stage, events]) => events * worth(stage));
  const pairs = comparable(fast, now);
  const busyOnes = new Set(times.filter(({ id, busy }) => busy >= SATURATED && !isOneTasks(id, pairs)).map(({ id }) => id));
  const held = now.workers.length === 0 ? () => 1 : (stage: string): number => shareOn(busyOnes, stage, { from: fast, to: now });
  const backlogWorkS = sum(waiting, ([stage, events]) => events * worth(stage) * held(stage));
  const waitsIn = (sample: Sample): number =>
    sum(waitingEvents(sample), ([stage, events]) => (mean > 0 ? (events * worth(stage)) / mean : events));
  const earlier = since(samples, now.atMs - THROUGH_MS) ?? fast;
  const backlogEvents = waitsIn(now);
  const shares = sharesOf(fast, now);
  const grownPerS = ((backlogEvents - waitsIn(earlier)) / (now.atMs - earlier.atMs)) * 1000;
  return {
    kind: 'known',
    offeredPerS,
    forecastPerS,
    throughPerS: Math.max(0, rate(earlier, now, offeredEvents) - grownPerS),
    offeredWork: forecastPerS * mean,
    backlogEvents,
    backlogWorkS,
    lagS: Math.max(
      slowPerS > 0 ? backlogEvents / Math.max(offeredPerS, slowPerS) : allWorkS / Math.max(1, now.workers.length),
      eventTimeLagS(graph, samples, { fast, slow, now }),
    ),
    busy: average(times.map(({ busy }) => busy)),
    busyMax: Math.max(0, ...times.map(({ busy }) => busy)),
    blocked: average(times.map(({ blocked }) => blocked)),
    shares,
    heavyKey: now.tasks.find(({ task }) => task === shares[0]?.task)?.heavyKey,
    perWorkerPerS: mean > 0 ? 1 / mean : null,
    takenEver: takenEvents(now),
  };
}

/** V4: over the longest way through the pool (docs/adr/0060). */
function eventTimeLagS(
  { stages }: LoadGraph,
  samples: readonly Sample[],
  { fast, slow, now }: { readonly fast: Sample; readonly slow: Sample; readonly now: Sample },
): number {
  const lately = samples.filter(({ atMs, missing }) => missing === null && atMs >= fast.atMs);
  const [was, before] = [timesOf(fast), timesOf(slow)];
  const behind = new Map<string, number>(); // before a stage, on the longest way to it
  let most = 0;
  for (const { id, to } of stages) {
    const time = timesOf(now).get(id);
    const pace = Math.max(1, paceOf(was.get(id), time, now.atMs - fast.atMs), paceOf(before.get(id), time, now.atMs - slow.atMs));
    const own = Math.min(...lately.map((sample) => behindMs(sample, id))) / 1000 / pace;
    const lagS = (behind.get(id) ?? 0) + own;
    for (const next of to) if (next !== null) behind.set(next, Math.max(behind.get(next) ?? 0, lagS));
    most = Math.max(most, lagS);
  }
  return most;
}

function timesOf({ times = [] }: Sample): ReadonlyMap<string, StageTime> {
  return new Map(times.map((time) => [time.stage, time]));
}

function behindMs(sample: Sample, stage: string): number {
  const waits = sum(waitingEvents(sample), ([id, events]) => (id === stage ? events : 0));
  const time = timesOf(sample).get(stage);
  return time === undefined || waits <= 0 ? 0 : Math.max(0, time.givenMs - time.takenMs);
}

/** Seconds of event time that are given out in a second. */
function paceOf(was: StageTime | undefined, is: StageTime | undefined, passedMs: number): number {
  return was === undefined || is === undefined || passedMs <= 0 ? 0 : (is.givenMs - was.givenMs) / passedMs;
}

/** The newest sample that is old enough, else the oldest of all. */
function since(samples: readonly Sample[], atMs: number): Sample | null {
  const whole = samples.filter(({ missing }) => missing === null);
  return whole.findLast((sample) => sample.atMs <= atMs) ?? whole[0] ?? null;
}

/** Events that ever came: those taken in, and those that wait to be. */
function offeredEvents({ sources }: Sample): number {
  return sum(sources, ({ takenEvents: taken, backlogEvents }) => taken + Math.max(0, backlogEvents ?? 0));
}

function takenEvents({ sources }: Sample): number {
  return sum(sources, ({ takenEvents: taken }) => taken);
}

function rate(from: Sample, to: Sample, count: (sample: Sample) => number): number {
  return (Math.max(0, count(to) - count(from)) / (to.atMs - from.atMs)) * 1000;
}

/** What will come on top until a worker that is asked for now runs: where it grew twice in a row. A step up is no trend. */
function trend(samples: readonly Sample[], now: Sample): number {
  const marks = [1, 2, 3].map((times) => since(samples, now.atMs - times * FAST_MS));
  const [last, middle, first] = marks;
  if (!last || !middle || !first || first === middle || middle === last) return 0;
  const rates = [rate(first, middle, offeredEvents), rate(middle, last, offeredEvents), rate(last, now, offeredEvents)] as const;
  const growth = Math.min(rates[2] - rates[1], rates[1] - rates[0]);
  if (growth < TREND * rates[0]) return 0;
  return Math.min((growth / FAST_MS) * START_MS, FORECAST_MAX * rates[2]);
}

/** V2, V3: between now and the earliest sample of the last seconds since when no task has moved. */
function costsNow(graph: LoadGraph, samples: readonly Sample[], before: Costs['own']): Costs['own'] {
  const to = samples.at(-1) as Sample;
  const from = samples.find(
    (sample) =>
      sample.missing === null && sample.atMs >= to.atMs - FAST_MS - SPAN_MIN_MS && comparable(sample, to).length === to.tasks.length,
  );
  if (from === undefined || to.atMs - from.atMs < SPAN_MIN_MS) return before;
  const workers = workerShares(from, to);
  const isWarm = workers.length > 0 && workers.length === to.workers.length && workers.every((worker) => worker.isWarm);
  if (!isWarm || average(workers.map(({ busy }) => busy)) < BUSY_MIN) return before;
  const pairs = comparable(from, to);
  const stepping = sum(pairs, stepMs);
  const around = stepping > 0 ? Math.min(AROUND_MAX, Math.max(1, sum(workers, ({ busyMs }) => busyMs) / stepping)) : 1;
  const isSure = average(workers.map(({ busy }) => busy)) >= BUSY_SURE;
  const costs = new Map(before);
  for (const { id } of graph.stages) {
    const own = pairs.filter(({ now }) => now.stage === id);
    const events = sum(own, ({ was, now }) => now.eventsIn - was.eventsIn);
    if (events <= 0) continue;
    const measured = ((sum(own, stepMs) / 1000) * around) / events;
    const old = before.get(id);
    if (old !== undefined && measured > old && !isSure) continue;
    costs.set(id, old === undefined ? measured : old + NEWER * (measured - old));
  }
  return costs;
}

function stepMs({ was, now }: { readonly was: TaskSample; readonly now: TaskSample }): number {
  return now.time.busyMs - was.time.busyMs;
}

function givesNow(graph: LoadGraph, from: Sample, to: Sample, before: Costs['gives']): Costs['gives'] {
  const earlier = new Map(from.tasks.map((task) => [task.task, task]));
  const gives = new Map(before);
  for (const { id, to: places } of graph.stages) {
    const known = to.tasks.flatMap((now) => {
      const was = earlier.get(now.task);
      return now.stage === id && was !== undefined ? [{ was, now }] : [];
    });
    const taken = sum(known, ({ was, now }) => Math.max(0, now.eventsIn - was.eventsIn));
    const given = (place: number): number =>
      sum(known, ({ was, now }) => Math.max(0, (now.edgesOut[place] ?? 0) - (was.edgesOut[place] ?? 0)));
    if (taken > 0)
      gives.set(
        id,
        [...places.keys()].map((place) => given(place) / taken),
      );
  }
  return gives;
}

function wholeCosts(graph: LoadGraph, { own, gives }: Costs): WholeCosts {
  const whole = new Map<string, number>();
  for (const { id, to } of graph.stages.toReversed()) {
    const behind = sum([...to.entries()], ([place, stage]) =>
      stage === null ? 0 : (gives.get(id)?.[place] ?? 0) * (whole.get(stage) ?? 0),
    );
    whole.set(id, (own.get(id) ?? 0) + behind);
  }
  return whole;
}

/** One task has the worker nearly for itself: others would not take anything off it. */
function isOneTasks(worker: string, pairs: ReturnType<typeof comparable>): boolean {
  const own = pairs.filter(({ now }) => now.worker === worker).map(stepMs);
  return Math.max(0, ...own) > ALONE * sum(own, (ms) => ms);
}

/** How much of what a stage takes in is taken in by these workers, 0 … 1. */
function shareOn(workers: ReadonlySet<string>, stage: string, { from, to }: { readonly from: Sample; readonly to: Sample }): number {
  const earlier = new Map(from.tasks.map((task) => [task.task, task.eventsIn]));
  const own = to.tasks
    .filter((task) => task.stage === stage)
    .map((task) => ({ worker: task.worker, events: Math.max(0, task.eventsIn - (earlier.get(task.task) ?? task.eventsIn)) }));
  const all = sum(own, ({ events }) => events);
  return all > 0 ? sum(own, ({ worker, events }) => (workers.has(worker) ? events : 0)) / all : 0;
}

/** Of what comes, seconds of work an event; null: nothing came, or nothing is known. */
function meanCost(
  graph: LoadGraph,
  { from, to, costs }: { readonly from: Sample; readonly to: Sample; readonly costs: WholeCosts },
): number | null {
  const earlier = new Map(from.sources.map((source) => [source.stage, source]));
  const came = to.sources.map((source) => {
    const before = earlier.get(source.stage);
    const offered =
      source.takenEvents + (source.backlogEvents ?? 0) - (before === undefined ? 0 : before.takenEvents + (before.backlogEvents ?? 0));
    return [source.stage, Math.max(0, offered)] as const;
  });
  const events = sum(came, ([, count]) => count);
  const sources = graph.stages.filter(({ isSource }) => isSource);
  if (events <= 0) {
    const known = sources.flatMap(({ id }) => costs.get(id) ?? []).filter((cost) => cost > 0);
    return known.length === 0 ? null : Math.max(...known);
  }
  const cost = sum(came, ([stage, count]) => count * (costs.get(stage) ?? 0)) / events;
  return cost > 0 ? cost : null;
}

/** By stage: events that wait to be taken in. */
function waitingEvents({ sources, lags }: Sample): readonly (readonly [stage: string, events: number])[] {
  const all = [...sources.map(({ stage, backlogEvents }) => [stage, backlogEvents ?? 0] as const), ...lags];
  return all.map(([stage, events]) => [stage, Math.max(0, events)]); // less than nothing cannot wait, and hides what does elsewhere
}

function workerShares(from: Sample, to: Sample): readonly { id: string; busy: number; blocked: number; busyMs: number; isWarm: boolean }[] {
  const earlier = new Map(from.workers.map(({ id, time }) => [id, time]));
  return to.workers.flatMap(({ id, time }) => {
    const was = earlier.get(id);
    if (was === undefined) return [];
    const busyMs = time.busyMs - was.busyMs;
    const blockedMs = time.blockedMs - was.blockedMs;
    const allMs = busyMs + blockedMs + time.idleMs - was.idleMs;
    const isWarm = was.busyMs + was.blockedMs + was.idleMs >= WARM_MS;
    return allMs > 0 ? [{ id, busy: busyMs / allMs, blocked: blockedMs / allMs, busyMs, isWarm }] : [];
  });
}

/** V2. */
function comparable(from: Sample, to: Sample): readonly { readonly was: TaskSample; readonly now: TaskSample }[] {
  const earlier = new Map(from.tasks.map((task) => [task.task, task]));
  return to.tasks.flatMap((now) => {
    const was = earlier.get(now.task);
    return was !== undefined && was.worker === now.worker && was.epoch === now.epoch ? [{ was, now }] : [];
  });
}

function sharesOf(from: Sample, to: Sample): Signals['shares'] {
  const work = comparable(from, to).map(({ was, now }) => ({ task: now.task, busyMs: now.time.busyMs - was.time.busyMs }));
  const total = sum(work, ({ busyMs }) => busyMs);
  if (total <= 0) return [];
  return work
    .map(({ task, busyMs }) => ({ task, share: busyMs / total }))
    .filter(({ share }) => share >= SHARE_MIN)
    .toSorted((a, b) => b.share - a.share || (a.task < b.task ? -1 : 1));
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : sum(values, (value) => value) / values.length;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
