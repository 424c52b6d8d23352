// Walks over the states, transitions and actions of a declared machine.

import type { MachineAction, MachineState, MachineTransition } from '../../crds/stream-job/machine.ts';
import type { PathPart } from '../base/path.ts';

/** A transition in its written-out form, where it stands. `event` is null for always, onDone and after. */
export type PlacedTransition = {
  readonly transition: MachineTransition;
  readonly event: string | null;
  readonly path: readonly PathPart[];
};
export type PlacedAction = { readonly action: MachineAction; readonly event: string | null; readonly path: readonly PathPart[] };

/** Visits `root` and all states below it, parents first. `keys`: names of the states on the way; `path`: where it stands. */
export function eachState(
  root: MachineState,
  visit: (state: MachineState, keys: readonly string[], path: readonly PathPart[]) => void,
): void {
  const walk = (state: MachineState, keys: readonly string[], path: readonly PathPart[]): void => {
    visit(state, keys, path);
    for (const [key, child] of Object.entries(state.states ?? {})) walk(child, [...keys, key], [...path, 'states', key]);
  };
  walk(root, [], []);
}

/** Transitions that leave from this state itself, paths relative to it. */
export function transitionsOf(state: MachineState): readonly PlacedTransition[] {
  const groups: readonly (readonly [unknown, string | null, readonly PathPart[]])[] = [
    ...Object.entries(state.on ?? {}).map(([event, value]) => [value, event, ['on', event]] as const),
    ...Object.entries(state.after ?? {}).map(([delay, value]) => [value, null, ['after', delay]] as const),
    [state.always, null, ['always']],
    [state.onDone, null, ['onDone']],
  ];
  return groups.flatMap(([value, event, path]) => spread(value as Transitions | undefined, event, path));
}

/** Actions of this state itself: on entry, on exit and of its transitions. */
export function actionsOf(state: MachineState): readonly PlacedAction[] {
  const place = (actions: readonly MachineAction[] | undefined, event: string | null, path: readonly PathPart[]): readonly PlacedAction[] =>
    (actions ?? []).map((action, i) => ({ action, event, path: [...path, i] }));
  return [
    ...place(state.entry, null, ['entry']),
    ...place(state.exit, null, ['exit']),
    ...transitionsOf(state).flatMap(({ transition, event, path }) => place(transition.actions, event, [...path, 'actions'])),
  ];
}

type Transitions = string | MachineTransition | readonly MachineTransition[];

function spread(value: Transitions | undefined, event: string | null, path: readonly PathPart[]): readonly PlacedTransition[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [{ transition: { target: value }, event, path }];
  if (isList(value)) return value.map((transition, i) => ({ transition, event, path: [...path, i] }));
  return [{ transition: value, event, path }];
}

function isList(value: MachineTransition | readonly MachineTransition[]): value is readonly MachineTransition[] {
  return Array.isArray(value);
}
