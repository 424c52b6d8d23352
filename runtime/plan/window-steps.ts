// Rules on where tumbling and sliding windows begin.

import type { WindowSpec } from '../../crds/stream-job/window.ts';
import { formatDuration, parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { WINDOWS_PER_EVENT_MAX } from '../base/limits.ts';
import { formatPath, type PathPart } from '../base/path.ts';

/** `at`: path of the window. */
export function checkSteps(at: readonly PathPart[], { tumbling, sliding }: Pick<WindowSpec, 'tumbling' | 'sliding'>): readonly Issue[] {
  const issues: Issue[] = [];
  if (tumbling !== undefined)
    issues.push(...checkOffset([...at, 'tumbling'], { offset: tumbling.offset, every: tumbling.size, everyName: 'size' }));
  if (sliding !== undefined)
    issues.push(
      ...checkSliding([...at, 'sliding'], sliding),
      ...checkOffset([...at, 'sliding'], { offset: sliding.offset, every: sliding.every, everyName: 'every' }),
    );
  return issues;
}

function checkSliding(at: readonly PathPart[], { size, every }: { readonly size: string; readonly every: string }): readonly Issue[] {
  const sizeMs = parseDuration(size);
  const everyMs = parseDuration(every);
  if (everyMs === 0 || sizeMs === 0) return []; // said by rules-durations
  if (everyMs > sizeMs)
    return [
      {
        path: formatPath([...at, 'every']),
        message: `every ${every} is longer than the window's size ${size}: events between windows would count nowhere`,
        fix: `at most ${size}`,
      },
    ];
  if (sizeMs / everyMs <= WINDOWS_PER_EVENT_MAX) return [];
  return [
    {
      path: formatPath([...at, 'every']),
      message: `each event would be in ${Math.ceil(sizeMs / everyMs)} windows, at most ${WINDOWS_PER_EVENT_MAX} are possible`,
      fix: `at least ${formatDuration(Math.ceil(sizeMs / WINDOWS_PER_EVENT_MAX))}`,
    },
  ];
}

function checkOffset(
  at: readonly PathPart[],
  { offset, every, everyName }: { readonly offset: string | undefined; readonly every: string; readonly everyName: string },
): readonly Issue[] {
  if (offset === undefined || parseDuration(offset) < parseDuration(every)) return [];
  return [
    {
      path: formatPath([...at, 'offset']),
      message: `the offset ${offset} is not smaller than ${everyName} ${every}`,
      fix: 'it shifts the start of windows within one step',
    },
  ];
}
