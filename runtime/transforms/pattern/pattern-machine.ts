// A pattern as a statechart: the life of one of its partial matches, a run, from the event that begins it. Pure.
//
//   PM1. It is made of the pattern's own automaton: a state for each position, behind several ways a region for each (pattern-states.ts).
//   PM2. Where partial matches never part, a run is one actor: every event is an `event`, and moves it on, leaves it or ends it.
//   PM3. Where they may part, an event makes several runs of one: one that is told `takes STATE` for each state whose guard holds, and
//        one that is told `passes`. All of them together find the pattern's matches.
//   PM4. The chart is of one run. How many there are, and what a match ends of the others (afterMatch), is the transform's.

import type { Code } from '../../../crds/stream-job/code.ts';
import type { MachineAction, MachineSpec, MachineState, MachineTransition } from '../../../crds/stream-job/machine.ts';
import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { formatDuration, parseDuration } from '../../base/duration.ts';
import { ACCEPT, buildAutomaton } from './automaton.ts';
import type { Automaton, Condition, Position, Way } from './automaton.ts';
import { all, guardOf, not } from './pattern-guards.ts';
import { CLOSED, isOpenEnd, OPEN, regionName, stateNames, waitingWays, WAITING } from './pattern-states.ts';

export type PatternMachine = {
  readonly machine: Pick<MachineSpec, 'eventType' | 'context' | 'initial' | 'states'>;
  /** PM3. */
  readonly parts: boolean;
};

/** The output of a match: `{ startMs, endMs, matched }`. */
export const MATCH = 'match';
/** What a run is told of an event where runs never part (PM2): not `*`, which would take its timers too. */
const EVENT = 'event';
/** Where they part (PM3). */
export const TAKES = 'takes';
export const PASSES = 'passes';
const TELL: MachineAction = { emit: { output: MATCH, value: { startMs: 'context.startMs', endMs: 'timeMs', matched: 'context.matched' } } };
const MATCHED = '#machine.matched';
const ENDED = '#machine.ended';
const TIMED_OUT = '#machine.timedOut';

type Moves = Record<string, MachineTransition[]>;

export function patternMachine(pattern: PatternSpec): PatternMachine {
  const chart = new PatternChart(buildAutomaton(pattern), pattern.within ?? null);
  return { machine: chart.machine(), parts: chart.parts };
}

class PatternChart {
  readonly parts: boolean;
  readonly #automaton: Automaton;
  readonly #names: readonly string[];
  readonly #guards: readonly Code[];
  readonly #within: string | null;
  /** What the context has to say: that nothing has come yet; that the end of time makes it a match; that it was one; that a step's time was over. */
  readonly #notes: Readonly<Record<'isFresh' | 'holds' | 'wasMatch' | 'wasOver', boolean>>;

  constructor(automaton: Automaton, within: string | null) {
    const { positions, start, conditions } = automaton;
    this.#automaton = automaton;
    this.#within = within;
    this.#names = stateNames(automaton);
    this.#guards = conditions.map((code, number) => guardOf(code, this.#nameOf(number)));
    const ways = positions.flatMap((position) => position.ways);
    this.#notes = {
      isFresh: ways.some(({ notNext }) => notNext.length > 0),
      holds: within !== null && ways.some(endsByTime),
      wasMatch: positions.some((position) => position.ways.length > 1 && position.ways.some(({ target }) => target === ACCEPT)),
      wasOver: ways.some(({ withinMs }) => withinMs !== null),
    };
    this.parts = start.length > 1 || positions.some(isParting);
  }

  machine(): PatternMachine['machine'] {
    const { positions, names, start } = this.#automaton;
    const begins: Moves = {};
    for (const way of start) this.#takes(begins, way, [], true);
    this.#passes(begins, null, 'ended');
    const waiting = [...positions.keys()].toReversed().filter((at) => waitingWays(positions[at]!).size > 0);
    const states = Object.fromEntries(waiting.map((at) => [this.#names[at]!, this.#position(positions[at]!)]));
    const after = this.#within === null ? {} : { after: { [this.#within]: this.#over() } };
    const noted = Object.entries(this.#notes).flatMap(([note, isThere]) => (isThere ? [[note, false] as const] : []));
    const mayTimeOut = waiting.length > 0 && (this.#within !== null || this.#notes.wasOver);
    return {
      ...(this.parts ? {} : { eventType: `"${EVENT}"` }),
      context: { startMs: 0, takenMs: 0, matched: Object.fromEntries(names.map((name) => [name, []])), ...Object.fromEntries(noted) },
      initial: 'begins',
      states: {
        begins: { on: begins },
        ...(waiting.length === 0 ? {} : { [OPEN]: { initial: this.#names[waiting[0]!], states, ...after } }),
        matched: { type: 'final', entry: [TELL] },
        ended: { type: 'final' },
        ...(mayTimeOut ? { timedOut: { type: 'final' as const } } : {}),
      },
    };
  }

  /** When the time of the whole is over. */
  #over(): MachineTransition[] {
    return [
      ...(this.#notes.holds ? [{ guard: 'context.holds', target: MATCHED }] : []),
      ...(this.#notes.wasMatch ? [{ guard: 'context.wasMatch', target: ENDED }] : []),
      { target: TIMED_OUT },
    ];
  }

  #position(position: Position): MachineState {
    const ways = [...waitingWays(position).values()];
    const begun = this.#begun(position);
    const entry = begun.length === 0 ? {} : { entry: begun };
    if (ways.length === 1) return { ...this.#waits(ways[0]!, ENDED, position.ways.some(isOpenEnd)), ...entry };
    const regions = ways.map((way): [string, MachineState] => [
      regionName(way, this.#names),
      { initial: WAITING, states: { [WAITING]: this.#waits(way, CLOSED), [CLOSED]: { type: 'final' } } },
    ]);
    const isOver = this.#notes.wasMatch ? 'context.wasOver && !context.wasMatch' : 'context.wasOver';
    const onDone = [...(this.#notes.wasOver ? [{ guard: isOver, target: TIMED_OUT }] : []), { target: ENDED }];
    return { type: 'parallel', ...entry, states: Object.fromEntries(regions), onDone };
  }

  /** What is so from the moment on at which a position's event was taken. */
  #begun({ ways }: Position): MachineAction[] {
    const isWhole = ways.some(isOpenEnd);
    const noted = this.#noted({
      isFresh: ways.some(({ notNext }) => notNext.length > 0),
      holds: ways.some(endsByTime),
      wasMatch: isWhole,
      wasOver: false,
    });
    return isWhole ? [...noted, TELL] : noted;
  }

  #waits(way: Way, closed: string, wasMatch = false): MachineState {
    const on: Moves = {};
    const judged = [
      ...way.until.map((condition) => this.#guards[condition]!),
      ...way.bars.map(({ where, until }) => all([this.#guards[where]!, ...(until === null ? [] : [not(this.#guards[until]!)])])),
      ...way.notNext.map((condition) => all(['context.isFresh', this.#guards[condition]!])),
    ];
    const isEnd = way.target === ACCEPT;
    if (!isEnd) this.#takes(on, way, judged, false);
    const gone = endsByTime(way) ? this.#noted({ holds: false }) : [];
    const closing = this.#notes.wasOver ? [...gone, ...this.#noted({ wasOver: false })] : gone;
    for (const guard of judged) this.#passes(on, guard, closed, closing);
    if (isEnd && way.notFollowedBy.length === 0) this.#passes(on, null, closed, [...this.#noted({ wasMatch: true }), TELL]);
    else if (way.contiguity === 'next' && !isEnd) this.#passes(on, null, closed, closing);
    else {
      const isTakenOnce = !isEnd && way.contiguity === 'followedBy' && (this.parts || way.untaken.length > 0);
      if (isTakenOnce) this.#passes(on, this.#guards[this.#automaton.positions[way.target]!.where]!, closed, closing); // P3
      for (const condition of way.notFollowedBy) this.#passes(on, this.#guards[condition]!, closed, closing);
      if (way.notNext.length > 0) this.#passes(on, 'context.isFresh', null, this.#noted({ isFresh: false }));
    }
    return { on, ...this.#after(way, closed, wasMatch) };
  }

  /** The end of a way by its step's own time. */
  #after(way: Way, closed: string, wasMatch: boolean): Pick<MachineState, 'after'> {
    if (way.withinMs === null) return {};
    const isWhole = endsByTime(way);
    const delay = formatDuration(way.withinMs);
    if (closed === ENDED) return { after: { [delay]: isWhole ? MATCHED : wasMatch ? ENDED : TIMED_OUT } };
    const actions = isWhole ? [...this.#noted({ holds: false, wasMatch: true, wasOver: true }), TELL] : this.#noted({ wasOver: true });
    return { after: { [delay]: { target: closed, actions } } };
  }

  #takes(on: Moves, way: Way, judged: readonly Code[], isFirst: boolean): void {
    const { step, where } = this.#automaton.positions[way.target]!;
    const bars = isFirst
      ? way.bars.map(({ where: barred, until }) => all([this.#guards[barred]!, ...(until === null ? [] : [not(this.#guards[until]!)])]))
      : [];
    const limits = [
      ...(isFirst || this.#within === null ? [] : [`timeMs - context.startMs < ${parseDuration(this.#within)}.0`]),
      ...(isFirst || way.withinMs === null ? [] : [`timeMs - context.takenMs < ${way.withinMs}.0`]),
    ];
    const untaken = way.untaken.map((condition) => not(this.#guards[condition]!));
    const guard = all([this.#guards[where]!, ...[...judged, ...bars].map(not), ...untaken, ...limits]);
    const lists = this.#automaton.names.map((name) => `"${name}": context.matched.${name}${name === step ? ' + [event]' : ''}`);
    const assign = { ...(isFirst ? { startMs: 'timeMs' } : {}), takenMs: 'timeMs', matched: `{${lists.join(', ')}}` };
    const name = this.#names[way.target]!;
    const target = waitingWays(this.#automaton.positions[way.target]!).size === 0 ? MATCHED : `#machine.${OPEN}.${name}`;
    const isLoop = this.#automaton.positions[way.target]!.ways.includes(way);
    const event = this.parts ? `${TAKES} ${name}` : EVENT;
    (on[event] ??= []).push({
      target,
      ...(guard === 'true' ? {} : { guard }),
      ...(isLoop ? { reenter: true } : {}),
      actions: [{ assign }],
    });
  }

  /** `guard` null: whatever comes; `target` null: it stays. */
  #passes(on: Moves, guard: Code | null, target: string | null, actions: readonly MachineAction[] = []): void {
    (on[this.parts ? PASSES : EVENT] ??= []).push({
      ...(target === null ? {} : { target }),
      ...(guard === null ? {} : { guard }),
      ...(actions.length === 0 ? {} : { actions: [...actions] }),
    });
  }

  /** The notes that this pattern has. */
  #noted(notes: Partial<Record<'isFresh' | 'holds' | 'wasMatch' | 'wasOver', boolean>>): MachineAction[] {
    const assign = Object.entries(notes).flatMap(([note, value]) =>
      this.#notes[note as keyof typeof notes] ? [[note, String(value)] as const] : [],
    );
    return assign.length === 0 ? [] : [{ assign: Object.fromEntries(assign) }];
  }

  /** Of a condition that is a function: the step that has it. */
  #nameOf(condition: Condition): string {
    const position = this.#automaton.positions.find(({ where }) => where === condition);
    return position === undefined ? 'code' : `where of ${position.step}`;
  }
}

/** What must not come had time until the end. */
function endsByTime({ target, notFollowedBy }: Way): boolean {
  return target === ACCEPT && notFollowedBy.length > 0;
}

/** One event may make several partial matches of one that stands there. */
function isParting({ ways }: Position): boolean {
  return ways.length > 1 || ways.some(({ contiguity, target }) => contiguity === 'followedByAny' && target !== ACCEPT);
}
