// Rules on a declared machine: XState would refuse it, or never do what it says. Warnings: what can never happen.

import type { Code } from '../../crds/stream-job/code.ts';
import type { MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { compilePredicate } from '../expression/expression.ts';
import type { JobGraph } from './job-graph.ts';
import { resolveTarget, stateAt } from './machine-targets.ts';
import { actionsOf, eachState, transitionsOf } from './machine-walk.ts';

const ACTIONS = ['assign', 'emit', 'raise', 'sendTo', 'cancel'] as const;

export function checkMachines(graph: JobGraph): readonly Issue[] {
  const sizes = checkContextSize(graph);
  const rules = eachMachine(graph, (machine, path) => {
    const issues: Issue[] = [];
    eachState(machine, (state, keys, at) => {
      const place = { machine, state, keys, path: [...path, ...at] };
      issues.push(...checkKind(place), ...checkInitial(place), ...checkTargets(place), ...checkActions(place), ...checkNames(place));
    });
    return issues;
  });
  return [...sizes, ...rules];
}

export function warnMachines(graph: JobGraph): readonly Issue[] {
  return eachMachine(graph, (machine, path) => [
    ...warnUnreachable(machine, path),
    ...warnUnhandledRaises(machine, path),
    ...warnTraps(machine, path),
    ...warnNever(machine, path),
  ]);
}

/** An actor that is too large at its beginning would never take an event. */
function checkContextSize(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec: { machine }, path }) => {
    if (machine?.stateBytesMax === undefined) return [];
    const bytes = Buffer.byteLength(JSON.stringify(machine.context));
    if (bytes <= machine.stateBytesMax) return [];
    const message = `the initial context has ${bytes} bytes, more than stateBytesMax: ${machine.stateBytesMax}`;
    return [{ path: formatPath([...path, 'machine', 'context']), message, fix: 'raise stateBytesMax, or begin with less' }];
  });
}

function eachMachine(graph: JobGraph, check: (machine: MachineState, path: readonly PathPart[]) => readonly Issue[]): readonly Issue[] {
  return graph.stages.flatMap(({ spec, path }) => (spec.machine === undefined ? [] : check(asState(spec.machine), [...path, 'machine'])));
}

function asState(machine: MachineSpec): MachineState {
  return machine as MachineState;
}

type Place = {
  readonly machine: MachineState;
  readonly state: MachineState;
  readonly keys: readonly string[];
  readonly path: readonly PathPart[];
};

/** The kind that a state has by what is in it. */
function kindOf(state: MachineState): NonNullable<MachineState['type']> {
  return state.type ?? (Object.keys(state.states ?? {}).length > 0 ? 'compound' : state.history === undefined ? 'atomic' : 'history');
}

const FORBIDDEN: Readonly<Record<string, readonly (keyof MachineState)[]>> = {
  final: ['states', 'on', 'always', 'after', 'onDone', 'initial', 'target', 'history'],
  history: ['states', 'on', 'always', 'after', 'onDone', 'initial', 'entry', 'exit'],
  atomic: ['initial', 'onDone', 'target', 'history'],
  compound: ['target', 'history'],
  parallel: ['initial', 'target', 'history'],
};

function checkKind({ state, keys, path }: Place): readonly Issue[] {
  const kind = kindOf(state);
  const issues: Issue[] = (FORBIDDEN[kind] ?? [])
    .filter((field) => state[field] !== undefined && !(field === 'states' && Object.keys(state.states ?? {}).length === 0))
    .map((field) => ({
      path: formatPath([...path, field]),
      message: `a state of type ${kind} has no ${field}`,
      fix: kind === 'atomic' ? `${field} is for states that have states` : `remove ${field}, or change the type`,
    }));
  if ((kind === 'compound' || kind === 'parallel') && Object.keys(state.states ?? {}).length === 0) {
    issues.push({ path: formatPath(path), message: `a state of type ${kind} needs states`, fix: 'add states, or remove the type' });
  }
  if (keys.length === 0 && (kind === 'final' || kind === 'history' || kind === 'atomic')) {
    issues.push({ path: formatPath([...path, 'states']), message: 'the machine has no states', fix: 'one at least, named by initial' });
  }
  return issues;
}

function checkInitial({ state, path }: Place): readonly Issue[] {
  const names = Object.keys(state.states ?? {});
  if (kindOf(state) !== 'compound' || names.length === 0) return [];
  if (state.initial === undefined)
    return [{ path: formatPath(path), message: 'initial is missing', fix: `initial: ${names[0]}, or type: parallel` }];
  if (names.includes(state.initial)) return [];
  return [{ path: formatPath([...path, 'initial']), message: `unknown state "${state.initial}"`, fix: suggest(state.initial, names) }];
}

function checkTargets({ machine, state, keys, path }: Place): readonly Issue[] {
  const targets = transitionsOf(state).flatMap(({ transition, path: at }) =>
    targetsOf(transition.target).map((target) => ({ target, at: [...path, ...at] })),
  );
  const historyTarget = kindOf(state) === 'history' && state.target !== undefined ? [{ target: state.target, at: path }] : [];
  return [...targets, ...historyTarget].flatMap(({ target, at }) => {
    const found = resolveTarget(machine, keys, target);
    if (found.kind === 'found') return [];
    return [{ path: formatPath(at), message: `the target "${target}" leads to no state`, fix: suggest(target, found.candidates) }];
  });
}

export function targetsOf(target: string | readonly string[] | undefined): readonly string[] {
  return target === undefined ? [] : typeof target === 'string' ? [target] : target;
}

function checkActions({ state, path }: Place): readonly Issue[] {
  return actionsOf(state).flatMap(({ action, path: at }): readonly Issue[] => {
    if (ACTIONS.every((name) => action[name] === undefined)) {
      return [{ path: formatPath([...path, ...at]), message: 'the action does nothing', fix: `give it one of ${ACTIONS.join(', ')}` }];
    }
    return (['raise', 'sendTo'] as const).flatMap((name) => {
      const { id, delay } = action[name] ?? {};
      if (id === undefined || delay !== undefined) return [];
      return [
        {
          path: formatPath([...path, ...at, name, 'id']),
          message: `an event that is ${name === 'raise' ? 'raised' : 'sent'} at once has no timer that could be cancelled by its id`,
          fix: 'add delay, or remove id',
        },
      ];
    });
  });
}

function checkNames({ state, path }: Place): readonly Issue[] {
  return Object.keys(state.states ?? {})
    .filter((key) => /[.#]/.test(key))
    .map((key) => ({
      path: formatPath([...path, 'states', key]),
      message: `the state name "${key}" has a . or #, which targets could not name`,
      fix: 'use letters, digits, - and _',
    }));
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

/** Guards without variables that are false. */
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

function isNever(guard: Code): boolean {
  if (typeof guard !== 'string') return false;
  try {
    return compilePredicate(guard, [])() === false;
  } catch {
    return false; // it depends on the event, or is another rule's mistake
  }
}

function warnUnhandledRaises(machine: MachineState, path: readonly PathPart[]): readonly Issue[] {
  const handled = new Set<string>();
  const made: { readonly type: string; readonly what: string; readonly at: readonly PathPart[] }[] = [];
  eachState(machine, (state, _keys, at) => {
    for (const event of Object.keys(state.on ?? {})) handled.add(event);
    for (const { action, path: place } of actionsOf(state)) {
      const { raise, sendTo } = action;
      if (raise !== undefined) made.push({ type: raise.type, what: 'raised', at: [...path, ...at, ...place, 'raise', 'type'] });
      if (sendTo !== undefined) made.push({ type: sendTo.type, what: 'sent', at: [...path, ...at, ...place, 'sendTo', 'type'] });
    }
  });
  return made
    .filter(
      ({ type }) =>
        ![...handled].some((event) => event === type || event === '*' || (event.endsWith('.*') && type.startsWith(event.slice(0, -1)))),
    )
    .map(({ type, what, at }) => ({
      path: formatPath(at),
      message: `no state handles the ${what} event "${type}"`,
      fix: suggest(type, [...handled]),
    }));
}
