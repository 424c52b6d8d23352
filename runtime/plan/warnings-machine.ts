// What is allowed in a machine, but most likely not meant: declared in YAML, or a builder's own as far as its configuration says it.
//
//   WM1. Nothing here runs code of the user: of functions only their text is looked at, and what is not sure is not said.

import type { Code } from '../../crds/stream-job/code.ts';
import type { MachineState } from '../../crds/stream-job/machine.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { compileCode, compilePredicate } from '../expression/expression.ts';
import type { JobGraph } from './job-graph.ts';
import { isContradiction } from './contradiction.ts';
import { resolveTarget, stateAt } from './machine-targets.ts';
import { actionsOf, eachState, transitionsOf } from './machine-walk.ts';
import { machineFormOf, ownAssignments } from './own-machine.ts';
import { kindOf, targetsOf } from './rules-machine.ts';
import { growthOf, warnGrowth } from './warnings-growth.ts';

export function warnMachines(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec, path }) => {
    if (spec.machine !== undefined) {
      const at = [...path, 'machine'];
      return [...warnStates(spec.machine as MachineState, at), ...warnEventType(spec.machine, at), ...warnGrowth(spec.machine, at)];
    }
    const own = spec.xstate === undefined ? null : machineFormOf(spec.xstate.machine);
    if (own === null) return [];
    const at = [...path, 'xstate', 'machine'];
    return [...warnStates(own, at), ...ownAssignments(spec.xstate?.machine).map((field) => growthOf(field, at))];
  });
}

function warnStates(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  return [
    ...warnUnreachable(machine, path),
    ...warnUnhandledRaises(machine, path),
    ...warnTraps(machine, path),
    ...warnNever(machine, path),
    ...warnShadowed(machine, path),
    ...warnEndlessTimers(machine, path),
  ];
}

/** An event type that is the same for all events, and that no state takes. */
function warnEventType({ eventType, ...machine }: { readonly eventType?: Code | undefined }, path: readonly PathPart[]): readonly Issue[] {
  if (typeof eventType !== 'string') return [];
  let type: unknown;
  try {
    type = compileCode(eventType, [])();
  } catch {
    return []; // it depends on the event, or is another rule's mistake
  }
  const handled = handledBy(machine as MachineState);
  if (typeof type !== 'string' || isHandled(type, handled)) return [];
  return [
    {
      path: formatPath([...path, 'eventType']),
      message: `no state handles "${type}", the type that all events have`,
      fix: suggest(type, [...handled]),
    },
  ];
}

function warnUnreachable(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const reached = reachable(machine);
  const issues: Issue[] = [];
  eachState(machine, (_state, keys, at) => {
    const parentReached = reached.has(keys.slice(0, -1).join('.'));
    if (keys.length === 0 || reached.has(keys.join('.')) || !parentReached) return;
    issues.push({
      path: formatPath([...path, ...at]),
      message: `the state "${keys.join('.')}" is never entered`,
      fix: 'no initial and no target leads to it',
    });
  });
  return issues;
}

/** Names (joined by dots) of the states that can be entered at all. */
function reachable(machine: MachineState): ReadonlySet<string> {
  const reached = new Set<string>();
  const enter = (keys: readonly string[]): void => {
    const state = stateAt(machine, keys);
    const name = keys.join('.');
    if (state === null || reached.has(name)) return;
    reached.add(name);
    if (keys.length > 0) enter(keys.slice(0, -1));
    const children = Object.keys(state.states ?? {});
    const kind = kindOf(state);
    if (kind === 'parallel') for (const child of children) enter([...keys, child]);
    if (kind === 'compound' && state.initial !== undefined) enter([...keys, state.initial]);
    const targets = transitionsOf(state).flatMap(({ transition }) => targetsOf(transition.target));
    for (const target of kind === 'history' ? targetsOf(state.target) : targets) {
      const found = resolveTarget(machine, keys, target);
      if (found.kind === 'found') enter(found.keys);
    }
  };
  enter([]);
  return reached;
}

/** States that no event, timer or condition leads out of, though the actor does not end there: it is kept for ever. */
function warnTraps(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const reached = reachable(machine);
  const issues: Issue[] = [];
  eachState(machine, (state, keys, at) => {
    if (keys.length === 0 || kindOf(state) !== 'atomic' || !reached.has(keys.join('.'))) return;
    const upwards = keys.map((_, i) => stateAt(machine, keys.slice(0, i + 1))).concat(machine);
    if (upwards.some((each) => each !== null && transitionsOf(each).length > 0)) return;
    issues.push({
      path: formatPath([...path, ...at]),
      message: `the state "${keys.join('.')}" can't be left and is not final: its actors are kept for ever`,
      fix: 'give it a transition, or type: final',
    });
  });
  return issues;
}

/** Guards without variables that are false, and those that contradict themselves. */
function warnNever(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const issues: Issue[] = [];
  eachState(machine, (state, _keys, at) => {
    for (const { transition, path: place } of transitionsOf(state)) {
      if (transition.guard === undefined || !isNever(transition.guard)) continue;
      const where = formatPath([...path, ...at, ...place, 'guard']);
      issues.push({
        path: where,
        message: 'the guard is always false: its transition is never taken',
        fix: 'remove the transition, or the guard',
      });
    }
  });
  return issues;
}

/** Of a function: one without parameters that gives false, as it is written. */
const NEVER = /^\(\) ?=> ?(false|!1)$/;

function isNever(guard: Code): boolean {
  if (typeof guard !== 'string') return NEVER.test(guard.toString());
  if (isContradiction(guard)) return true;
  try {
    return compilePredicate(guard, [])() === false;
  } catch {
    return false; // it depends on the event, or is another rule's mistake
  }
}

function warnUnhandledRaises(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const handled = handledBy(machine);
  const made: { readonly type: string; readonly what: string; readonly at: readonly PathPart[] }[] = [];
  eachState(machine, (state, _keys, at) => {
    for (const { action, path: place } of actionsOf(state)) {
      const { raise, sendTo } = action;
      if (raise !== undefined) made.push({ type: raise.type, what: 'raised', at: [...path, ...at, ...place, 'raise', 'type'] });
      if (sendTo !== undefined) made.push({ type: sendTo.type, what: 'sent', at: [...path, ...at, ...place, 'sendTo', 'type'] });
    }
  });
  return made
    .filter(({ type }) => !isHandled(type, handled))
    .map(({ type, what, at }) => ({
      path: formatPath(at),
      message: `no state handles the ${what} event "${type}"`,
      fix: suggest(type, [...handled]),
    }));
}

function handledBy(machine: MachineState): ReadonlySet<string> {
  const handled = new Set<string>();
  eachState(machine, (state) => {
    for (const event of Object.keys(state.on ?? {})) handled.add(event);
  });
  return handled;
}

function isHandled(type: string, handled: ReadonlySet<string>): boolean {
  return [...handled].some(
    (event) => event === type || event === '*' || (event.endsWith('.*') && `${type}.`.startsWith(event.slice(0, -1))),
  );
}

/** Transitions behind one of the same event that has no guard. */
function warnShadowed(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const issues: Issue[] = [];
  eachState(machine, (state, _keys, at) => {
    const groups = Map.groupBy(transitionsOf(state), ({ path: place }) => formatPath(place.filter((part) => typeof part === 'string')));
    for (const group of groups.values()) {
      const open = group.findIndex(({ transition }) => transition.guard === undefined);
      const behind = open < 0 ? undefined : group[open + 1];
      if (behind === undefined) continue;
      issues.push({
        path: formatPath([...path, ...at, ...behind.path]),
        message: 'the transition is never taken: the one before it has no guard',
        fix: 'put the one without guard last',
      });
    }
  });
  return issues;
}

/** States that lead into each other by timers alone, without a condition: their actors wake themselves for ever. */
function warnEndlessTimers(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const next = new Map<string, string>();
  const places = new Map<string, readonly PathPart[]>();
  eachState(machine, (state, keys, at) => {
    for (const { transition, path: place } of transitionsOf(state)) {
      const [target, ...more] = targetsOf(transition.target);
      if (place[0] !== 'after' || transition.guard !== undefined || target === undefined || more.length > 0) continue;
      const found = resolveTarget(machine, keys, target);
      const from = keys.join('.');
      if (found.kind !== 'found' || next.has(from)) continue;
      next.set(from, found.keys.join('.'));
      places.set(from, [...at, ...place]);
    }
  });
  const told = new Set<string>();
  return [...next.keys()].flatMap((first) => {
    const way = [first];
    for (let at = next.get(first); at !== undefined && !told.has(at); at = next.get(at)) {
      if (at !== first && way.includes(at)) return [];
      way.push(at);
      if (at !== first) continue;
      for (const state of way) told.add(state);
      return [
        {
          path: formatPath([...path, ...(places.get(first) ?? [])]),
          message: `timers lead round ${way.join(' → ')} without end: an actor that has come here wakes itself for ever`,
          fix: 'a guard that ends it, or a way to a final state; leave it where that is meant',
        },
      ];
    }
    return [];
  });
}
