// Rules on how long state is kept.

import { parseDuration } from '../base/duration.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath } from '../base/path.ts';
import type { StageElement } from './job-graph.ts';

export function checkState(stage: StageElement): readonly Issue[] {
  return [...checkExpiry(stage), ...checkOutlived(stage), ...checkCells(stage), ...checkMigrations(stage)];
}

/** Functions that a kind of cell has. */
const FUNCTIONS = { value: [], list: [], map: [], reducing: ['reduce'], aggregating: ['init', 'add', 'result'] } as const;
const ALL = ['reduce', 'init', 'add', 'result'] as const;

function checkCells({ spec: { reduce }, path }: StageElement): readonly Issue[] {
  return Object.entries(reduce?.cells ?? {}).flatMap(([name, cell]) => {
    const needed: readonly string[] = FUNCTIONS[cell.kind];
    const wrong = ALL.filter((each) => (cell[each] === undefined) === needed.includes(each));
    if (wrong.length === 0) return [];
    const has = needed.length === 0 ? 'no function' : needed.join(', ');
    return [
      { path: formatPath([...path, 'reduce', 'cells', name]), message: `a ${cell.kind} cell has ${has}`, fix: `cell.${cell.kind}(…)` },
    ];
  });
}

function checkMigrations({ spec: { name, migrate = [], reduce, machine, xstate }, path }: StageElement): readonly Issue[] {
  if (migrate.length === 0) return [];
  if (reduce === undefined && machine === undefined && xstate === undefined)
    return [
      {
        path: formatPath([...path, 'migrate']),
        message: `state of stage "${name}" has no form that the job decides`,
        fix: 'migrate goes with reduce and machine',
      },
    ];
  return migrate.flatMap(({ from, to }, i) => {
    const before = migrate[i - 1];
    const at = formatPath([...path, 'migrate', i]);
    if (to <= from) return [{ path: at, message: `a migration leads from ${from} to ${to}`, fix: 'to a later version' }];
    if (before === undefined || before.to === from) return [];
    return [{ path: at, message: `the migration before leads to ${before.to}, and this one begins at ${from}`, fix: `from: ${before.to}` }];
  });
}

function checkExpiry({ spec, path }: StageElement): readonly Issue[] {
  const { state, reduce, machine, xstate, aggregate, window } = spec;
  const keeps = reduce ?? machine ?? xstate ?? (window === undefined ? aggregate : (window.count ?? window.global));
  if (state === undefined) return [];
  if (window?.global !== undefined && state.onExpire === 'emit')
    return [
      {
        path: formatPath([...path, 'state', 'onExpire']),
        message: 'a key of the global window that expires gives its last result anyway',
        fix: 'remove onExpire',
      },
    ];
  if (keeps !== undefined) return [];
  return [
    {
      path: formatPath([...path, 'state']),
      message: `stage "${spec.name}" has no state that could expire`,
      fix: 'state goes with reduce, machine, aggregate without a window, and windows by count and global; other windows, dedupe, joins and patterns forget by themselves',
    },
  ];
}

/** A result that is promised by a time at which its key may be gone already. */
function checkOutlived({ spec: { name, state, window }, path }: StageElement): readonly Issue[] {
  const orAfter = window?.count?.orAfter;
  if (orAfter === undefined || state === undefined || state.onExpire === 'emit') return [];
  if (parseDuration(state.ttl) === 0 || parseDuration(orAfter) <= parseDuration(state.ttl)) return [];
  return [
    {
      path: formatPath([...path, 'window', 'count', 'orAfter']),
      message: `orAfter ${orAfter} is above state.ttl ${state.ttl}: a key of stage "${name}" that is quiet for ${state.ttl} expires first, and its events are in no result`,
      fix: `at most ${state.ttl}, a longer ttl, or state.onExpire: emit`,
    },
  ];
}
