// Rules on how long state is kept.

import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import type { StageElement } from './job-graph.ts';

export function checkState({ spec, path }: StageElement): readonly Issue[] {
  const { state, reduce, machine, xstate, aggregate, window } = spec;
  const keeps = reduce ?? machine ?? xstate ?? (window === undefined ? aggregate : undefined);
  if (state === undefined || keeps !== undefined) return [];
  return [
    {
      path: formatPath([...path, 'state']),
      message: `stage "${spec.name}" has no state that could expire`,
      fix: 'state goes with reduce, machine and aggregate without a window; windows, dedupe, joins and patterns forget by themselves',
    },
  ];
}
