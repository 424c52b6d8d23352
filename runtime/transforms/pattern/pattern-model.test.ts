// Random small patterns and events, held against a slow and obvious model: write out how often each step comes, try every
// choice of events for that, and look at each gap between two of them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { drawPattern, drawSteps, patternHarness, pushDrawn, shown, showMatch } from './pattern-drawing.ts';
import type { DrawnEvent } from './pattern-drawing.ts';
import { drawing, drawnEvents, EVENTS_MAX } from './pattern-sample.ts';

type Step = PatternInput['steps'][number];
/** One event that a match takes: of which step, the how manieth of it. */
type Slot = { readonly at: number; readonly turn: number };

function matchesByModel(steps: readonly Step[], withinMs: number, events: readonly DrawnEvent[]): string[] {
  return expansions(steps, 0).flatMap((slots) =>
    choices(events.length, slots.length)
      .filter((chosen) => isMatch(steps, withinMs, events, slots, chosen))
      .map((chosen) => `{${chosen.map((i) => events[i]!.id).join(' ')}} by ${slots.map(({ at }) => steps[at]!.name).join('')}`),
  );
}

/** All ways to write out the steps from number `at` on. */
function expansions(steps: readonly Step[], at: number): Slot[][] {
  const step = steps[at];
  if (step === undefined) return [[]];
  const rest = expansions(steps, at + 1);
  if (isNot(step)) return rest;
  const { min = 1, max = EVENTS_MAX } = step.times ?? { min: 1, max: 1 };
  const counts = Array.from({ length: Math.max(0, Math.min(max, EVENTS_MAX) - min + 1) }, (_, i) => min + i);
  return [...(step.optional ? [0] : []), ...counts].flatMap((count) =>
    rest.map((slots) => [...Array.from({ length: count }, (_, turn) => ({ at, turn })), ...slots]),
  );
}

/** All increasing choices of `size` of the numbers below `count`. */
function choices(count: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  const all: number[][] = [];
  for (let i = from; i <= count - size; i++) for (const rest of choices(count, size - 1, i + 1)) all.push([i, ...rest]);
  return all;
}

function isMatch(
  steps: readonly Step[],
  withinMs: number,
  events: readonly DrawnEvent[],
  slots: readonly Slot[],
  chosen: readonly number[],
): boolean {
  if (slots.length === 0) return false;
  const [first, last] = [events[chosen[0]!]!, events[chosen.at(-1)!]!];
  if (last.timeMs - first.timeMs >= withinMs) return false;
  const isEachRight = slots.every((slot, s) => {
    const step = steps[slot.at]!;
    const event = events[chosen[s]!]!;
    if (event.name !== step.name || isUntil(step, event)) return false;
    return isGapRight(steps, events, { slots, chosen, s });
  });
  return isEachRight && isEndRight(steps, withinMs, events, slots, chosen);
}

/** What lies between the event of slot s and the one before it. */
function isGapRight(
  steps: readonly Step[],
  events: readonly DrawnEvent[],
  { slots, chosen, s }: { readonly slots: readonly Slot[]; readonly chosen: readonly number[]; readonly s: number },
): boolean {
  const slot = slots[s]!;
  const step = steps[slot.at]!;
  const taken = chosen[s]!;
  const before = s === 0 ? null : slots[s - 1]!;
  const left = s === 0 ? taken - 1 : chosen[s - 1]!;
  const between = events.slice(left + 1, taken);
  const upTo = events.slice(left + 1, taken + 1);
  const from = before === null ? 0 : before.at;
  const isInside = before !== null && before.at === slot.at;
  if (before !== null) {
    const contiguity = isInside ? (step.inner ?? 'followedBy') : (step.contiguity ?? 'followedBy');
    if (contiguity === 'next' && between.length > 0) return false;
    if (contiguity === 'followedBy' && between.some(({ name }) => name === step.name)) return false;
    if (isInside && upTo.some((event) => isUntil(step, event))) return false;
    const gap = events[chosen[s]!]!.timeMs - events[left]!.timeMs;
    if (step.within !== undefined && gap >= Number.parseInt(step.within, 10)) return false;
    // what must not come behind a repetition must not come in it either, at once where it could have ended
    const mayEnd = slot.turn >= (step.times?.min ?? 1);
    const nots = isInside
      ? notsBehind(steps, slot.at).filter(({ contiguity: how }) => how === 'notFollowedBy' || mayEnd)
      : steps.slice(from, slot.at).filter(isNot);
    for (const not of nots) {
      if (not.contiguity === 'notNext' ? upTo[0]?.name === not.name : between.some(({ name }) => name === not.name)) return false;
    }
  }
  if (isInside) return true;
  // greedy steps that were left, or left out, although they could have taken more
  return steps.slice(from, slot.at).every((passed, i) => {
    const at = from + i;
    const count = slots.filter((other) => other.at === at).length;
    if (passed.greedy !== true || (passed.times?.max !== undefined && count === passed.times.max)) return true;
    return !upTo.some((event) => event.name === passed.name && !isUntil(passed, event));
  });
}

function isEndRight(
  steps: readonly Step[],
  withinMs: number,
  events: readonly DrawnEvent[],
  slots: readonly Slot[],
  chosen: readonly number[],
): boolean {
  const last = chosen.at(-1)!;
  const start = events[chosen[0]!]!.timeMs;
  const behind = events.slice(last + 1).filter(({ timeMs }) => timeMs - start < withinMs);
  const nots = steps.slice(slots.at(-1)!.at).filter(isNot);
  return nots.every((not) => {
    if (not.contiguity === 'notFollowedBy') return behind.every(({ name }) => name !== not.name);
    const isOnlyNotNext = nots.every(({ contiguity }) => contiguity === 'notNext');
    return behind[0] === undefined ? !isOnlyNotNext : behind[0].name !== not.name;
  });
}

function notsBehind(steps: readonly Step[], at: number): readonly Step[] {
  const end = steps.findIndex((step, i) => i > at && !isNot(step));
  return steps.slice(at + 1, end < 0 ? undefined : end);
}

function isNot({ contiguity }: Step): boolean {
  return contiguity === 'notNext' || contiguity === 'notFollowedBy';
}

/** As pattern-drawing.ts draws it. */
function isUntil({ until }: Step, { name, timeMs }: DrawnEvent): boolean {
  if (typeof until !== 'string') return false;
  return until.includes('timeMs') ? timeMs % 3 === 0 : until.includes(`"${name}"`);
}

test('the automaton finds what trying everything finds, each match once, with restarts anywhere', () => {
  fc.assert(
    fc.property(drawing, drawnEvents, fc.integer({ min: 2, max: 20 }), fc.nat(EVENTS_MAX), (text, events, withinMs, restartAt) => {
      const spec = drawPattern(text, { within: `${withinMs}ms`, partialMatchesMax: 100_000 });
      const harness = patternHarness(spec);
      events.forEach((event, i) => {
        pushDrawn(harness, [event]);
        if (i === restartAt) harness.restart();
      });
      harness.play('Wend');
      const found = harness.emissions.flatMap((each) => {
        if (each.kind !== 'event' || each.output !== null) return [];
        const { matched } = each.value as { matched: Record<string, DrawnEvent[]> };
        return [`{${showMatch(each.value)}} by ${stepsOf(matched)}`];
      });
      expect(found.toSorted(), text).toEqual(matchesByModel(drawSteps(text), withinMs, events).toSorted());
      expect(harness.state.cells('node').size(), text).toBe(0);
    }),
    { numRuns: 600 },
  );
});

test.each(['skipToNext', 'skipPastLastEvent', 'skipToFirst', 'skipToLast'] as const)(
  '%s gives some of the matches of noSkip, whatever the batches and restarts, and none that it should have ended',
  (afterMatch) => {
    fc.assert(
      fc.property(drawing, drawnEvents, fc.integer({ min: 2, max: 20 }), (text, events, withinMs) => {
        const named = afterMatch === 'skipToFirst' || afterMatch === 'skipToLast' ? { skipTo: 'a' } : {};
        const options = { within: `${withinMs}ms`, partialMatchesMax: 100_000 };
        const skipping = { ...options, afterMatch, ...named };
        const whole = play(text, skipping, events, false);
        expect(play(text, skipping, events, true), text).toEqual(whole);
        const all = play(text, options, events, false);
        expect(
          whole.filter((match) => !all.includes(match)),
          text,
        ).toEqual([]);
        if (afterMatch === 'skipToNext') expect(new Set(whole.map(firstOf)).size, text).toBe(whole.length);
        if (afterMatch === 'skipPastLastEvent') {
          const used = whole.flatMap((match) => match.slice(1, -1).split(' '));
          expect(new Set(used).size, text).toBe(used.length);
        }
        expect(whole.length > 0, text).toBe(all.length > 0);
      }),
      { numRuns: 40 },
    );
  },
);

function play(text: string, options: Partial<PatternInput>, events: readonly DrawnEvent[], isInterrupted: boolean): string[] {
  const harness = patternHarness(drawPattern(text, options));
  if (!isInterrupted) pushDrawn(harness, events);
  else
    for (const event of events) {
      pushDrawn(harness, [event]);
      harness.restart();
    }
  harness.play('Wend');
  return (shown(harness).match(/(?<!:)\{[^}]*\}/g) ?? []) as string[];
}

function firstOf(match: string): string {
  return match.slice(1, -1).split(' ')[0]!;
}

/** Steps of the events of a match, in the order of time. */
function stepsOf(matched: Readonly<Record<string, readonly DrawnEvent[]>>): string {
  const steps = Object.entries(matched).flatMap(([step, events]) => events.map(({ timeMs }) => ({ step, timeMs })));
  return steps
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map(({ step }) => step)
    .join('');
}
