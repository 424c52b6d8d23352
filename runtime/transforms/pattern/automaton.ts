// A declared pattern as an automaton: positions that take an event each, and the ways from each to what may come next.
//
// After Glushkov's construction: repetitions are written out as copies, the last of which leads to itself where there is no
// bound. A partial match stands at the position that took its last event, and waits on all ways from there at once.
//   A1. A way holds all that is judged between the event before and the one that it takes; nothing else is.
//   A2. Positions and ways are numbered by what the steps are (names, contiguity, times, optional, groups) alone: conditions
//       and durations may change, and state stays readable.
//   A3. A round of a group takes an event at least (rules-pattern), so no two ways of a position lead to one target.
//   A4. Ways of one position are in order: on in the repetition first, then past it.

import type { Code } from '../../../crds/stream-job/code.ts';
import type { PatternSpec, PatternStep } from '../../../crds/stream-job/pattern.ts';
import { parseDuration } from '../../base/duration.ts';

/** Instead of a position: the match is whole. */
export const ACCEPT = -1;
/** The numbers of positions that stand for the beginning of a repetition while it is built. */
const LOOP_FIRST = -2;

/** Number of a condition in `Automaton.conditions`. */
export type Condition = number;
export type Contiguity = 'next' | 'followedBy' | 'followedByAny';
export type Way = {
  readonly target: number;
  readonly contiguity: Contiguity;
  /** The very next event must not match one of them. */
  readonly notNext: readonly Condition[];
  /** No event in between may match one of them. */
  readonly notFollowedBy: readonly Condition[];
  /** A greedy repetition was left: no event may come that it would have taken. */
  readonly bars: readonly Bar[];
  /** An event that matches one of them closes the way. */
  readonly until: readonly Condition[];
  /** An event that matches one of them is not taken, and closes nothing. */
  readonly untaken: readonly Condition[];
  readonly withinMs: number | null;
};
type Bar = { readonly where: Condition; readonly until: Condition | null };
export type Position = { readonly step: string; readonly where: Condition; ways: readonly Way[] };
export type Automaton = {
  readonly positions: readonly Position[];
  /** Ways of an event that begins a match. */
  readonly start: readonly Way[];
  readonly conditions: readonly Code[];
  /** Names of the steps that take events, in the order of declaration. */
  readonly names: readonly string[];
};

export function buildAutomaton({ steps }: Pick<PatternSpec, 'steps'>): Automaton {
  const builder = new Builder();
  const start = builder.sequence(steps, [wayTo(ACCEPT, 'followedBy')], null);
  return { positions: builder.positions, start, conditions: builder.conditions, names: builder.names };
}

/** How often a step is written out: without a bound once more than it must come, so that the last copy is always entered from inside. */
function copiesOf({ times }: PatternStep): { readonly min: number; readonly copies: number; readonly isEndless: boolean } {
  if (times === undefined) return { min: 1, copies: 1, isEndless: false };
  const isEndless = times.max === undefined;
  return { min: times.min, copies: times.max ?? times.min + 1, isEndless };
}

/** From the end to the beginning: each part is given the ways that lead out of it, and gives the ways that lead into it. */
class Builder {
  readonly positions: Position[] = [];
  readonly conditions: Code[] = [];
  readonly names: string[] = [];
  readonly #numbers = new Map<Code, Condition>();
  #loops = LOOP_FIRST;

  /** `entry`: contiguity of its first step where that is said from outside. */
  sequence(steps: readonly PatternStep[], exits: readonly Way[], entry: Contiguity | null): readonly Way[] {
    let ways = exits;
    /** Those directly behind the step. */
    let nots: readonly Condition[] = [];
    for (const [index, step] of [...steps.entries()].toReversed()) {
      const { contiguity = 'followedBy' } = step;
      if (contiguity === 'notNext' || contiguity === 'notFollowedBy') {
        ways = ways.map((way) => this.#withNot(way, step));
        if (contiguity === 'notFollowedBy') nots = [...nots, this.#condition(step.where)];
      } else {
        ways = this.#step(step, ways, { contiguity: index === 0 ? (entry ?? contiguity) : contiguity, nots });
        nots = [];
      }
    }
    return ways;
  }

  #withNot(way: Way, { contiguity, where, within }: PatternStep): Way {
    const condition = this.#condition(where);
    if (contiguity === 'notNext') return { ...way, notNext: [...way.notNext, condition] };
    const withinMs = within === undefined ? way.withinMs : Math.min(parseDuration(within), way.withinMs ?? Infinity);
    return { ...way, notFollowedBy: [...way.notFollowedBy, condition], withinMs };
  }

  #step(step: PatternStep, exits: readonly Way[], from: { contiguity: Contiguity; nots: readonly Condition[] }): readonly Way[] {
    const first = this.positions.length;
    const past = step.greedy ? exits.map((way) => this.#barred(way, step)) : exits;
    const entry = this.#repeated(step, { exits, past }, from);
    const until = step.until === undefined ? [] : [this.#condition(step.until)];
    for (const position of this.positions.slice(first)) {
      position.ways = position.ways.map((way) => (way.target >= first ? { ...way, until: [...way.until, ...until] } : way));
    }
    const into = entry.map((way) => (way.target >= first ? { ...way, untaken: [...way.untaken, ...until] } : way));
    return step.optional ? [...into, ...past] : into;
  }

  #repeated(
    step: PatternStep,
    { exits, past }: { readonly exits: readonly Way[]; readonly past: readonly Way[] },
    { contiguity, nots }: { readonly contiguity: Contiguity; readonly nots: readonly Condition[] },
  ): readonly Way[] {
    const { min, copies, isEndless } = copiesOf(step);
    const inner = step.inner ?? 'followedBy';
    // What must not come behind it ends it too: notFollowedBy between any two repetitions, and all of them where it may be left.
    const mayNotLeave = (on: readonly Way[]): readonly Way[] => withNots(on, { notNext: [], notFollowedBy: nots });
    const behind = { notNext: past.flatMap((way) => way.notNext), notFollowedBy: past.flatMap((way) => way.notFollowedBy) };
    const onOrPast = (on: readonly Way[]): readonly Way[] => [...withNots(on, behind), ...past];
    let next: readonly Way[] = [];
    for (let copy = copies; copy >= 1; copy--) {
      const entry = copy === 1 ? contiguity : inner;
      if (copy === copies && isEndless) next = this.#looped(step, onOrPast, entry);
      else next = this.#once(step, copy === copies ? exits : copy >= min ? onOrPast(next) : mayNotLeave(next), entry);
    }
    return next;
  }

  /** A copy that leads to itself. */
  #looped(step: PatternStep, onOrPast: (on: readonly Way[]) => readonly Way[], contiguity: Contiguity): readonly Way[] {
    const first = this.positions.length;
    const loop = wayTo(this.#loops--, contiguity);
    const entry = this.#once(step, onOrPast([loop]), contiguity);
    for (const position of this.positions.slice(first)) {
      position.ways = position.ways.flatMap((way) => (way.target === loop.target ? entry.map((on) => joined(way, on)) : [way]));
    }
    return entry;
  }

  #once(step: PatternStep, exits: readonly Way[], contiguity: Contiguity): readonly Way[] {
    if (step.steps !== undefined) return this.sequence(step.steps, exits, contiguity);
    if (!this.names.includes(step.name)) this.names.unshift(step.name);
    const target = this.positions.push({ step: step.name, where: this.#condition(step.where), ways: exits }) - 1;
    const withinMs = step.within === undefined ? null : parseDuration(step.within);
    return [wayTo(target, contiguity, withinMs)];
  }

  #barred(way: Way, { where, until }: PatternStep): Way {
    const bar = { where: this.#condition(where), until: until === undefined ? null : this.#condition(until) };
    return { ...way, bars: [...way.bars, bar] };
  }

  #condition(code: Code = 'true'): Condition {
    const known = this.#numbers.get(code);
    if (known !== undefined) return known;
    this.#numbers.set(code, this.conditions.length);
    return this.conditions.push(code) - 1;
  }
}

function wayTo(target: number, contiguity: Contiguity, withinMs: number | null = null): Way {
  return { target, contiguity, notNext: [], notFollowedBy: [], bars: [], until: [], untaken: [], withinMs };
}

/** Ways on in a repetition, with what must not come behind it. */
function withNots(on: readonly Way[], { notNext, notFollowedBy }: Pick<Way, 'notNext' | 'notFollowedBy'>): readonly Way[] {
  return on.map((way) => ({
    ...way,
    notNext: [...new Set([...way.notNext, ...notNext])],
    notFollowedBy: [...new Set([...way.notFollowedBy, ...notFollowedBy])],
  }));
}

/** `on` entered by `way`: what is judged on both. */
function joined(way: Way, on: Way): Way {
  return {
    ...on,
    notNext: [...way.notNext, ...on.notNext],
    notFollowedBy: [...way.notFollowedBy, ...on.notFollowedBy],
    bars: [...way.bars, ...on.bars],
    until: [...way.until, ...on.until],
    untaken: [...way.untaken, ...on.untaken],
  };
}
