// A pattern as a statechart: the life of one of its partial matches, from the event that begins it.
//
//   PM1. A partial match is an actor: it stands behind the event that it took last, and each event moves it on, leaves it, or ends it.
//   PM2. Only patterns whose partial matches never part can be said so: next and followedBy, fixed numbers of repetitions, notNext and
//        notFollowedBy between steps, within of the whole. Of others it says why not.
//   PM3. The chart is of one partial match. How many there are, and what a match ends of the others (afterMatch), is the transform's.

import type { MachineAction, MachineSpec, MachineState, MachineTransition } from '../../crds/stream-job/machine.ts';
import type { PatternSpec, PatternStep } from '../../crds/stream-job/pattern.ts';
import { parseDuration } from '../base/duration.ts';

export type PatternMachine =
  | { readonly kind: 'machine'; readonly machine: Pick<MachineSpec, 'context' | 'initial' | 'states'> }
  | { readonly kind: 'none'; readonly because: string };

/** The output of a match, and the field of the context that holds when it began. */
export const MATCH = 'match';
const START = 'startMs';

/** An event that is taken: a step, or one of its repetitions. */
type Taking = {
  readonly state: string;
  readonly step: PatternStep;
  readonly isStrict: boolean;
  readonly notNext: string[];
  readonly notBetween: string[];
};

class Parts extends Error {}

export function patternMachine(pattern: PatternSpec): PatternMachine {
  try {
    const takings = takingsOf(pattern.steps);
    const withinMs = pattern.within === undefined ? null : parseDuration(pattern.within);
    return { kind: 'machine', machine: { context: {}, initial: 'begins', states: statesOf(takings, withinMs, pattern.within) } };
  } catch (error) {
    if (error instanceof Parts) return { kind: 'none', because: error.message };
    throw error;
  }
}

/** Throws Parts for what makes partial matches part. */
function takingsOf(steps: readonly PatternStep[]): readonly Taking[] {
  const takings: Taking[] = [];
  let [notNext, notBetween]: [string[], string[]] = [[], []];
  for (const step of steps) {
    const { name, contiguity = 'followedBy', times, inner = 'followedBy' } = step;
    if (contiguity === 'notNext' || contiguity === 'notFollowedBy') {
      (contiguity === 'notNext' ? notNext : notBetween).push(conditionOf(step) ?? 'true');
      continue;
    }
    const why = partsBy(step, takings.length === 0);
    if (why !== null) throw new Parts(`step "${name}" ${why}: its partial matches part, or wait for more than one event`);
    const isStrict = contiguity === 'next';
    if (isStrict && notNext.length + notBetween.length > 0) throw new Parts(`step "${name}" follows at once, and a not stands before it`);
    for (let time = 1; time <= (times?.min ?? 1); time++) {
      const state = time === 1 ? name : `${name}-${time}`;
      if (time > 1) takings.push({ state, step, isStrict: inner === 'next', notNext: [], notBetween: [] });
      else takings.push({ state, step, isStrict, notNext, notBetween });
    }
    [notNext, notBetween] = [[], []];
  }
  if (notNext.length + notBetween.length > 0) throw new Parts('it ends with a not, which only time decides');
  return takings;
}

function partsBy({ name, contiguity, times, inner, optional, greedy, until, within, steps }: PatternStep, isFirst: boolean): string | null {
  if (steps !== undefined) return 'is a group';
  if (optional) return 'is optional';
  if (times !== undefined && times.max !== times.min) return 'repeats as often as it will';
  if ((contiguity === 'followedByAny' && !isFirst) || inner === 'followedByAny') return 'takes any event that matches';
  if (greedy || until !== undefined || within !== undefined)
    return `has ${greedy ? 'greedy' : until === undefined ? 'a within of its own' : 'until'}`;
  return name === START ? 'has the name of a field of the chart' : null;
}

/** What the pattern calls `matched` is the chart's context. */
function conditionOf({ name, where }: PatternStep): string | null {
  if (where === undefined) return null;
  if (typeof where !== 'string') throw new Parts(`step "${name}" has a function`);
  if (/(['"])(?:(?!\1).)*\bmatched\b(?:(?!\1).)*\1/.test(where)) throw new Parts(`step "${name}" has "matched" in a text`);
  return where.replaceAll(/(?<![\w.])matched\b/g, 'context');
}

function statesOf(takings: readonly Taking[], withinMs: number | null, within: string | undefined): Record<string, MachineState> {
  const waiting: Record<string, MachineState> = {};
  takings.forEach((from, place) => {
    const next = takings[place + 1];
    if (next === undefined) return;
    const target = place + 2 === takings.length ? '#machine.matched' : next.state;
    const take = taking(next, target, false, withinMs);
    const ends = (conditions: readonly string[]): MachineTransition[] => conditions.map((guard) => ({ guard, target: '#machine.ended' }));
    if (next.isStrict) waiting[from.state] = { on: { '*': [take, { target: '#machine.ended' }] } };
    else if (next.notNext.length === 0) waiting[from.state] = { on: { '*': [take, ...ends(next.notBetween)] } };
    else {
      const later = `${from.state}-later`;
      waiting[from.state] = { on: { '*': [take, ...ends([...next.notNext, ...next.notBetween]), { target: later }] } };
      waiting[later] = { on: { '*': [take, ...ends(next.notBetween)] } };
    }
  });
  const [first] = takings as [Taking];
  const names = [...new Set(takings.map(({ step }) => step.name))];
  const begun = takings.length === 1 ? 'matched' : `#machine.open.${first.state}`;
  const told: MachineAction = {
    emit: {
      output: MATCH,
      value: { startMs: `context.${START}`, endMs: 'timeMs', ...Object.fromEntries(names.map((name) => [name, `context.${name}`])) },
    },
  };
  return {
    begins: { on: { '*': [taking(first, begun, true, null), { target: 'ended' }] } },
    ...(takings.length === 1
      ? {}
      : { open: { initial: first.state, states: waiting, ...(within === undefined ? {} : { after: { [within]: 'timedOut' } }) } }),
    matched: { type: 'final', entry: [told] },
    ended: { type: 'final' },
    ...(within === undefined || takings.length === 1 ? {} : { timedOut: { type: 'final' } }),
  };
}

function taking({ step }: Taking, target: string, isFirst: boolean, withinMs: number | null): MachineTransition {
  const { name } = step;
  const condition = conditionOf(step);
  const conditions = [
    ...(condition === null ? [] : [withinMs === null ? condition : `(${condition})`]),
    ...(withinMs === null ? [] : [`timeMs - context.${START} < ${withinMs}.0`]),
  ];
  const assign = { [name]: `has(context.${name}) ? context.${name} + [event] : [event]`, ...(isFirst ? { [START]: 'timeMs' } : {}) };
  return { target, ...(conditions.length === 0 ? {} : { guard: conditions.join(' && ') }), actions: [{ assign }] };
}
