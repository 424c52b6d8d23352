// Types inside a declared machine: what guards, assigns and emits see, and what comes out.

import type { Code } from '../../crds/stream-job/code.ts';
import type { MachineAction, MachineSpec, MachineState } from '../../crds/stream-job/machine.ts';
import { isDuration } from '../base/duration.ts';
import { formatPath, type PathPart } from '../base/path.ts';
import { describeType, DYN, type EventType, NUMBER, objectType, STRING } from '../expression/event-type.ts';
import type { CodeCheck, Variables } from './code-check.ts';
import { actionsOf, eachState, transitionsOf } from './machine-walk.ts';
import { mergeTypes } from './merge-types.ts';

export type MachineInput = {
  readonly event: EventType;
  readonly key: EventType;
  /** Variables besides. */ readonly more?: Variables;
  readonly path: readonly PathPart[];
  readonly check: CodeCheck;
};

/** Checks all codes of `machine`; gives the type of what is emitted, by output. */
export function checkMachineCodes(
  machine: MachineSpec,
  { event, key, more = {}, path, check }: MachineInput,
): ReadonlyMap<string, EventType> {
  check.one(machine.eventType, [...path, 'eventType'], { event }, 'string');
  const context = contextType(machine);
  const raised = new Map<string, EventType[]>();
  const emitted = new Map<string, EventType[]>();
  // Raised and sent events first: their types are what the transitions that they take see.
  const variables = (name: string | null, known: ReadonlyMap<string, EventType[]> | null): Variables => ({
    ...more,
    context,
    key,
    timeMs: NUMBER,
    event: eventType(name, event, known),
  });
  eachState(machine as MachineState, (state, _keys, at) => {
    for (const { action, event: name, path: place } of actionsOf(state)) {
      for (const made of ['raise', 'sendTo'] as const) {
        const { type, data } = action[made] ?? {};
        if (type === undefined) continue;
        const fields = check.fields(data ?? {}, [...path, ...at, ...place, made, 'data'], variables(name, null));
        raised.set(type, [...(raised.get(type) ?? []), withType(fields)]);
      }
    }
  });
  eachState(machine as MachineState, (state, _keys, at) => {
    for (const { transition, event: name, path: place } of transitionsOf(state))
      check.one(transition.guard, [...path, ...at, ...place, 'guard'], variables(name, raised), 'bool');
    for (const { action, event: name, path: place } of actionsOf(state)) {
      const emit = checkAction(action, [...path, ...at, ...place], variables(name, raised), check);
      if (emit !== null) emitted.set(emit.output, [...(emitted.get(emit.output) ?? []), emit.type]);
    }
  });
  return new Map([...emitted].map(([output, types]) => [output, mergeTypes(types)]));
}

/** What a transition on `name` sees. Entry, exit, always, after and wildcards follow any event: dyn. `raised` is null while
 *  not all raised events are known: any event may be one. */
function eventType(name: string | null, input: EventType, raised: ReadonlyMap<string, EventType[]> | null): EventType {
  if (name === null || raised === null || name.endsWith('*')) return DYN;
  const own = raised.get(name);
  return own === undefined ? input : mergeTypes([input, ...own]);
}

function withType(data: EventType): EventType {
  return data.kind === 'object' ? objectType({ ...data.fields, type: STRING }, data.open) : DYN;
}

/** Fields that some `assign` or the initial context names; what they hold changes over time, so each is dyn. */
function contextType(machine: MachineSpec): EventType {
  const names = new Set(Object.keys(machine.context));
  eachState(machine as MachineState, (state) => {
    for (const { action } of actionsOf(state)) for (const name of Object.keys(action.assign ?? {})) names.add(name);
  });
  return objectType(Object.fromEntries([...names].map((name) => [name, DYN])));
}

function checkAction(
  { assign, emit, raise, sendTo, cancel }: MachineAction,
  path: readonly PathPart[],
  variables: Variables,
  check: CodeCheck,
): { readonly output: string; readonly type: EventType } | null {
  check.fields(assign, [...path, 'assign'], variables);
  for (const [name, made] of Object.entries({ raise, sendTo })) {
    if (typeof made?.delay === 'string' && !isDuration(made.delay)) check.one(made.delay, [...path, name, 'delay'], variables, 'number');
    check.one(made?.id, [...path, name, 'id'], variables);
  }
  checkKey(sendTo?.key, [...path, 'sendTo', 'key'], variables, check);
  check.one(cancel, [...path, 'cancel'], variables);
  return emit === undefined ? null : { output: emit.output, type: check.fields(emit.value, [...path, 'emit', 'value'], variables) };
}

/** A key of another kind is the key of nobody: 1 is not "1". */
function checkKey(code: Code | undefined, path: readonly PathPart[], variables: Variables, check: CodeCheck): void {
  if (code === undefined) return;
  const [found, wanted] = [check.one(code, path, variables), variables['key'] ?? DYN];
  const [is, should] = [kindOf(found), kindOf(wanted)];
  if (is === null || should === null || is === should) return;
  check.issues.push({
    path: formatPath(path),
    message: `keys of the stage are ${describeType(wanted)}, this is ${describeType(found)}: no actor has such a key`,
    fix: should === 'string' ? 'use string(…)' : `give a ${should}`,
  });
}

/** Null: not known. All numbers are one kind. */
function kindOf(type: EventType): string | null {
  if (type.kind === 'dyn') return null;
  if (type.kind !== 'scalar') return type.kind;
  return type.name === 'string' || type.name === 'bool' ? type.name : 'number';
}
