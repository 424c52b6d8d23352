// pattern: finds sequences of events of one key, in the order of their times (complex event processing).
//
// An `order` node goes before it (plan), so events come by (time, arrival) and none is late. Cells: see key-matches.ts. Derived:
// the matches of each key, and when to look whether one of them has timed out.
//   T1. The automaton is compiled once a task; what an event makes of a match is pure (partial-match.ts).
//   T2. What fails for an event (a condition, a limit) is its dead letter: it is in no match and between none, as if it had not come.
//   T3. Matches of an event come out by their first event, then in the order in which they grew. A match has the time of the
//       moment at which it counts: of its last event, or of the end of what had to be waited for.
//   T4. A partial match times out when the watermark reaches the ms before its end; by (end, key, first event). At the end of
//       the input all do.

import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { PATTERN_MATCH_EVENTS_MAX } from '../../base/limits.ts';
import type { Batch, Key, Value } from '../../event/batch.ts';
import { decodeKey } from '../../event/key.ts';
import { compileCode, compileFields } from '../../expression/expression.ts';
import type { Compiled } from '../../expression/expression.ts';
import type { OpPlan } from '../../plan/physical-plan.ts';
import { Heap } from '../../time/heap.ts';
import { keysOf } from '../batch-keys.ts';
import { EventRefused, describeValue, failEvent } from '../failure.ts';
import type { ActorFigures } from '../figures.ts';
import { keyFields } from '../key-fields.ts';
import type { RestoreContext, StepContext, Transform } from '../transform.ts';
import { buildAutomaton } from './automaton.ts';
import type { Automaton } from './automaton.ts';
import { Conditions } from './conditions.ts';
import { KeyMatches, beginningOf, takenOf } from './key-matches.ts';
import type { Held } from './key-matches.ts';
import { advance, begin, endOf, expire, matchedOf } from './partial-match.ts';
import type { MatchedEvent, PartialMatch, Taken } from './partial-match.ts';
import { PartialMatchBook } from './partial-match-book.ts';
import { endsOthers } from './skip.ts';

type PatternOp = Extract<OpPlan, { kind: 'pattern' }>;
/** Output of partial matches that became none in time. */
const TIMED_OUT = 'timedOut';
const SELECT_NAMES = ['matched', 'key', 'startMs', 'endMs'] as const;

/** When to look at a key: something of it may end then. */
type Look = { readonly dueMs: number; readonly key: Key };
type Output = { readonly values: Value[]; readonly times: number[]; readonly keys: Key[] };

export function makePattern(op: PatternOp): Transform {
  return new Pattern(op);
}

class Pattern implements Transform {
  readonly absorbs = true;
  readonly #spec: PatternSpec;
  readonly #withinMs: number | null;
  readonly #keyNames: readonly string[];
  readonly #automaton: Automaton;
  readonly #conditions: Conditions;
  readonly #select: Compiled | null;
  #book: PartialMatchBook;
  #keys = new Map<Key, KeyMatches>();
  #looks = new Heap<Look>(isBefore);
  #results: Output = emptyOutput();
  #timedOut: Output = emptyOutput();

  constructor({ spec, withinMs, keyNames }: PatternOp) {
    this.#spec = spec;
    this.#withinMs = withinMs;
    this.#keyNames = keyNames;
    this.#automaton = buildAutomaton(spec);
    this.#book = new PartialMatchBook(this.#automaton);
    this.#conditions = new Conditions(this.#automaton.conditions);
    this.#select = compileSelect(spec.select);
  }

  restored({ cells }: RestoreContext): void {
    this.#keys = KeyMatches.restore(cells);
    this.#looks = new Heap(isBefore);
    this.#book = new PartialMatchBook(this.#automaton);
    for (const { key, held } of this.#keys.values()) {
      this.#book.count(held, []);
      for (const each of held) this.#lookAt(key, each);
    }
  }

  nextDueMs(): number {
    return (this.#looks.peek()?.dueMs ?? Infinity) - 1; // T4
  }

  figures(): ActorFigures {
    return this.#book.figures();
  }

  onBatch(batch: Batch, context: StepContext): void {
    const keys = keysOf(batch);
    let taken = 0;
    for (let i = 0; i < keys.length; i++) {
      this.#expireUpTo(batch.times[i]!, context);
      try {
        this.#take(keys[i]!, { timeMs: batch.times[i]!, value: batch.values[i] }, context);
        taken++;
      } catch (error) {
        failEvent(context, batch, i, error);
      }
    }
    context.countAbsorbed(taken);
    this.#emit(context);
  }

  onWatermark(watermark: number, context: StepContext): void {
    this.#expireUpTo(watermark + 1, context);
    this.#emit(context);
    context.emitWatermark(watermark);
  }

  /** Throws before anything was changed. */
  #take(key: Key, { timeMs, value }: { readonly timeMs: number; readonly value: Value }, context: StepContext): void {
    const known = this.#keys.get(key);
    const matches = known ?? new KeyMatches(key);
    const event: MatchedEvent = { sequence: matches.sequenceNext, timeMs, value };
    const judge = this.#conditions.judgeOf({ key, value, timeMs });
    const next: Held[] = [];
    const whole: (readonly Taken[])[] = [];
    const grow = (grown: readonly PartialMatch[]): void => {
      for (const match of grown) next.push({ kind: 'partial', id: -1, match });
      this.#refuseTooMany(key, next);
    };
    for (const held of matches.held) {
      if (held.kind === 'whole') {
        next.push(held);
        continue;
      }
      const outcome = advance(this.#automaton, held.match, event, judge);
      whole.push(...outcome.whole);
      if (outcome.kept !== null) next.push(outcome.kept === held.match ? held : { ...held, match: outcome.kept });
      grow(outcome.grown);
    }
    const begun = begin(this.#automaton, event, judge);
    whole.push(...begun.whole);
    grow(begun.grown);
    if (known === undefined && next.length === 0 && whole.length === 0) return;
    this.#settle(matches, { next, whole, timeMs }, context);
  }

  /** What is left of `next` and `whole` when those that count have come out. */
  #settle(
    matches: KeyMatches,
    { next, whole, timeMs }: { readonly next: readonly Held[]; readonly whole: readonly (readonly Taken[])[]; readonly timeMs: number },
    context: StepContext,
  ): void {
    const numbered = next.map((held) => (held.id < 0 ? { ...held, id: matches.newId() } : held));
    const finished = whole.map((taken): Held => ({ kind: 'whole', id: matches.newId(), taken }));
    const left = this.#comeOut(matches.key, [...numbered, ...finished], timeMs, context);
    const known = new Set(matches.held);
    this.#book.count(left, matches.held);
    matches.replace(left, context.cells);
    for (const held of left) if (!known.has(held)) this.#lookAt(matches.key, held);
    if (matches.isEmpty) this.#keys.delete(matches.key);
    else this.#keys.set(matches.key, matches);
  }

  /** Gives out the whole matches that count now (K1, K2), without what they end. */
  #comeOut(key: Key, all: readonly Held[], timeMs: number, context: StepContext): readonly Held[] {
    let left = all;
    const isSkipping = this.#spec.afterMatch !== 'noSkip';
    for (;;) {
      const first = left.filter(isWhole).reduce<Whole | null>((a, b) => (a === null || isEarlier(b, a) ? b : a), null);
      if (first === null) return left;
      if (isSkipping && left.some((held) => held.kind === 'partial' && beginningOf(held) < beginningOf(first))) return left;
      this.#addResult(key, first.taken, timeMs, context);
      const isEnded = endsOthers(this.#spec, this.#automaton, first.taken);
      left = left.filter((held) => held !== first && !isEnded(beginningOf(held)));
    }
  }

  /** What ends by `timeMs`, which no event lies before any more. */
  #expireUpTo(timeMs: number, context: StepContext): void {
    for (let look = this.#looks.peek(); look !== undefined && look.dueMs <= timeMs; look = this.#looks.peek()) {
      this.#looks.pop();
      const matches = this.#keys.get(look.key);
      if (matches !== undefined) this.#expireKey(matches, look.dueMs, context);
    }
  }

  #expireKey(matches: KeyMatches, timeMs: number, context: StepContext): void {
    const next: Held[] = [];
    const whole: (readonly Taken[])[] = [];
    for (const held of matches.held) {
      if (held.kind === 'whole') {
        next.push(held);
        continue;
      }
      const outcome = expire(this.#automaton, held.match, { timeMs, withinMs: this.#withinMs });
      if (outcome.whole) whole.push(held.match.taken);
      if (outcome.timedOut) this.#add(this.#timedOut, matches.key, timeMs, this.#plainResult(matches.key, held.match.taken, timeMs));
      if (outcome.kept !== null) next.push(outcome.kept === held.match ? held : { ...held, match: outcome.kept });
    }
    this.#settle(matches, { next, whole, timeMs }, context);
  }

  #lookAt(key: Key, held: Held): void {
    if (held.kind === 'whole') return;
    const dueMs = endOf(this.#automaton, held.match, this.#withinMs);
    if (dueMs < Infinity) this.#looks.push({ dueMs, key });
  }

  #addResult(key: Key, taken: readonly Taken[], timeMs: number, context: StepContext): void {
    if (this.#select === null) {
      this.#add(this.#results, key, timeMs, this.#plainResult(key, taken, timeMs));
      return;
    }
    const matched = matchedOf(this.#automaton, taken);
    try {
      this.#add(this.#results, key, timeMs, this.#select(matched, decodeKey(key), taken[0]!.event.timeMs, timeMs));
    } catch (error) {
      context.countMade(1); // the match; its events are in the state
      failEvent(context, { values: [matched], times: [timeMs], keys: [key], ingestMs: context.ingestMs }, 0, error);
    }
  }

  #plainResult(key: Key, taken: readonly Taken[], endMs: number): Value {
    return { ...keyFields(this.#keyNames, key), startMs: taken[0]!.event.timeMs, endMs, matched: matchedOf(this.#automaton, taken) };
  }

  #add({ values, times, keys }: Output, key: Key, timeMs: number, value: Value): void {
    values.push(value);
    times.push(timeMs);
    keys.push(key);
  }

  #emit(context: StepContext): void {
    const [results, timedOut] = [this.#results, this.#timedOut];
    if (results.keys.length > 0) context.emit({ ...results, ingestMs: context.ingestMs });
    if (timedOut.keys.length > 0) context.emit({ ...timedOut, ingestMs: context.ingestMs }, TIMED_OUT);
    if (results.keys.length > 0) this.#results = emptyOutput();
    if (timedOut.keys.length > 0) this.#timedOut = emptyOutput();
  }

  #refuseTooMany(key: Key, held: readonly Held[]): void {
    const { partialMatchesMax } = this.#spec;
    const name = describeValue(decodeKey(key));
    if (held.length > partialMatchesMax)
      throw new EventRefused(
        `with this event key ${name} would have ${held.length} partial matches, at most ${partialMatchesMax} are possible (partialMatchesMax); ` +
          'nothing of it was taken. Narrow the conditions, shorten within, or raise partialMatchesMax',
      );
    const last = held.at(-1);
    if (last !== undefined && takenOf(last).length > PATTERN_MATCH_EVENTS_MAX)
      throw new EventRefused(
        `with this event a match of key ${name} would have ${takenOf(last).length} events, at most ${PATTERN_MATCH_EVENTS_MAX} are possible; ` +
          'nothing of it was taken. Bound the repetition (times: { max }, until), or shorten within',
      );
  }
}

type Whole = Extract<Held, { kind: 'whole' }>;

function isWhole(held: Held): held is Whole {
  return held.kind === 'whole';
}

/** K2. */
function isEarlier(a: Whole, b: Whole): boolean {
  const difference = beginningOf(a) - beginningOf(b);
  return difference !== 0 ? difference < 0 : a.id < b.id;
}

function compileSelect(select: PatternSpec['select']): Compiled | null {
  if (select === undefined) return null;
  return typeof select === 'object' ? compileFields(select, SELECT_NAMES) : compileCode(select, SELECT_NAMES);
}

function emptyOutput(): Output {
  return { values: [], times: [], keys: [] };
}

/** (time, key). */
function isBefore(a: Look, b: Look): boolean {
  return a.dueMs !== b.dueMs ? a.dueMs < b.dueMs : a.key < b.key;
}
