// Which path runs a machine, by what is written in it: the compiled one, or XState's own transition function, and why.
//
// The transform decides by the machine itself (transforms/actor/compiled-machine.ts); test/declarations/ holds both to one answer.

import type { OpPlan } from './physical-plan.ts';

/** `unknown`: the machine's code is not here. */
export type MachinePathKind =
  { readonly kind: 'compiled' } | { readonly kind: 'reference'; readonly because: string } | { readonly kind: 'unknown' };

/** null: no machine. A machine declared in YAML has nothing that could not be compiled. */
export function machinePath(op: OpPlan): MachinePathKind | null {
  if (op.kind === 'machine') return { kind: 'compiled' };
  if (op.kind !== 'xstate') return null;
  const { config, implementations } = op.machine as { readonly config?: State; readonly implementations?: Implementations };
  if (config === undefined) return { kind: 'unknown' };
  const states = statesOf(config);
  if (states.some(({ type, output }, i) => output !== undefined && (type === 'final' || i === 0))) return OUTPUT;
  const known = (implementations?.actions ?? {}) as Readonly<Record<string, unknown>>;
  const types = states
    .flatMap(actionsIn)
    .map((action) => typeOf(typeof action === 'function' ? action : (known[nameOf(action)] ?? action)));
  const type = types.find((each) => each.startsWith('xstate.') && !COMPILED.has(each));
  if (type === undefined) return { kind: 'compiled' };
  return { kind: 'reference', because: type === 'xstate.enqueueActions' ? 'enqueueActions' : `the action ${type}` };
}

const OUTPUT: MachinePathKind = { kind: 'reference', because: 'the output of a final state' };
const COMPILED: ReadonlySet<string> = new Set(['xstate.assign', 'xstate.raise', 'xstate.emit', 'xstate.cancel', 'xstate.log']);

type Implementations = { readonly actions?: unknown };
type State = { readonly [field: string]: unknown; readonly states?: Readonly<Record<string, State>> };

/** The sentence of the plan; null where there is nothing to tell. */
export function machinePathText(op: OpPlan): string | null {
  const path = machinePath(op);
  if (path === null || path.kind === 'unknown') return null;
  if (path.kind === 'compiled') return 'compiled to tables';
  return `steps by XState itself, several times slower, because of ${path.because}`;
}

function statesOf(state: State): readonly State[] {
  return [state, ...Object.values(state.states ?? {}).flatMap(statesOf)];
}

/** All actions of one state, as they were written. */
function actionsIn({ entry, exit, on, after, always, onDone, initial }: State): readonly unknown[] {
  const transitions = [...Object.values(on ?? {}), ...Object.values(after ?? {}), always, onDone, initial].flatMap(listed);
  return [entry, exit, ...transitions.map((each) => (typeof each === 'object' && each !== null ? (each as State)['actions'] : undefined))]
    .flatMap(listed)
    .filter((action) => action !== undefined && action !== null);
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [value];
}

function nameOf(action: unknown): string {
  return typeof action === 'string' ? action : String((action as { readonly type?: unknown }).type);
}

function typeOf(action: unknown): string {
  return String(typeof action === 'string' ? action : (action as { readonly type?: unknown }).type);
}
