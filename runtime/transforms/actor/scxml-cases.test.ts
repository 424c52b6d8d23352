// The cases of SCION's SCXML test suite that need no data model, which XState tests itself by too: each event must lead to the
// configuration that the suite states, on both paths.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { and, createMachine, not, raise, stateIn } from 'xstate';
import { compileMachine } from './compiled-machine.ts';
import { Effects } from './effects.ts';
import { type MachinePath, ReferencePath } from './machine-path.ts';
import { boundedMachine, type Machine, machineNodes } from './xstate.ts';

type Transition = {
  readonly events?: readonly string[];
  readonly target?: readonly string[];
  readonly type?: 'internal';
  readonly cond?: boolean;
  /** States that the machine must be in, or not. */
  readonly in?: readonly (readonly [id: string, isIn: boolean])[];
  readonly raise?: readonly string[];
};
type State = {
  readonly id?: string;
  readonly type?: string;
  readonly history?: string;
  readonly initial?: readonly string[];
  readonly entry?: readonly string[];
  readonly exit?: readonly string[];
  readonly transitions?: readonly Transition[];
  readonly states?: readonly State[];
};
type Case = {
  readonly name: string;
  readonly machine: State;
  readonly initial: readonly string[];
  readonly events: readonly (readonly [string, readonly string[]])[];
};
type Config = Record<string, unknown>;

const file = new URL('../../../test/fixtures/scxml/cases.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { readonly cases: readonly Case[] };

/** XState's ids and keys have no dots. */
function nameOf(id: string): string {
  return id.replaceAll('.', '_');
}

function targets(ids: readonly string[] | undefined): Config {
  return ids === undefined ? {} : { target: ids.map((id) => `#${nameOf(id)}`) };
}

function raises(events: readonly string[] | undefined): unknown[] {
  return (events ?? []).map((type) => raise({ type } as never));
}

function transitionOf({ target, type, cond, in: states, raise: events }: Transition): Config {
  const places = (states ?? []).map(([id, isIn]) => {
    const guard = stateIn(`#${nameOf(id)}` as never);
    return isIn ? guard : not(guard as never);
  });
  const guard = cond === undefined ? (states === undefined ? undefined : and(places as never)) : () => cond;
  return { ...targets(target), actions: raises(events), reenter: type !== 'internal', ...(guard === undefined ? {} : { guard }) };
}

function configOf({ id, type, history, initial, entry, exit, transitions = [], states = [] }: State): Config {
  if (type === 'history') return { id: nameOf(id ?? ''), type, history, ...targets(transitions[0]?.target) };
  const on: Record<string, Config[]> = {};
  for (const transition of transitions) for (const event of transition.events ?? []) (on[event] ??= []).push(transitionOf(transition));
  const always = transitions.filter(({ events }) => events === undefined).map(transitionOf);
  const first = states.find((state) => state.type !== 'history')?.id ?? '';
  return {
    ...(id === undefined ? {} : { id: nameOf(id) }),
    ...(type === undefined ? {} : { type }),
    entry: raises(entry),
    exit: raises(exit),
    ...(type === 'final' ? {} : { on, always }),
    ...(states.length === 0 ? {} : { states: Object.fromEntries(states.map((state) => [nameOf(state.id ?? ''), configOf(state)])) }),
    ...(states.length === 0 || type === 'parallel' ? {} : { initial: nameOf(initial?.[0] ?? first) }),
  };
}

/** Ids of the atomic states that the machine is in. */
function configuration(machine: Machine, value: unknown): readonly string[] {
  const snapshot = machine.resolveState({ value: value as never, context: {} as never });
  const nodes = snapshot._nodes as readonly Machine['root'][];
  return nodes
    .filter((node) => machineNodes(node).length === 1 || node.type === 'atomic')
    .map(({ id }) => id)
    .toSorted();
}

function play({ machine, events }: Case, make: (machine: Machine, effects: Effects) => MachinePath): readonly (readonly string[])[] {
  const made = boundedMachine(createMachine({ ...configOf(machine), id: 'case' } as never) as never);
  const effects = new Effects();
  const path = make(made, effects);
  let state = path.initial();
  const seen = [configuration(made, state.value)];
  for (const [type] of events) {
    effects.begin('key', 0);
    state = path.transition(path.decode(path.encode(state, undefined, undefined)), { type });
    seen.push(configuration(made, state.value));
  }
  return seen;
}

test.each(cases)('$name', (one) => {
  const wanted = [one.initial, ...one.events.map(([, after]) => after)].map((ids) => ids.map(nameOf).toSorted());
  const compiled = play(one, (machine, effects) => {
    const made = compileMachine(machine, effects);
    if (made.kind === 'refused') throw new Error(made.because);
    return made.path as unknown as MachinePath;
  });
  const reference = play(one, (machine, effects) => new ReferencePath(machine, effects) as unknown as MachinePath);
  expect(reference).toEqual(wanted);
  expect(compiled).toEqual(wanted);
});
