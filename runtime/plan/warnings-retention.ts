// Windows that reach further than what is kept for them: keys end before their windows do.

import type { StageSpec } from '../../crds/stream-job/spec.ts';
import { parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';

export function warnRetention(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec, path }) => [...warnQuietKeys(spec, [...path, 'window']), ...warnEarly(spec, [...path, 'window'])]);
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

function isWithin(time: string, kept: string): boolean {
  return parseDuration(time) <= parseDuration(kept);
}
