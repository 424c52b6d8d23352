// Windows that reach further than what is kept for them: keys end before their windows do.

import type { Code } from '../../crds/stream-job/code.ts';
import type { MachineState } from '../../crds/stream-job/machine.ts';
import type { StageSpec } from '../../crds/stream-job/spec.ts';
import { formatDuration, isDuration, parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';
import { stateAt } from './machine-targets.ts';
import { actionsOf, eachState } from './machine-walk.ts';
import { machineFormOf } from './own-machine.ts';

export function warnRetention(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec, path }) => [
    ...warnQuietKeys(spec, [...path, 'window']),
    ...warnEarly(spec, [...path, 'window']),
    ...warnTimers(spec, path),
  ]);
}

/** By the clock: where a key's events come faster than they happened, as from a device that was offline, nothing is wrong with it. */
function warnQuietKeys(
  { name, window: { keyWatermark, tumbling, sliding, session } = {} }: StageSpec,
  at: readonly PathPart[],
): readonly Issue[] {
  const size = tumbling?.size ?? sliding?.size ?? session?.gap;
  if (keyWatermark === undefined || size === undefined || isWithin(size, keyWatermark.closeAfter)) return [];
  const { closeAfter } = keyWatermark;
  const what = session === undefined ? "the window's size" : "the session's gap";
  return [
    {
      path: formatPath([...at, 'keyWatermark', 'closeAfter']),
      message: `closeAfter ${closeAfter} is below ${what} ${size}: a key of stage "${name}" that is quiet for ${closeAfter} by the clock is closed in mid-window, and its further events are late`,
      fix: `at least ${size}, unless the events of a key come in one go`,
    },
  ];
}

/** A key that expires gives its last result, so nothing is lost. */
function warnEarly({ state, window: { global, early = [] } = {} }: StageSpec, at: readonly PathPart[]): readonly Issue[] {
  if (global === undefined || state === undefined) return [];
  return early.flatMap((trigger, i) =>
    (['every', 'processingTime'] as const).flatMap((name): readonly Issue[] => {
      const time = trigger[name];
      if (time === undefined || isWithin(time, state.ttl)) return [];
      return [
        {
          path: formatPath([...at, 'early', i, name]),
          message: `${name} ${time} is above state.ttl ${state.ttl}: a key that is quiet for ${state.ttl} ends before, with its last result only`,
          fix: `at most ${state.ttl}, or a longer ttl, if quiet keys are to have early results`,
        },
      ];
    }),
  );
}

/** An actor goes with its timers. One that is due when its actor expires is gone, too: the end comes first. */
function warnTimers({ state, machine, xstate }: StageSpec, path: readonly PathPart[]): readonly Issue[] {
  const root = (machine as MachineState | undefined) ?? (xstate === undefined ? null : machineFormOf(xstate.machine));
  if (state === undefined || root === null) return [];
  const at = [...path, ...(machine === undefined ? ['xstate', 'machine'] : ['machine'])];
  const ttlMs = parseDuration(state.ttl);
  const issues: Issue[] = [];
  const check = (what: string, ms: number | null, place: readonly PathPart[]): void => {
    if (ms === null || ms < ttlMs) return;
    issues.push({
      path: formatPath([...at, ...place]),
      message: `${what} ${formatDuration(ms)} is not below state.ttl ${state.ttl}: the actor of a key that is quiet for ${state.ttl} is forgotten before, and this never happens`,
      fix: `below ${state.ttl}, or a longer ttl`,
    });
  };
  eachState(root, (one, keys, place) => {
    const upwards = [root, ...keys.map((_, i) => stateAt(root, keys.slice(0, i + 1)))];
    const delays = upwards.flatMap((each) => Object.keys(each?.after ?? {}).map(delayMs));
    const wakes = delays.some((ms) => ms !== null && ms < ttlMs); // a timer of its own keeps the actor for another ttl
    for (const delay of wakes ? [] : Object.keys(one.after ?? {})) check('after', delayMs(delay), [...place, 'after', delay]);
    for (const { action, path: where } of wakes ? [] : actionsOf(one)) {
      for (const verb of ['raise', 'sendTo'] as const)
        if (action[verb]?.delay !== undefined) check('delay', delayMs(action[verb].delay), [...place, ...where, verb, 'delay']);
    }
  });
  return issues;
}

/** null: it depends on the event, or on a name. XState's own are in ms. */
function delayMs(delay: Code): number | null {
  if (typeof delay !== 'string') return null;
  if (/^\d+$/.test(delay)) return Number(delay);
  return isDuration(delay) ? parseDuration(delay) : null;
}

function isWithin(time: string, kept: string): boolean {
  return parseDuration(time) <= parseDuration(kept);
}
