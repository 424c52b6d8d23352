// Rules on the windows of a stage: their kind, their bounds, and the results that come of them before and after their end.

import type { StageSpec } from '../../crds/stream-job/spec.ts';
import type { WindowSpec } from '../../crds/stream-job/window.ts';
import { formatDuration, parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { greatestCommonDivisor } from '../base/greatest-common-divisor.ts';
import { COUNT_PIECES_MAX, EARLY_WINDOWS_PER_EVENT_MAX, WINDOWS_PER_EVENT_MAX } from '../base/limits.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import type { StageElement } from './job-graph.ts';
import { hasPanes } from './stage-verbs.ts';
import { checkSteps } from './window-steps.ts';

const WINDOW_KINDS = ['tumbling', 'sliding', 'session', 'count', 'global'] as const satisfies readonly (keyof NonNullable<
  StageSpec['window']
>)[];

export function checkWindow({ spec, path }: StageElement): readonly Issue[] {
  if (spec.window === undefined) return [];
  const at = [...path, 'window'];
  const kinds = WINDOW_KINDS.filter((kind) => spec.window?.[kind] !== undefined);
  const issues: Issue[] = [];
  if (spec.aggregate === undefined)
    issues.push({
      path: formatPath(path),
      message: `window of stage "${spec.name}" has no aggregate`,
      fix: 'aggregate: { count: { count: {} } }',
    });
  if (kinds.length !== 1) {
    const has = kinds.length === 0 ? 'has no kind' : `has ${kinds.length} kinds: ${kinds.join(', ')}`;
    issues.push({ path: formatPath(at), message: `the window ${has}`, fix: `exactly one of ${WINDOW_KINDS.join(', ')}` });
  }
  const { tumbling, sliding, count } = spec.window;
  if (count !== undefined) issues.push(...checkCount([...at, 'count'], spec.window, count));
  issues.push(...checkPanes(at, spec.name, spec.window));
  issues.push(...checkSteps(at, { tumbling, sliding }), ...checkKeyWatermark(at, spec));
  return issues;
}

function checkKeyWatermark(at: readonly PathPart[], { window = {}, processingTime, name }: StageSpec): readonly Issue[] {
  if (window.keyWatermark === undefined) return [];
  const path = formatPath([...at, 'keyWatermark']);
  if (processingTime !== undefined)
    return [{ path, message: `by the clock no window of stage "${name}" waits for events`, fix: 'remove keyWatermark, or processingTime' }];
  const { count, global, early, allowedLateness } = window;
  const others = Object.entries({ count, global, early, allowedLateness }).flatMap(([other, value]) =>
    value === undefined ? [] : [other],
  );
  return others.map((other) => ({
    path,
    message: `windows of stage "${name}" that go by the watermark of their key have one result, at an end in time: ${other} says nothing of them`,
    fix: other === 'allowedLateness' ? 'more maxOutOfOrder instead' : `remove ${other}, or keyWatermark`,
  }));
}

function checkCount(
  at: readonly PathPart[],
  { early, allowedLateness, accumulation }: WindowSpec,
  { size, every = size, orAfter }: NonNullable<WindowSpec['count']>,
): readonly Issue[] {
  const issues: Issue[] = [];
  const add = (path: readonly PathPart[], message: string, fix: string): void => void issues.push({ path: formatPath(path), message, fix });
  const over = (Object.entries({ early, allowedLateness, accumulation }) as [string, unknown][]).filter(([, value]) => value !== undefined);
  for (const [name] of over)
    add([...at.slice(0, -1), name], `a window by count has one result, when it is full: ${name} says nothing of it`, 'remove it');
  if (every > size)
    add(
      [...at, 'every'],
      `every ${every} is more than the window's size ${size}: events between windows would count nowhere`,
      `at most ${size}`,
    );
  else if (orAfter !== undefined && every < size)
    add(
      [...at, 'orAfter'],
      'windows that overlap have no time bound: their next result has the same events anyway',
      'remove orAfter or every',
    );
  const pieces = size / greatestCommonDivisor(size, every);
  if (every <= size && pieces > COUNT_PIECES_MAX)
    add(
      [...at, 'every'],
      `a window of ${size} every ${every} events is put together of ${pieces} pieces, at most ${COUNT_PIECES_MAX} are possible`,
      `a divisor of ${size} that is at least ${Math.ceil(size / COUNT_PIECES_MAX)}`,
    );
  return issues;
}

/** What comes of a window beside its result at the end. */
function checkPanes(at: readonly PathPart[], stage: string, window: WindowSpec): readonly Issue[] {
  const { global, count: byCount, early, allowedLateness, accumulation } = window;
  if (byCount !== undefined) return []; // said by checkCount
  const issues: Issue[] = [];
  const add = (path: readonly PathPart[], message: string, fix: string): void =>
    void issues.push({ path: formatPath([...at, ...path]), message, fix });
  if (accumulation !== undefined && allowedLateness === undefined && early === undefined && global === undefined)
    add(
      ['accumulation'],
      `a window of stage "${stage}" that has one result, at its end, has nothing to be ${accumulation}`,
      'add early or allowedLateness, or remove accumulation',
    );
  if (global !== undefined && early === undefined)
    add(
      ['global'],
      `the global window of stage "${stage}" ends with the input only, and nothing says when its results come`,
      'early: [{ count: 100 }], or every, processingTime or when',
    );
  if (global !== undefined && allowedLateness !== undefined)
    add(['allowedLateness'], 'the global window has no end after which an event could be late', 'remove allowedLateness');
  early?.forEach(({ every, processingTime, count, when }, i) => {
    if ([every, processingTime, count, when].every((said) => said === undefined))
      add(['early', i], 'the trigger says nothing that could hold', 'at least one of every, processingTime, count, when');
    const size = window.tumbling?.size ?? window.sliding?.size;
    if (every !== undefined && size !== undefined && parseDuration(every) > 0 && parseDuration(every) >= parseDuration(size))
      add(['early', i, 'every'], `every ${every} is not shorter than the window's size ${size}: nothing would come early`, `below ${size}`);
  });
  return [...issues, ...checkOverlap(at, window)];
}

/** Each event is written into each of its windows where those have results of their own. */
function checkOverlap(at: readonly PathPart[], window: WindowSpec): readonly Issue[] {
  const why = hasPanes(window) ? 'early or discarding results' : window.keyWatermark === undefined ? null : 'keyWatermark';
  if (window.sliding === undefined || why === null) return [];
  const { size, every } = window.sliding;
  const windows = Math.ceil(parseDuration(size) / parseDuration(every));
  if (parseDuration(every) === 0 || windows <= EARLY_WINDOWS_PER_EVENT_MAX || windows > WINDOWS_PER_EVENT_MAX) return [];
  return [
    {
      path: formatPath([...at, 'sliding', 'every']),
      message: `each event would be in ${windows} windows, and with ${why} at most ${EARLY_WINDOWS_PER_EVENT_MAX} are possible`,
      fix: `at least ${formatDuration(Math.ceil(parseDuration(size) / EARLY_WINDOWS_PER_EVENT_MAX))}`,
    },
  ];
}
