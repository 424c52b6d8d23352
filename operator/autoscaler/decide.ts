// How many workers a job is to have now, and why. Pure: what was measured, what is remembered, what is asked for go in.
//
//   asleep ◀─ idle ── awake ── needs more ─▶ out ── helped? ─▶ awake
//      └── an event ──▶ ▲ ◀── in ── needed less all the time       └── no ─▶ back, and held
//
//   A1. One step to the right size: what comes at the planned utilization, and the backlog within `catchUp`.
//   A2. In only by the most that was needed over the whole window; never while it lags or is busy, or while workers start.
//   A3. What is not known changes nothing; it never takes a worker away.
//   A4. Workers that did not help are taken back, and not asked for again for a while.
//   A5. What was added is judged before more is added.
//   A6. Every decision says its arithmetic.

import { doublingMs } from '../../runtime/base/doubling.ts';
import { isSound, NO_NUMBERS, type Signals, type Unknown } from './evaluate.ts';
import type { ScalingMemory, Trial } from './memory.ts';
import * as say from './sentences.ts';
import type { Pace, ScalingSettings } from './settings.ts';
import { sizeFor, within, type Limits } from './size.ts';

/** A worker that is busier than this is too busy: then workers are added. Between the planned utilization and this nothing changes. */
const BUSY_MAX = 0.9;
/** A backlog counts from this share of the target lag on: less is what flows. */
const BACKLOG_FROM = 0.3;
/** Of what comes a moment is always under way. */
const FLOWING_S = 2;
/** In not before this after out: what has just been added is to show what it does. */
const AFTER_OUT_MS = 60_000;
/** Longer without a measurement, and the window of needs begins anew. */
const GAP_MAX_MS = 30_000;
/** A window of needs counts as full when it spans this share of it. */
const WINDOW_FULL = 0.95;
const NEEDS_MAX = 300;
/** A smaller change than this is none. */
const CHANGE_MIN = 0.1;
/** Workers that were added have so long to show that they help; those that start late longer. */
const TRIAL_MS = 60_000;
const TRIAL_MAX_MS = 180_000;
/** For so long after the first of them more may be added: how large a step in the load is, shows after some seconds. */
const GROWING_MS = 30_000;
/** Of what was expected this much must come. */
const GAIN_MIN = 0.2;
const EXPECTED_MIN = 1.15;
const HOLD_MS = 300_000;
const HOLD_MAX_MS = 1_800_000;
/** It lags for so long although it has the workers that it needs: then something else keeps it. */
const LIMITED_MS = 30_000;

/** What is seen at one moment, beside the load. */
export type Scene = {
  readonly nowMs: number;
  /** `spec.replicas`, or `replicas` of the pool. */
  readonly declared: number;
  /** As sentences call it; absent: `spec.replicas`. */
  readonly declaredAs?: string;
  /** Workers that are ready. */
  readonly ready: number;
  /** Why pods do not start; null: nothing is known of that kind. */
  readonly podProblem: string | null;
  /** It runs a stable revision: no upgrade, failure, savepoint or end. Else why it is left alone. */
  readonly settled: true | string;
  readonly partitions: number;
};

/** What is kept in memory between two looks: of needs in the past. */
export type Needs = {
  /** Oldest first. */
  readonly sizes: readonly { readonly atMs: number; readonly size: number; readonly must: number }[];
  readonly quietSinceMs: number | null;
  /** What was needed when events came last. */
  readonly busySize: number;
  readonly lagsSinceMs: number | null;
};
export const NO_NEEDS: Needs = { sizes: [], quietSinceMs: null, busySize: 1, lagsSinceMs: null };

export type Verdicts = {
  /** Why more workers do not come, or would not help; null: nothing is known against them. */
  readonly limited: {
    readonly reason: 'Ineffective' | 'WaitsElsewhere' | 'AtMaximum' | 'PodsNotStarting';
    readonly message: string;
  } | null;
  /** A partition that one worker can hardly do alone. */
  readonly hot: string | null;
};

export type ScalingDecision = {
  /** Workers that there are to be (Apply), or would be (Recommend). */
  readonly replicas: number;
  readonly memory: ScalingMemory;
  readonly needs: Needs;
  /** What was decided; null: all stays as it is. */
  readonly sentence: string | null;
  /** What is the case. */
  readonly now: string;
  readonly verdicts: Verdicts;
};

export function decideScaling(
  settings: ScalingSettings,
  scene: Scene,
  signals: Signals | Unknown,
  memory: ScalingMemory,
  needs: Needs,
): ScalingDecision {
  const limits: Limits = { min: settings.min, max: settings.max, partitions: scene.partitions };
  const current = memory.replicas;
  const stays = (now: string, rest: Partial<ScalingDecision> = {}): ScalingDecision => ({
    replicas: current,
    memory,
    needs,
    sentence: null,
    now,
    verdicts: { limited: null, hot: null },
    ...rest,
  });
  if (scene.declared === 0)
    return stays(`${scene.declaredAs ?? 'spec.replicas'} is 0: nothing is scaled until it is not`, { needs: NO_NEEDS });
  const bounded = current === 0 ? 0 : within(current, limits);
  if (bounded !== current) {
    const sentence = say.bounds(current, bounded, settings);
    return stays(sentence, { replicas: bounded, sentence, memory: { ...memory, replicas: bounded, trial: null } });
  }
  if (scene.settled !== true) return stays(`${say.stay(current)}: ${scene.settled}`, { needs: NO_NEEDS });
  // A3
  const unknown = signals.kind === 'unknown' ? signals.why : isSound(signals) ? null : NO_NUMBERS;
  if (signals.kind === 'unknown' || unknown !== null)
    return stays(`${say.stay(current)}: ${unknown}`, { needs: { ...needs, quietSinceMs: null } });
  return decideKnown({ settings, scene, signals, memory, needs, limits });
}

type Known = {
  readonly settings: ScalingSettings;
  readonly scene: Scene;
  readonly signals: Signals;
  readonly memory: ScalingMemory;
  readonly needs: Needs;
  readonly limits: Limits;
};

function decideKnown(known: Known): ScalingDecision {
  const { settings, signals, memory: before, limits } = known;
  const memory: ScalingMemory = { ...before, perWorkerPerS: signals.perWorkerPerS ?? before.perWorkerPerS };
  const { must, want } = needOf(settings, asBeforeTrial(signals, before.trial), limits);
  const isLate = signals.lagS * 1000 > settings.targetLagMs;
  const needs = remember(known, { size: want, must, isLate });
  const arithmetic = say.arithmetic(signals, settings);
  const at: Step = { ...known, memory, needs, must, want, isLate, arithmetic };
  const turned = wakeOrSleep(at);
  const step = turned ?? (memory.replicas === 0 ? null : (judgeTrial(at) ?? out(at) ?? inward(at)));
  const next = step ?? { replicas: memory.replicas, sentence: null, memory: settledTrial(at) };
  return {
    replicas: next.replicas,
    memory: { ...next.memory, replicas: next.replicas },
    needs,
    sentence: next.sentence,
    now: next.sentence ?? say.stays(next.replicas, want, arithmetic),
    verdicts: { limited: limitOf({ ...at, memory: next.memory }, next.replicas), hot: hotTask(at) },
  };
}

type Step = Known & {
  readonly must: number;
  readonly want: number;
  readonly isLate: boolean;
  readonly arithmetic: string;
};
type Stepped = { readonly replicas: number; readonly sentence: string; readonly memory: ScalingMemory };

/** While workers that were added have not shown what they do, an event costs what it did before: where they only crowd each other
 *  it costs more the more there are. */
function asBeforeTrial(signals: Signals, trial: Trial | null): Signals {
  const { perWorkerPerS } = signals;
  if (trial === null || perWorkerPerS === null || trial.perWorkerPerS <= perWorkerPerS) return signals;
  const part = perWorkerPerS / trial.perWorkerPerS;
  return { ...signals, offeredWork: signals.offeredWork * part, backlogWorkS: signals.backlogWorkS * part };
}

/** A1. */
function needOf(settings: ScalingSettings, signals: Signals, limits: Limits): { must: number; want: number } {
  const { offeredWork, backlogWorkS, shares } = signals;
  const catchUpS = settings.catchUpMs / 1000;
  // Work of a backlog beyond so many seconds of what comes; never so much off that more load would need less.
  const beyond = (seconds: number): number => Math.max(0, backlogWorkS - Math.min(seconds, catchUpS) * offeredWork) / catchUpS;
  const planned = offeredWork / settings.utilization + beyond(FLOWING_S);
  const pressing = offeredWork / Math.max(BUSY_MAX, settings.utilization) + beyond((BACKLOG_FROM * settings.targetLagMs) / 1000);
  return { must: sizeFor(pressing, shares, limits), want: sizeFor(planned, shares, limits, BUSY_MAX / settings.utilization) };
}

type Need = Pick<Step, 'must' | 'isLate'> & { readonly size: number };

function remember({ settings, scene, signals, needs }: Known, { size, must, isLate }: Need): Needs {
  const { nowMs } = scene;
  const keptMs = Math.max(settings.in.stabilizationMs, settings.out.stabilizationMs);
  const isQuiet = signals.offeredPerS === 0 && signals.backlogEvents === 0;
  // A3: needs that were not looked at meanwhile say nothing of the time between.
  const isWhole = nowMs - (needs.sizes.at(-1)?.atMs ?? nowMs) <= GAP_MAX_MS;
  const sizes = isWhole ? [...needs.sizes] : [];
  const [last, before] = [sizes.at(-1), sizes.at(-2)];
  // A long window keeps no more than some hundred needs: of several the most.
  const isClose = last !== undefined && before !== undefined && last.atMs - before.atMs < keptMs / NEEDS_MAX;
  if (isClose) sizes.pop();
  const merged = isClose ? last : { size: 0, must: 0 };
  sizes.push({ atMs: nowMs, size: Math.max(size, merged.size), must: Math.max(must, merged.must) });
  // One that is older than the window stays: it says that the window is full.
  while ((sizes[1]?.atMs ?? nowMs) <= nowMs - keptMs) sizes.shift();
  return {
    sizes,
    quietSinceMs: isQuiet ? (needs.quietSinceMs ?? nowMs) : null,
    busySize: isQuiet ? needs.busySize : size,
    lagsSinceMs: isLate ? (needs.lagsSinceMs ?? nowMs) : null,
  };
}

function wakeOrSleep({ settings, scene, signals, memory, needs, limits, isLate }: Step): Stepped | null {
  const { nowMs } = scene;
  if (memory.replicas === 0) {
    if (signals.backlogEvents <= 0 && settings.idleMs !== null) return null;
    const work = signals.backlogWorkS / (settings.catchUpMs / 1000);
    const replicas = Math.max(sizeFor(work, [], limits), within(memory.wakeTo, limits));
    return { replicas, sentence: say.wake(replicas, signals), memory: { ...memory, outMs: nowMs, trial: null } };
  }
  if (settings.idleMs === null || needs.quietSinceMs === null || isLate || signals.takenEver === 0) return null;
  if (nowMs - needs.quietSinceMs < settings.idleMs || nowMs - memory.outMs < settings.idleMs) return null;
  return {
    replicas: 0,
    sentence: say.sleep(memory.replicas, settings.idleMs),
    memory: { ...memory, inMs: nowMs, trial: null, wakeTo: needs.busySize },
  };
}

/** `gained`: enough of the throughput that was expected of them, as factors, came. */
type Shown = { readonly helps: boolean; readonly gained: boolean; readonly gain: number; readonly expected: number };

/** A4. What workers that were added have shown by now; null: it is too early to say, or nothing is on trial. */
function shown({ scene, signals, memory, isLate }: Step): Shown | null {
  const { trial } = memory;
  if (trial === null) return null;
  const { nowMs, ready } = scene;
  const isDue = nowMs - trial.sinceMs > (ready >= memory.replicas ? TRIAL_MS : TRIAL_MAX_MS);
  if (!isDue || ready <= trial.from) return null;
  const expected = Math.min(Math.min(ready, memory.replicas) / trial.from, signals.forecastPerS / trial.perS);
  const gain = signals.throughPerS / trial.perS;
  const gained = gain >= 1 + GAIN_MIN * (expected - 1);
  return { helps: !isLate || expected < EXPECTED_MIN || gained, gained, gain, expected };
}

function judgeTrial(step: Step): Stepped | null {
  const { scene, signals, memory, settings } = step;
  const judged = shown(step);
  if (memory.trial === null || judged === null || judged.helps) return null;
  const times = (memory.hold?.times ?? 0) + 1;
  const holdMs = doublingMs(times, { firstMs: HOLD_MS, maxMs: HOLD_MAX_MS });
  const back = Math.max(memory.trial.from, settings.min);
  const sentence = say.revert({ from: memory.replicas, back, ...judged, holdMs, signals });
  const hold = { untilMs: scene.nowMs + holdMs, times, why: sentence };
  return { replicas: back, sentence, memory: { ...memory, inMs: scene.nowMs, trial: null, hold } };
}

/** What stays to be remembered of a trial. */
function settledTrial(step: Step): ScalingMemory {
  const { memory } = step;
  const judged = shown(step);
  if (judged === null || !judged.helps) return memory;
  return { ...memory, trial: null, hold: judged.gained ? null : memory.hold };
}

function out({ settings, scene, signals, memory, needs, arithmetic }: Step): Stepped | null {
  const { nowMs } = scene;
  const current = memory.replicas;
  const lasting = windowOf(needs, nowMs, settings.out.stabilizationMs);
  if (lasting === null) return null;
  const must = Math.min(...lasting.map((need) => need.must));
  const want = Math.min(...lasting.map((need) => need.size));
  if (must <= current || want <= current || (memory.hold !== null && nowMs < memory.hold.untilMs)) return null;
  // A5: what was added first is to show what it does.
  if (memory.trial !== null && nowMs - memory.trial.sinceMs > GROWING_MS) return null;
  const allowed = changeMax(settings.out, current, Math.ceil);
  if (allowed < Infinity && nowMs - memory.outMs < settings.out.periodMs) return null;
  // What did not help before is tried again carefully.
  const careful = memory.hold === null ? Infinity : 2 * (memory.trial?.from ?? current);
  const replicas = Math.min(want, current + allowed, careful);
  if (replicas <= current) return null;
  const able = (signals.perWorkerPerS ?? 0) * current * BUSY_MAX;
  const trial = memory.trial ?? {
    from: current,
    sinceMs: nowMs,
    perS: Math.max(1, signals.throughPerS, able),
    perWorkerPerS: signals.perWorkerPerS ?? 0,
  };
  const sentence = say.change(current, replicas, arithmetic) + (replicas < want ? say.fewer(want, memory.hold !== null) : '');
  return { replicas, sentence, memory: { ...memory, outMs: nowMs, trial } };
}

/** A2. */
function inward({ settings, scene, signals, memory, needs, isLate, arithmetic }: Step): Stepped | null {
  const { nowMs, ready } = scene;
  const current = memory.replicas;
  const { stabilizationMs, periodMs } = settings.in;
  const window = windowOf(needs, nowMs, stabilizationMs);
  if (window === null || isLate || ready !== current) return null;
  const isCalm = signals.busy < settings.utilization && signals.busyMax < BUSY_MAX;
  const sinceOutMs = nowMs - memory.outMs;
  if (!isCalm || sinceOutMs < Math.min(AFTER_OUT_MS, stabilizationMs) || nowMs - memory.inMs < periodMs) return null;
  const most = Math.max(...window.map(({ size }) => size));
  if (current - most < Math.max(1, Math.floor(current * CHANGE_MIN))) return null;
  const replicas = Math.max(most, current - changeMax(settings.in, current, Math.floor), settings.min);
  if (replicas >= current) return null;
  const sentence = say.inward({ from: current, to: replicas, most, windowMs: stabilizationMs, arithmetic });
  return { replicas, sentence, memory: { ...memory, inMs: nowMs, trial: null } };
}

/** By how many workers it may change at once: by the larger of both limits, and by one always. Infinity: it is not limited. */
function changeMax({ pods, percent }: Pace, current: number, round: (share: number) => number): number {
  if (pods === null && percent === null) return Infinity;
  return Math.max(pods ?? 0, round((current * (percent ?? 0)) / 100), 1);
}

/** Needs of the last `spanMs`; null: they were not looked at for so long. */
function windowOf({ sizes }: Needs, nowMs: number, spanMs: number): Needs['sizes'] | null {
  if (nowMs - (sizes[0]?.atMs ?? nowMs) < spanMs * WINDOW_FULL) return null;
  return sizes.filter(({ atMs }) => atMs >= nowMs - spanMs);
}

/** It lags, and one task would keep a worker busy all by itself. */
function hotTask({ settings, scene, signals, needs }: Step): string | null {
  const [first, second] = signals.shares;
  if (first === undefined || second === undefined || !lagsLong(scene, needs)) return null;
  return signals.offeredWork * first.share > BUSY_MAX ? say.hot(first.task, signals, settings.hotKeys) : null;
}

function lagsLong({ nowMs }: Scene, { lagsSinceMs }: Needs): boolean {
  return lagsSinceMs !== null && nowMs - lagsSinceMs >= LIMITED_MS;
}

function limitOf({ settings, scene, signals, memory, needs, want, isLate, arithmetic }: Step, replicas: number): Verdicts['limited'] {
  const { nowMs, ready, podProblem } = scene;
  const { hold } = memory;
  if (hold !== null && nowMs < hold.untilMs) return { reason: 'Ineffective', message: hold.why };
  if (ready < replicas && podProblem !== null && isLate)
    return { reason: 'PodsNotStarting', message: `${ready} of ${say.workers(replicas)} run: ${podProblem}` };
  if (!lagsLong(scene, needs) || replicas === 0) return null;
  if (replicas >= Math.min(settings.max, scene.partitions) && signals.busy > settings.utilization)
    return { reason: 'AtMaximum', message: say.atMaximum(replicas, settings, scene.partitions, arithmetic) };
  if (want <= replicas && signals.busy < settings.utilization && ready >= replicas)
    return { reason: 'WaitsElsewhere', message: say.elsewhere(replicas, signals) };
  return null;
}
