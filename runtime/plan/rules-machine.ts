// Rules on machines: what XState would refuse or never do as it is said, and what an actor of a stream can't have. Warnings:
// warnings-machine.ts.

import type { MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';
import { resolveTarget } from './machine-targets.ts';
import { actionsOf, eachState, transitionsOf } from './machine-walk.ts';
import { ownMachineMistakes } from './own-machine.ts';

const ACTIONS = ['assign', 'emit', 'raise', 'sendTo', 'cancel'] as const;

export function checkMachines(graph: JobGraph): readonly Issue[] {
  const others = [...checkContextSize(graph), ...checkOwnMachines(graph)];
  const rules = eachMachine(graph, (machine, path) => {
    const issues: Issue[] = [];
    eachState(machine, (state, keys, at) => {
      const place = { machine, state, keys, path: [...path, ...at] };
      issues.push(...checkKind(place), ...checkInitial(place), ...checkTargets(place), ...checkActions(place), ...checkNames(place));
    });
    return issues;
  });
  return [...others, ...rules];
}

/** What a builder's own machine may not have: its actors are cells, nothing of them lives between two events. */
function checkOwnMachines(graph: JobGraph): readonly Issue[] {
  return graph.stages.flatMap(({ spec, path }) =>
    spec.xstate === undefined
      ? []
      : ownMachineMistakes(spec.xstate.machine).map(({ message, fix, path: at }) => ({
          path: formatPath([...path, 'xstate', 'machine', ...at]),
          message,
          fix,
        })),
  );
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
export function kindOf(state: MachineState): NonNullable<MachineState['type']> {
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
