// Whether actors of one machine can go on in another: every state that one may be in is still there, and every timer that runs
// still leads somewhere.
//
//   A1. Transitions, guards, actions, outputs and further states may change. A field of the context that is new begins with its
//       initial value (transforms/actor/machine.ts).
//   A2. A final state at the top holds no actor (it is forgotten there), a history state never does.

import type { MachineState } from '../../crds/stream-job/machine.ts';
import { formatDuration, parseDuration } from '../base/duration.ts';
import { machineStates } from '../job/code-text.ts';
import { eachState } from './machine-walk.ts';
import type { OpPlan } from './physical-plan.ts';
import type { Misfit } from './state-fit.ts';

/** `was` and `is` are machines of one kind; other kinds are judged before. */
export function compareMachines(was: OpPlan, is: OpPlan): readonly Misfit[] {
  if (was.kind === 'machine' && is.kind === 'machine') {
    const [before, after] = [was.spec as MachineState, is.spec as MachineState];
    return [...compareStates(statesOf(before), statesOf(after)), ...compareRegions(before, after), ...compareTimers(before, after)];
  }
  if (was.kind !== 'xstate' || is.kind !== 'xstate') return [];
  return compareStates(was.states ?? machineStates(was.machine), is.states ?? machineStates(is.machine));
}

function compareStates(was: readonly string[], is: readonly string[]): readonly Misfit[] {
  const gone = was.filter((name) => !is.includes(name));
  if (gone.length === 0) return [];
  const reason = `actors may be in ${gone.join(', ')}, which would be gone`;
  return [{ reason, fix: `keep ${gone.length > 1 ? 'these states' : 'that state'} with a transition out of it, until no actor is there` }];
}

/** States that an actor may rest in, by their way from the top: `busy.waiting`. */
function statesOf(machine: MachineState): readonly string[] {
  const found: string[] = [];
  eachState(machine, (state, keys) => {
    const isPassing = state.type === 'history' || state.history !== undefined || (state.type === 'final' && keys.length === 1);
    if (keys.length > 0 && !isPassing) found.push(keys.join('.'));
  });
  return found;
}

/** An actor in a parallel state is in all of its regions at once; in any other in one of its states. */
function compareRegions(was: MachineState, is: MachineState): readonly Misfit[] {
  const [before, after] = [parallelStates(was), parallelStates(is)];
  const known = statesOf(is);
  const changed = [...before, ...after].filter(
    (name) => (name === '' || known.includes(name)) && before.includes(name) !== after.includes(name),
  );
  return changed.map((name) => ({
    reason: `${name === '' ? 'the machine' : `state ${name}`} ${before.includes(name) ? 'was parallel and would not be' : 'would be parallel'}: where its actors are then is not known`,
    fix: 'give the stage another name: then its actors begin anew',
  }));
}

function parallelStates(machine: MachineState): readonly string[] {
  const found: string[] = [];
  eachState(machine, (state, keys) => {
    if (state.type === 'parallel') found.push(keys.join('.'));
  });
  return found;
}

/** A running timer is known by its delay: under another delay it leads nowhere, and no new one was set. */
function compareTimers(was: MachineState, is: MachineState): readonly Misfit[] {
  const after = new Map<string, readonly number[]>();
  eachState(is, (state, keys) => void after.set(keys.join('.'), delaysOf(state)));
  const misfits: Misfit[] = [];
  eachState(was, (state, keys) => {
    const name = keys.join('.');
    const [before, now] = [delaysOf(state), after.get(name) ?? []];
    const gone = before.filter((delayMs) => !now.includes(delayMs));
    if (gone.length === 0 || now.every((delayMs) => before.includes(delayMs))) return;
    const delay = formatDuration(gone[0] ?? 0);
    misfits.push({
      reason: `actors that wait in state ${name} have a timer of ${delay}, which would lead nowhere, and none of the new delay`,
      fix: `keep after: ${delay} beside the new one until they are through`,
    });
  });
  return misfits;
}

function delaysOf({ after }: MachineState): readonly number[] {
  return Object.keys(after ?? {}).map(parseDuration);
}
