// Rules on joins: one bound, and what goes with it.

import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import type { StageElement } from './job-graph.ts';
import { checkSteps } from './window-steps.ts';

const BOUNDS = ['within', 'window', 'temporal', 'table'] as const;

export function checkJoin({ spec: { name, join }, path }: StageElement): readonly Issue[] {
  if (join === undefined) return [];
  const at = [...path, 'join'];
  const given = BOUNDS.filter((bound) => join[bound] !== undefined);
  if (given.length === 0)
    return [
      {
        path: formatPath(at),
        message: `the join of stage "${name}" has no bound: both sides would be kept for ever`,
        fix: "within: 10m for events whose times are near, window for events of one window, temporal for the row that was valid at an event's time, or table for the newest rows of both",
      },
    ];
  if (given.length > 1)
    return [
      {
        path: formatPath(at),
        message: `the join of stage "${name}" has ${given.join(' and ')}`,
        fix: `exactly one of ${BOUNDS.join(', ')}`,
      },
    ];
  const issues: Issue[] = [];
  const { window, temporal, type } = join;
  if (temporal !== undefined && type !== 'inner' && type !== 'left')
    issues.push({
      path: formatPath([...at, 'type']),
      message: `a temporal join can't be ${type}: rows of "${join.with}" wait for events, none of them is ever without a match`,
      fix: 'inner, or left for events without a row',
    });
  if (window !== undefined) {
    const kinds = (['tumbling', 'sliding'] as const).filter((kind) => window[kind] !== undefined);
    const has = kinds.length === 0 ? 'has no kind' : 'has two kinds';
    if (kinds.length !== 1)
      issues.push({
        path: formatPath([...at, 'window']),
        message: `the window of the join ${has}`,
        fix: 'exactly one of tumbling, sliding',
      });
    issues.push(...checkSteps([...at, 'window'], window));
  }
  return issues;
}
