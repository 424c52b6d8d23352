// Random small patterns and events, held against a slow and obvious model: write out how often each step and group comes, try
// every choice of events for that, and look at each gap between two of them.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PatternInput } from '../../../crds/stream-job/pattern.ts';
import { planOfSpec } from '../../testing/plan-of.ts';
import { drawPattern, drawSteps, patternHarness, pushDrawn, shown, showMatch } from './pattern-drawing.ts';
import type { DrawnEvent } from './pattern-drawing.ts';
import { drawing, drawnEvents, EVENTS_MAX, nestedDrawing } from './pattern-sample.ts';

type Step = PatternInput['steps'][number];
/** How an event that a match takes follows the one before it. */
type How = 'next' | 'followedBy' | 'followedByAny';
/** What must hold between one event that a match takes and the next. */
type Mark =
  | { readonly kind: 'take'; readonly step: Step; readonly how: How }
  /** It must not come. */
  | { readonly kind: 'not'; readonly step: Step }
  /** What a greedy step that was left could still have taken must not come. */
  | { readonly kind: 'bar'; readonly step: Step }
  /** What ends a repetition must not come in it; it does not begin with such an event. */
  | { readonly kind: 'until' | 'untaken'; readonly step: Step };
/** One way to write a pattern out: the events that it takes, and what must hold between them. */
type Word = readonly Mark[];

function matchesByModel(steps: readonly Step[], withinMs: number, events: readonly DrawnEvent[]): string[] {
  return wordsOf(steps, null, []).flatMap((word) =>
    choices(events.length, takesOf(word))
      .filter((chosen) => isMatch(word, withinMs, events, chosen))
      .map(
        (chosen) =>
          `{${chosen.map((i) => events[i]!.id).join(' ')}} by ${word.flatMap((mark) => (mark.kind === 'take' ? [mark.step.name] : [])).join('')}`,
      ),
  );
}

/** `entry`: how the first step follows what is before a group. `behind`: what must not come when its last step was left. */
function wordsOf(steps: readonly Step[], entry: How | null, behind: readonly Step[]): Word[] {
  return steps.reduce<Word[]>(
    (words, step, i) => {
      if (isNot(step)) return words.map((word) => [...word, { kind: 'not', step }]);
      const rest = steps.slice(i + 1);
      const next = rest.findIndex((other) => !isNot(other));
      const nots = rest.slice(0, next < 0 ? undefined : next).filter(isNot);
      const mayEnd = rest.every((other) => isNot(other) || other.optional === true);
      const how = (i === 0 ? entry : null) ?? (step.contiguity as How | undefined) ?? 'followedBy';
      return joined(words, repetitionsOf(step, how, { nots, leaving: [...nots, ...(mayEnd ? behind : [])] }));
    },
    [[]],
  );
}

/** `nots`: those directly behind it. `leaving`: all that must not come when it was left. */
function repetitionsOf(step: Step, how: How, { nots, leaving }: { nots: readonly Step[]; leaving: readonly Step[] }): Word[] {
  const { min = 1, max } = step.times ?? { min: 1, max: 1 };
  const bar: Word = step.greedy === true ? [{ kind: 'bar', step }] : [];
  const found: Word[] = step.optional === true ? [bar] : [];
  let words: Word[] = [[]];
  for (let count = 1; count <= (max ?? EVENTS_MAX) && words.length > 0; count++) {
    // What must not come behind a repetition must not come in it either: notFollowedBy never, the others where it could have ended.
    const inside = (turn: number): readonly Step[] =>
      turn >= min ? leaving : nots.filter(({ contiguity }) => contiguity === 'notFollowedBy');
    const entry = count === 1 ? how : (step.inner ?? 'followedBy');
    const between = count === 1 ? [] : inside(count - 1).map((not): Mark => ({ kind: 'not', step: not }));
    const behind = count === max ? leaving : inside(count);
    const body: Word[] = step.steps === undefined ? [[{ kind: 'take', step, how: entry }]] : wordsOf(step.steps as Step[], entry, behind);
    words = joined(
      words,
      body.map((word) => [...between, ...word]),
    );
    if (count >= min) found.push(...words.map((word) => [...untilIn(step, word), ...(count === max ? [] : bar)]));
  }
  return found;
}

function untilIn(step: Step, word: Word): Word {
  if (step.until === undefined) return word;
  let kind: 'until' | 'untaken' = 'untaken';
  return word.flatMap((mark): Mark[] => {
    if (mark.kind !== 'take') return [mark];
    const before: Mark = { kind, step };
    kind = 'until';
    return [before, mark];
  });
}

function joined(words: readonly Word[], others: readonly Word[]): Word[] {
  return words.flatMap((word) => others.map((other) => [...word, ...other]).filter((each) => takesOf(each) <= EVENTS_MAX));
}

function takesOf(word: Word): number {
  return word.filter(({ kind }) => kind === 'take').length;
}

/** All increasing choices of `size` of the numbers below `count`. */
function choices(count: number, size: number, from = 0): number[][] {
  if (size === 0) return [[]];
  const all: number[][] = [];
  for (let i = from; i <= count - size; i++) for (const rest of choices(count, size - 1, i + 1)) all.push([i, ...rest]);
  return all;
}

function isMatch(word: Word, withinMs: number, events: readonly DrawnEvent[], chosen: readonly number[]): boolean {
  const [first, last] = [events[chosen[0]!], events[chosen.at(-1)!]];
  if (first === undefined || last === undefined || last.timeMs - first.timeMs >= withinMs) return false;
  let marks: Mark[] = [];
  let taken = 0;
  for (const mark of word) {
    marks.push(mark);
    if (mark.kind !== 'take') continue;
    const before = taken === 0 ? null : chosen[taken - 1]!;
    if (!marks.every((each) => holds(each, events, { before, taken: chosen[taken]! }))) return false;
    marks = [];
    taken++;
  }
  const nots = marks.flatMap((mark) => (mark.kind === 'not' ? [mark.step] : []));
  return isEndRight(
    nots,
    events.slice(chosen.at(-1)! + 1).filter(({ timeMs }) => timeMs - first.timeMs < withinMs),
  );
}

/** Whether `mark` holds between the event that was taken before and `taken`. */
function holds(
  mark: Mark,
  events: readonly DrawnEvent[],
  { before, taken }: { readonly before: number | null; readonly taken: number },
): boolean {
  const event = events[taken]!;
  const from = before === null ? taken : before + 1;
  const [between, upTo] = [events.slice(from, taken), events.slice(from, taken + 1)];
  const { step } = mark;
  switch (mark.kind) {
    case 'take':
      if (!takes(step, event)) return false;
      if (before === null) return true;
      if (step.within !== undefined && event.timeMs - events[before]!.timeMs >= Number.parseInt(step.within, 10)) return false;
      return mark.how === 'next' ? between.length === 0 : mark.how === 'followedByAny' || !between.some((each) => takes(step, each));
    case 'not':
      return step.contiguity === 'notNext' ? !takes(step, upTo[0]!) : !between.some((each) => takes(step, each));
    case 'bar':
      return !upTo.some((each) => takes(step, each) && !isUntil(step, each));
    case 'until':
      return !upTo.some((each) => isUntil(step, each));
    case 'untaken':
      return !isUntil(step, event);
  }
}

/** What lies behind the last event that was taken. */
function isEndRight(nots: readonly Step[], behind: readonly DrawnEvent[]): boolean {
  return nots.every((not) => {
    if (not.contiguity === 'notFollowedBy') return !behind.some((event) => takes(not, event));
    const isOnlyNotNext = nots.every(({ contiguity }) => contiguity === 'notNext');
    return behind[0] === undefined ? !isOnlyNotNext : !takes(not, behind[0]);
  });
}

function isNot({ contiguity }: Step): boolean {
  return contiguity === 'notNext' || contiguity === 'notFollowedBy';
}

/** As pattern-drawing.ts draws it. */
function takes({ where }: Step, { name }: DrawnEvent): boolean {
  return typeof where === 'string' && where.includes(`"${name}"`);
}

/** As pattern-drawing.ts draws it. */
function isUntil({ until }: Step, { name, timeMs }: DrawnEvent): boolean {
  if (typeof until !== 'string') return false;
  return until.includes('timeMs') ? timeMs % 3 === 0 : until.includes(`"${name}"`);
}

test.each([
  { of: 'patterns', drawn: drawing, numRuns: 600 },
  { of: 'groups of patterns', drawn: nestedDrawing, numRuns: 200 },
])('of $of the automaton finds what trying everything finds, each match once, with restarts anywhere', ({ drawn, numRuns }) => {
  fc.assert(
    fc.property(drawn, drawnEvents, fc.integer({ min: 2, max: 20 }), fc.nat(EVENTS_MAX), (text, events, withinMs, restartAt) => {
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
    { numRuns },
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

test('the random patterns are declarations that a job may have', () => {
  fc.assert(
    fc.property(fc.oneof(drawing, nestedDrawing), (text) => {
      const job = {
        sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'timeMs' } }],
        stages: [{ name: 'p', from: 's', keyBy: 'event.id', pattern: { steps: drawSteps(text), within: '20ms' } }],
        sinks: [{ name: 'out', from: 'p', nats: { subject: 'out' } }],
      };
      expect(() => planOfSpec(job), text).not.toThrow();
    }),
    { numRuns: 200 },
  );
});
