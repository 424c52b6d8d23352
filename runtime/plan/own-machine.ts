// A builder's own XState machine, as far as its configuration tells what it does: in the form of a declared one, for the same rules.
//
//   OM1. Structural: no import of XState, and no function of the user runs.
//   OM2. A machine whose code is not here (a mark) tells nothing.

import type { MachineAction, MachineState, MachineTransition } from '../../crds/stream-job/machine.ts';
import { formatDuration } from '../base/duration.ts';
import { LIVE_ACTIONS, liveRefusal } from '../base/live-system.ts';
import { DURATION_MS_MAX } from '../base/limits.ts';
import type { PathPart } from '../base/path.ts';
import { MACHINE_ID } from './machine-targets.ts';
import type { Growth } from './warnings-growth.ts';

type Config = Readonly<Record<string, unknown>>;
type Named = Readonly<Record<'actions' | 'guards' | 'delays', Config>>;
type Mistake = { readonly path: readonly PathPart[]; readonly message: string; readonly fix: string };

type Own = { readonly root: Config; readonly named: Named };

function partsOf(machine: unknown): Own | null {
  const { config, implementations } = (machine ?? {}) as { readonly config?: unknown; readonly implementations?: Partial<Named> };
  if (!isObject(config) || (config['states'] === undefined && config['on'] === undefined)) return null;
  return { root: config, named: { actions: {}, guards: {}, delays: {}, ...implementations } };
}

/** null: it is not known. */
export function machineFormOf(machine: unknown): MachineState | null {
  const own = partsOf(machine);
  if (own === null) return null;
  const ids = new Map<string, readonly string[]>();
  const collect = (config: Config, keys: readonly string[]): void => {
    const rootId = typeof own.root['id'] === 'string' ? own.root['id'] : '(machine)';
    ids.set(typeof config['id'] === 'string' ? config['id'] : [rootId, ...keys].join('.'), keys);
    for (const [key, child] of children(config)) collect(child, [...keys, key]);
  };
  collect(own.root, []);
  return stateOf(own.root, { named: own.named, ids });
}

type Scope = { readonly named: Named; readonly ids: ReadonlyMap<string, readonly string[]> };

function stateOf(config: Config, scope: Scope): MachineState {
  const { on, after, always, onDone, entry, exit, initial, target, type, history } = config;
  const transitions = (value: unknown): MachineTransition[] =>
    listed(value).map((one) => transitionOf(isObject(one) ? one : { target: one }, scope));
  const each = (record: unknown): Record<string, MachineTransition[]> =>
    Object.fromEntries(Object.entries(isObject(record) ? record : {}).map(([name, value]) => [name, transitions(value)]));
  const state: MachineState = {
    type: type as MachineState['type'],
    history: history === true ? 'shallow' : history === false ? undefined : (history as MachineState['history']),
    initial: typeof initial === 'string' ? initial : isObject(initial) ? String(initial['target']) : undefined,
    target: typeof target === 'string' ? targetOf(target, scope) : undefined,
    ...(on === undefined ? {} : { on: each(on) }),
    ...(after === undefined ? {} : { after: each(after) }),
    ...(always === undefined ? {} : { always: transitions(always) }),
    ...(onDone === undefined ? {} : { onDone: transitions(onDone) }),
    entry: actionsOf(entry, scope),
    exit: actionsOf(exit, scope),
  };
  const inside = children(config);
  if (inside.length > 0) state.states = Object.fromEntries(inside.map(([key, child]) => [key, stateOf(child, scope)]));
  return state;
}

function transitionOf(config: Config, scope: Scope): MachineTransition {
  const { target, guard, actions } = config;
  const targets = listed(target).map((one) => targetOf(String(one), scope));
  return {
    ...(targets.length === 0 ? {} : { target: targets }),
    ...(guard === undefined ? {} : { guard: (typeof guard === 'function' ? guard : named(guard, scope.named.guards)) as () => unknown }),
    actions: actionsOf(actions, scope),
  };
}

/** By ids a state is reached from the top, as in a declared machine. */
function targetOf(target: string, { ids }: Scope): string {
  if (!target.startsWith('#')) return target;
  const id = target.slice(1);
  const [first = '', ...rest] = id.split('.');
  const keys = ids.get(id) ?? (ids.has(first) ? [...(ids.get(first) ?? []), ...rest] : null);
  return keys === null ? target : ['#' + MACHINE_ID, ...keys].join('.');
}

/** What is raised and sent is known where it is written as it is; of all else, that something is done. */
function actionsOf(actions: unknown, { named: { actions: known } }: Scope): MachineAction[] {
  return listed(actions).map((action): MachineAction => {
    const code = (typeof action === 'function' ? action : named(action, known)) as unknown as Config & { sendToKey?: Config };
    if (code['type'] === 'xstate.raise' && typeOf(code['event']) !== null) return { raise: { type: typeOf(code['event']) as string } };
    const sent = typeOf(code.sendToKey?.['event']);
    return sent === null ? { assign: {} } : { sendTo: { key: 'key', type: sent } };
  });
}

/** Fields that every assignment of the machine makes longer, as its functions are written. */
export function ownAssignments(machine: unknown): readonly Growth[] {
  const own = partsOf(machine);
  if (own === null) return [];
  const found: (Growth & { readonly grows: boolean })[] = [];
  for (const { action, path } of ownActions(own)) {
    const { type, assignment } = action as unknown as { readonly type?: unknown; readonly assignment?: unknown };
    if (type !== 'xstate.assign') continue;
    // A function of the whole context may change any field.
    if (!isObject(assignment)) return [];
    for (const [field, code] of Object.entries(assignment)) found.push({ field, path, grows: growsBy(code, field) });
  }
  return [...Map.groupBy(found, ({ field }) => field).values()]
    .filter((all) => all.every(({ grows }) => grows))
    .flatMap(([first]) => (first === undefined ? [] : [first]));
}

function growsBy(code: unknown, field: string): boolean {
  if (typeof code !== 'function') return false;
  const text = code.toString();
  if (/\.(slice|filter|splice|shift)\(/.test(text)) return false;
  return (
    text.includes(`[...context.${field},`) ||
    text.includes(`context.${field}.concat(`) ||
    new RegExp(`, \\.\\.\\.context\\.${escaped(field)}\\]`).test(text)
  );
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** What can't be in a keyed machine, by its configuration. */
export function ownMachineMistakes(machine: unknown): readonly Mistake[] {
  const own = partsOf(machine);
  if (own === null) return [];
  const mistakes: Mistake[] = [];
  eachOwn(own.root, [], (config, path) => {
    if (config['invoke'] !== undefined && listed(config['invoke']).length > 0)
      mistakes.push({ path: [...path, 'invoke'], message: `the state invokes an actor: ${liveRefusal('invoke')}`, fix: 'remove it' });
    for (const delay of Object.keys(isObject(config['after']) ? config['after'] : {})) {
      const ms = Number(own.named.delays[delay] ?? delay);
      if (ms <= DURATION_MS_MAX || Number.isNaN(ms)) continue;
      const message = `${delay} ms is longer than ${formatDuration(DURATION_MS_MAX)}: such a timer never fires`;
      mistakes.push({ path: [...path, 'after', delay], message, fix: 'take a shorter time' });
    }
  });
  for (const { action, path } of ownActions(own)) {
    const type = typeOf(action);
    const name = type?.startsWith('xstate.') === true ? type.slice('xstate.'.length) : '';
    if (!LIVE_ACTIONS.has(name)) continue;
    mistakes.push({ path, message: `the action ${name}: ${liveRefusal(name)}`, fix: 'remove it' });
  }
  return mistakes;
}

function eachOwn(config: Config, path: readonly PathPart[], visit: (config: Config, path: readonly PathPart[]) => void): void {
  visit(config, path);
  for (const [key, child] of children(config)) eachOwn(child, [...path, 'states', key], visit);
}

/** All actions of the machine with their places: as they are used, names looked up. */
function ownActions({ root, named: { actions: known } }: Own): { readonly action: object; readonly path: readonly PathPart[] }[] {
  const found: { readonly action: object; readonly path: readonly PathPart[] }[] = [];
  const add = (actions: unknown, path: readonly PathPart[]): void => {
    for (const action of listed(actions))
      found.push({ action: (typeof action === 'function' ? action : named(action, known)) as object, path });
  };
  eachOwn(root, [], (config, path) => {
    for (const field of ['entry', 'exit']) add(config[field], [...path, field]);
    const ways: [unknown, readonly PathPart[]][] = ['always', 'onDone'].map((field) => [config[field], [...path, field]]);
    for (const field of ['on', 'after'])
      for (const [name, value] of Object.entries(isObject(config[field]) ? config[field] : {})) ways.push([value, [...path, field, name]]);
    for (const [value, at] of ways) for (const one of listed(value)) if (isObject(one)) add(one['actions'], [...at, 'actions']);
  });
  return found;
}

/** What is meant by a name, or by an object with a name; an empty object for what nobody knows. */
function named(what: unknown, known: Config): unknown {
  const name = typeof what === 'string' ? what : String((what as { readonly type?: unknown } | null)?.type);
  return known[name] ?? (typeof what === 'string' ? () => undefined : (what ?? {}));
}

/** Of an event, or of an action: XState's own are functions with a type. */
function typeOf(what: unknown): string | null {
  const { type } = typeof what === 'function' || isObject(what) ? (what as { readonly type?: unknown }) : {};
  return typeof type === 'string' ? type : null;
}

function children(config: Config): readonly (readonly [string, Config])[] {
  return Object.entries(isObject(config['states']) ? config['states'] : {}).map(([key, child]) => [key, (child ?? {}) as Config] as const);
}

function listed(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? (value as unknown[]) : [value];
}

function isObject(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
