// Where a transition's target leads, by XState's own rules.
//
//   `name.child`  from the parent of the state that has the transition: a sibling, or below one
//   `.child`      below the state itself
//   `#machine.a`  from the top
//   At the top there are no siblings: only `.child` and `#machine.…` lead anywhere.

import type { MachineState } from '../../crds/stream-job/machine.ts';

/** The id under which a declared machine knows itself. */
export const MACHINE_ID = 'machine';

export type Target =
  { readonly kind: 'found'; readonly keys: readonly string[] } | { readonly kind: 'unknown'; readonly candidates: readonly string[] };

/** `keys`: names of the states down to the one that has the transition. */
export function resolveTarget(root: MachineState, keys: readonly string[], target: string): Target {
  if (target.startsWith('#')) {
    const [id, ...rest] = target.slice(1).split('.');
    return id === MACHINE_ID ? below(root, [], rest, `#${MACHINE_ID}.`) : { kind: 'unknown', candidates: allStates(root) };
  }
  if (target.startsWith('.')) return below(root, keys, target.slice(1).split('.'), '.');
  if (keys.length === 0) return { kind: 'unknown', candidates: Object.keys(root.states ?? {}).map((key) => `.${key}`) };
  const found = below(root, keys.slice(0, -1), target.split('.'), '');
  if (found.kind === 'found') return found;
  // The name of a state that is no sibling: from elsewhere it is reached from the top.
  const elsewhere = allStates(root).filter((id) => id.endsWith(`.${target}`));
  return elsewhere.length > 0 ? { kind: 'unknown', candidates: elsewhere } : found;
}

/** The state at `keys`, or null. */
export function stateAt(root: MachineState, keys: readonly string[]): MachineState | null {
  let state: MachineState | undefined = root;
  for (const key of keys) state = Object.hasOwn(state?.states ?? {}, key) ? state?.states?.[key] : undefined;
  return state ?? null;
}

/** `way` from the state at `from`; candidates are the names at the step that fails, written as the target was. */
function below(root: MachineState, from: readonly string[], way: readonly string[], prefix: string): Target {
  const keys = [...from];
  for (const step of way) {
    const states = stateAt(root, keys)?.states ?? {};
    if (!Object.hasOwn(states, step))
      return { kind: 'unknown', candidates: Object.keys(states).map((key) => prefix + [...keys.slice(from.length), key].join('.')) };
    keys.push(step);
  }
  return { kind: 'found', keys };
}

function allStates(root: MachineState): readonly string[] {
  const found: string[] = [];
  const walk = (state: MachineState, name: string): void => {
    for (const [key, child] of Object.entries(state.states ?? {})) {
      found.push(`${name}.${key}`);
      walk(child, `${name}.${key}`);
    }
  };
  walk(root, `#${MACHINE_ID}`);
  return found;
}
