// What one event makes of one partial match. Pure.
//
//   P1. A partial match waits on all its open ways at once; each way is taken, closed or kept open by itself.
//   P2. An event that is taken is not "in between": a notFollowedBy is judged on events that the way does not take.
//   P3. followedBy waits for the next event that matches: that one is taken, or, where `until` forbids it, none.

import type { Value } from '../../event/batch.ts';
import { ACCEPT } from './automaton.ts';
import type { Automaton, Way } from './automaton.ts';
import type { Judge, Matched } from './conditions.ts';
import { isOpenEnd } from './pattern-states.ts';

/** An event that matches refer to. `sequence`: its place among those of its key. */
export type MatchedEvent = { readonly sequence: number; readonly timeMs: number; readonly value: Value };
export type Taken = { readonly position: number; readonly event: MatchedEvent };

export type PartialMatch = {
  /** In order; never empty. */
  readonly taken: readonly Taken[];
  /** Numbers of the ways that are still open, of the position of the last event. */
  readonly open: readonly number[];
  /** No event has come since the last one that was taken. */
  readonly isFresh: boolean;
  /** As far as it has come it was a match already: it may only grow. */
  readonly wasMatch: boolean;
};

export type Outcome = {
  /** What it is now; null when it is over. The same object when nothing changed. */
  readonly kept: PartialMatch | null;
  /** What it became by taking the event. */
  readonly grown: readonly PartialMatch[];
  /** Whole matches, in order. */
  readonly whole: readonly (readonly Taken[])[];
};

/** `event` comes behind those of `match`. */
export function advance(automaton: Automaton, match: PartialMatch, event: MatchedEvent, judge: Judge): Outcome {
  const ways = waysOf(automaton, match);
  const matched = matchedOnce(automaton, match.taken);
  const grown: PartialMatch[] = [];
  const whole: (readonly Taken[])[] = [];
  let { wasMatch } = match;
  const open = match.open.filter((number) => {
    const way = ways[number]!;
    if (way.until.some((condition) => judge(condition, matched)) || isBarred(way, judge, matched)) return false;
    if (match.isFresh && way.notNext.some((condition) => judge(condition, matched))) return false;
    if (way.target === ACCEPT) {
      if (way.notFollowedBy.length > 0) return !way.notFollowedBy.some((condition) => judge(condition, matched));
      whole.push(match.taken); // what must not follow at once did not
      wasMatch = true;
      return false;
    }
    if (judge(automaton.positions[way.target]!.where, matched)) {
      if (!isUntaken(way, judge, matched)) {
        const next = take(automaton, [...match.taken, { position: way.target, event }]);
        grown.push(...next.grown);
        whole.push(...next.whole);
      }
      if (way.contiguity !== 'followedByAny') return false; // P3
    }
    return way.contiguity !== 'next' && !way.notFollowedBy.some((condition) => judge(condition, matched));
  });
  return { kept: keep(match, { open, wasMatch }, ways), grown, whole };
}

/** `event` begins matches. */
export function begin(automaton: Automaton, event: MatchedEvent, judge: Judge): Omit<Outcome, 'kept'> {
  const matched = matchedOnce(automaton, []);
  const begun = automaton.start
    .filter((way) => !isBarred(way, judge, matched) && !isUntaken(way, judge, matched))
    .filter(({ target }) => judge(automaton.positions[target]!.where, matched))
    .map(({ target }) => take(automaton, [{ position: target, event }]));
  return { grown: begun.flatMap(({ grown }) => grown), whole: begun.flatMap(({ whole }) => whole) };
}

/** Time has come to `timeMs` (no event before it can come any more): what is over by then. `timedOut`: it never was whole. */
export function expire(
  automaton: Automaton,
  match: PartialMatch,
  { timeMs, withinMs }: { readonly timeMs: number; readonly withinMs: number | null },
): { readonly kept: PartialMatch | null; readonly whole: boolean; readonly timedOut: boolean } {
  const ways = waysOf(automaton, match);
  const over = match.open.filter((number) => wayEnd(match, ways[number]!, withinMs) <= timeMs);
  if (over.length === 0) return { kept: match, whole: false, timedOut: false };
  const open = match.open.filter((number) => !over.includes(number));
  const whole = over.some((number) => ways[number]!.target === ACCEPT && ways[number]!.notFollowedBy.length > 0);
  const kept = open.length === 0 ? null : { ...match, open, wasMatch: match.wasMatch || whole };
  return { kept, whole, timedOut: kept === null && !whole && !match.wasMatch };
}

/** When the first of its ways ends by time; Infinity: never. */
export function endOf(automaton: Automaton, match: PartialMatch, withinMs: number | null): number {
  const ways = waysOf(automaton, match);
  return match.open.reduce((end, number) => Math.min(end, wayEnd(match, ways[number]!, withinMs)), Infinity);
}

/** Events of a match by step; steps without events have empty lists. */
export function matchedOf({ names, positions }: Automaton, taken: readonly Taken[]): Record<string, Value[]> {
  const matched: Record<string, Value[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const { position, event } of taken) matched[positions[position]!.step]!.push(event.value);
  return matched;
}

function waysOf({ positions }: Automaton, { taken }: PartialMatch): readonly Way[] {
  return positions[taken.at(-1)!.position]!.ways;
}

function wayEnd({ taken }: PartialMatch, { withinMs }: Way, wholeMs: number | null): number {
  return Math.min(taken[0]!.event.timeMs + (wholeMs ?? Infinity), taken.at(-1)!.event.timeMs + (withinMs ?? Infinity));
}

function isBarred({ bars }: Way, judge: Judge, matched: () => Matched): boolean {
  return bars.some(({ where, until }) => judge(where, matched) && (until === null || !judge(until, matched)));
}

function isUntaken({ untaken }: Way, judge: Judge, matched: () => Matched): boolean {
  return untaken.some((condition) => judge(condition, matched));
}

/** What a match is when its last event was just taken. */
function take({ positions }: Automaton, taken: readonly Taken[]): { grown: readonly PartialMatch[]; whole: readonly (readonly Taken[])[] } {
  const { ways } = positions[taken.at(-1)!.position]!;
  const isWhole = ways.some(isOpenEnd);
  const open = [...ways.keys()].filter((number) => !isOpenEnd(ways[number]!));
  const grown = open.length === 0 ? [] : [{ taken, open, isFresh: ways.some(({ notNext }) => notNext.length > 0), wasMatch: isWhole }];
  return { grown, whole: isWhole ? [taken] : [] };
}

function keep(match: PartialMatch, { open, wasMatch }: Pick<PartialMatch, 'open' | 'wasMatch'>, ways: readonly Way[]): PartialMatch | null {
  if (open.length === 0) return null;
  const isFresh = match.isFresh && !open.some((number) => ways[number]!.notNext.length > 0);
  const isSame = open.length === match.open.length && isFresh === match.isFresh;
  return isSame ? match : { ...match, open, isFresh: false, wasMatch };
}

function matchedOnce(automaton: Automaton, taken: readonly Taken[]): () => Matched {
  let known: Matched | null = null;
  return () => (known ??= matchedOf(automaton, taken));
}
