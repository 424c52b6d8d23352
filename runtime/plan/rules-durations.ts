// Rules on declared durations: none is longer than can be counted, and none is zero where nothing would ever be in it.

import type { JoinSpec } from '../../crds/stream-job/joins.ts';
import type { EventTimeSpec } from '../../crds/stream-job/events.ts';
import type { SourceSpec } from '../../crds/stream-job/sources.ts';
import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import type { LookupSpec } from '../../crds/stream-job/lookup.ts';
import type { MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import type { StageSpec, StreamJob } from '../../crds/stream-job/spec.ts';
import { formatDuration, isDuration, parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { DURATION_MS_MAX } from '../base/limits.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { actionsOf, eachState } from './machine-walk.ts';
import { placedSteps } from './pattern-walk.ts';

type Placed = { readonly text: string | undefined; readonly path: readonly PathPart[]; readonly mayBeZero: boolean };

export function checkDurations(job: StreamJob): readonly Issue[] {
  const { sources, tables, stages, scaling, pools } = job.spec;
  const placed: readonly Placed[] = [
    ...sources.flatMap((spec, i) => inSource(spec).map((each) => ({ ...each, path: ['spec', 'sources', i, ...each.path] }))),
    ...tables.flatMap(({ validFor, keepFor }, i) => [
      { text: validFor, path: ['spec', 'tables', i, 'validFor'], mayBeZero: false },
      { text: keepFor, path: ['spec', 'tables', i, 'keepFor'], mayBeZero: true },
    ]),
    ...stages.flatMap((spec, i) => inStage(spec).map((each) => ({ ...each, path: ['spec', 'stages', i, ...each.path] }))),
    ...inScaling(scaling).map((each) => ({ ...each, path: ['spec', 'scaling', ...each.path] })),
    ...pools.flatMap((pool, i) =>
      inScaling(pool.scaling).map((each) => ({ ...each, path: ['spec', 'pools', i, 'scaling', ...each.path] })),
    ),
  ];
  return placed.flatMap(check);
}

function inSource({ eventTime, idle, alignment }: SourceSpec): readonly Placed[] {
  return [
    ...inEventTime(eventTime),
    { text: idle?.after, path: ['idle', 'after'], mayBeZero: false },
    { text: idle?.closeAfter, path: ['idle', 'closeAfter'], mayBeZero: false },
    { text: alignment?.maxDrift, path: ['alignment', 'maxDrift'], mayBeZero: false },
  ];
}

function inEventTime(eventTime: EventTimeSpec | undefined): readonly Placed[] {
  return [
    { text: eventTime?.maxOutOfOrder, path: ['eventTime', 'maxOutOfOrder'], mayBeZero: true },
    { text: eventTime?.maxAhead, path: ['eventTime', 'maxAhead'], mayBeZero: true },
  ];
}

function inStage({
  eventTime,
  processingTime,
  window,
  dedupe,
  join,
  machine,
  pattern,
  onError,
  lookup,
  state,
}: StageSpec): readonly Placed[] {
  const { tumbling, sliding, session } = window ?? {};
  return [
    ...inEventTime(eventTime),
    { text: processingTime?.missedAfter, path: ['processingTime', 'missedAfter'], mayBeZero: true },
    { text: tumbling?.size, path: ['window', 'tumbling', 'size'], mayBeZero: false },
    { text: sliding?.size, path: ['window', 'sliding', 'size'], mayBeZero: false },
    { text: sliding?.every, path: ['window', 'sliding', 'every'], mayBeZero: false },
    { text: session?.gap, path: ['window', 'session', 'gap'], mayBeZero: false },
    { text: window?.count?.orAfter, path: ['window', 'count', 'orAfter'], mayBeZero: false },
    { text: window?.allowedLateness, path: ['window', 'allowedLateness'], mayBeZero: false },
    { text: window?.keyWatermark?.maxOutOfOrder, path: ['window', 'keyWatermark', 'maxOutOfOrder'], mayBeZero: true },
    { text: window?.keyWatermark?.closeAfter, path: ['window', 'keyWatermark', 'closeAfter'], mayBeZero: false },
    ...(window?.early ?? []).flatMap(({ every, processingTime }, i) => [
      { text: every, path: ['window', 'early', i, 'every'], mayBeZero: false },
      { text: processingTime, path: ['window', 'early', i, 'processingTime'], mayBeZero: false },
    ]),
    { text: onError?.backoff, path: ['onError', 'backoff'], mayBeZero: true },
    { text: onError?.backoffMax, path: ['onError', 'backoffMax'], mayBeZero: true },
    { text: state?.ttl, path: ['state', 'ttl'], mayBeZero: false },
    { text: dedupe?.ttl, path: ['dedupe', 'ttl'], mayBeZero: false },
    ...(join === undefined ? [] : inJoin(join)),
    ...(lookup === undefined ? [] : inLookup(lookup)),
    { text: pattern?.within, path: ['pattern', 'within'], mayBeZero: false },
    ...(pattern === undefined ? [] : placedSteps(pattern)).map(({ step, path }) => ({
      text: step.within,
      path: ['pattern', ...path, 'within'],
      mayBeZero: false,
    })),
    ...(machine === undefined ? [] : inMachine(machine)),
  ];
}

function inJoin({ within, window, temporal }: JoinSpec): readonly Placed[] {
  return [
    { text: within, path: ['join', 'within'], mayBeZero: true },
    { text: window?.tumbling?.size, path: ['join', 'window', 'tumbling', 'size'], mayBeZero: false },
    { text: window?.sliding?.size, path: ['join', 'window', 'sliding', 'size'], mayBeZero: false },
    { text: window?.sliding?.every, path: ['join', 'window', 'sliding', 'every'], mayBeZero: false },
    { text: temporal?.grace, path: ['join', 'temporal', 'grace'], mayBeZero: true },
    { text: temporal?.validFor, path: ['join', 'temporal', 'validFor'], mayBeZero: false },
  ];
}

function inLookup({ timeout, backoff, backoffMax, cache, breaker }: LookupSpec): readonly Placed[] {
  return [
    { text: timeout, path: ['lookup', 'timeout'], mayBeZero: false },
    { text: backoff, path: ['lookup', 'backoff'], mayBeZero: true },
    { text: backoffMax, path: ['lookup', 'backoffMax'], mayBeZero: true },
    { text: cache?.ttl, path: ['lookup', 'cache', 'ttl'], mayBeZero: false },
    { text: breaker?.openFor, path: ['lookup', 'breaker', 'openFor'], mayBeZero: false },
  ];
}

/** A lag of none cannot be held: some event is always under way. */
function inScaling({ targetLag, catchUp, idle, behavior: { scaleUp, scaleDown } }: ScalingSpec): readonly Placed[] {
  return [
    { text: targetLag, path: ['targetLag'], mayBeZero: false },
    { text: catchUp, path: ['catchUp'], mayBeZero: true },
    { text: idle, path: ['idle'], mayBeZero: false },
    ...Object.entries({ scaleUp, scaleDown }).flatMap(([direction, { stabilization, period }]) =>
      Object.entries({ stabilization, period }).map(([field, text]) => ({ text, path: ['behavior', direction, field], mayBeZero: true })),
    ),
  ];
}

function inMachine(machine: MachineSpec): readonly Placed[] {
  const placed: Placed[] = [];
  eachState(machine as MachineState, (state, _keys, at) => {
    for (const delay of Object.keys(state.after ?? {}))
      placed.push({ text: delay, path: ['machine', ...at, 'after', delay], mayBeZero: true });
    for (const { action, path } of actionsOf(state)) {
      for (const name of ['raise', 'sendTo'] as const) {
        const delay = action[name]?.delay;
        // A delay may be an expression too: then only its value is known, while the job runs.
        if (typeof delay === 'string' && isDuration(delay))
          placed.push({ text: delay, path: ['machine', ...at, ...path, name, 'delay'], mayBeZero: true });
      }
    }
  });
  return placed;
}

function check({ text, path, mayBeZero }: Placed): readonly Issue[] {
  if (text === undefined) return [];
  const ms = parseDuration(text);
  if (ms > DURATION_MS_MAX)
    return [
      { path: formatPath(path), message: `${text} is longer than ${formatDuration(DURATION_MS_MAX)}`, fix: 'take a shorter duration' },
    ];
  return ms > 0 || mayBeZero ? [] : [{ path: formatPath(path), message: `${text} is no time at all`, fix: 'at least 1ms' }];
}
