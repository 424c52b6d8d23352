// What scaling says: every decision with the numbers that it was made from. Pure. Short: a status keeps the last ones.

import { formatDuration } from '../../runtime/base/duration.ts';
import { counted } from '../../runtime/base/quantity.ts';
import type { Signals } from './evaluate.ts';
import type { ScalingSettings } from './settings.ts';

export function workers(count: number): string {
  return counted(count, 'worker');
}

export function stay(count: number): string {
  return `${workers(count)} ${count === 1 ? 'stays' : 'stay'}`;
}

/** Three digits that count: `12.1k`. */
export function amount(value: number): string {
  const units = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const [size, unit] = units.find(([least]) => value >= least * 0.9995) ?? [1, ''];
  return `${Number((value / size).toPrecision(3))}${unit}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function seconds(value: number): string {
  return value < 10 ? `${Number(value.toFixed(1))}s` : formatDuration(Math.round(value) * 1000);
}

/** What comes, what a worker does, what waits. */
export function arithmetic({ forecastPerS, offeredPerS, perWorkerPerS, backlogEvents, lagS }: Signals, settings: ScalingSettings): string {
  const grows = forecastPerS > offeredPerS * 1.01 ? ` (reckoned with ${amount(forecastPerS)}/s)` : '';
  const does =
    perWorkerPerS === null
      ? 'what a worker does is not known yet'
      : `a worker does ${amount(perWorkerPerS)}/s, planned at ${percent(settings.utilization)}`;
  const waits =
    backlogEvents >= 1 ? `; ${amount(backlogEvents)} wait (${seconds(lagS)}), to clear in ${formatDuration(settings.catchUpMs)}` : '';
  return `${amount(offeredPerS)} events/s come${grows}, ${does}${waits}`;
}

export function change(from: number, to: number, why: string): string {
  return `workers ${from} → ${to}: ${why}`;
}

/** Why it is not as many as are needed. */
export function fewer(want: number, isRetry: boolean): string {
  return isRetry ? `; ${want} are needed, but more did not help before` : `; ${want} are needed, behavior.scaleUp allows no more at once`;
}

export function stays(current: number, want: number, why: string): string {
  if (current === 0) return 'no worker runs: no event waits';
  return `${stay(current)}, ${want} ${want === 1 ? 'is' : 'are'} needed: ${why}`;
}

export function inward(of: {
  readonly from: number;
  readonly to: number;
  readonly most: number;
  readonly windowMs: number;
  readonly arithmetic: string;
}): string {
  return change(of.from, of.to, `at most ${of.most} needed for ${formatDuration(of.windowMs)}; ${of.arithmetic}`);
}

export function bounds(from: number, to: number, { min, max }: ScalingSettings): string {
  const why = to < from ? (to === max ? `scaling.max is ${max}` : `the widest stage has ${to} partitions`) : `scaling.min is ${min}`;
  return change(from, to, why);
}

export function sleep(from: number, idleMs: number): string {
  return change(from, 0, `no event came for ${formatDuration(idleMs)}; the next one wakes it`);
}

export function wake(to: number, { backlogEvents }: Signals): string {
  return change(0, to, backlogEvents >= 1 ? `${amount(backlogEvents)} events wait` : 'scaling.idle is not set any more');
}

export function revert(of: {
  readonly from: number;
  readonly back: number;
  readonly gain: number;
  readonly expected: number;
  readonly holdMs: number;
  readonly signals: Signals;
}): string {
  const { from, back, gain, expected, holdMs, signals } = of;
  const did = `${from} did ${Number(gain.toFixed(2))} times what ${back} did, ${Number(expected.toFixed(1))} times was expected`;
  return change(
    from,
    back,
    `${did}; workers are busy ${percent(signals.busy)}, blocked ${percent(signals.blocked)}; not again for ${formatDuration(holdMs)}`,
  );
}

/** The share of the key is told roughly: what only flickers is not worth a write. */
export function hot(task: string, { offeredWork, shares, heavyKey }: Signals, hotKeys: ScalingSettings['hotKeys']): string {
  const own = Number((offeredWork * (shares[0]?.share ?? 0)).toPrecision(2));
  const why =
    heavyKey === undefined
      ? 'look for a key that most of its events have'
      : `about ${Math.round(heavyKey.share * 10) * 10} % of its events have ${hotKeys === 'Hide' ? 'one key (scaling.hotKeys is Hide)' : `the key ${JSON.stringify(heavyKey.key)}`}`;
  return `partition ${task} alone has the work of ${own} workers, and one does it: more do not help; ${why}`;
}

export function atMaximum(replicas: number, { max }: ScalingSettings, partitions: number, why: string): string {
  const bound = replicas >= max ? `scaling.max is ${max}` : `the widest stage has ${partitions} partitions`;
  const [are, theyAre] = replicas === 1 ? ['is', 'it is'] : ['are', 'they are'];
  return `${workers(replicas)} ${are} all that there may be (${bound}), and ${theyAre} not enough: ${why}`;
}

export function elsewhere(replicas: number, { lagS, busy, blocked }: Signals): string {
  return `it lags ${seconds(lagS)} with ${workers(replicas)} that are busy ${percent(busy)} and blocked ${percent(blocked)} of the time: they wait for commits or sinks, and more of them would too`;
}

export function recommended(sentence: string): string {
  return `recommended, not done (scaling.mode is Recommend): ${sentence}`;
}

export function notFollowed(before: number, declared: number, current: number, declaredAs = 'spec.replicas'): string {
  return `${declaredAs} went ${before} → ${declared}: not followed while scaling.mode is Apply; ${stay(current)}`;
}
