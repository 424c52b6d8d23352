// Random small patterns and events, for tests; as pattern-drawing.ts draws them.

import fc from 'fast-check';
import type { DrawnEvent } from './pattern-drawing.ts';

export const EVENTS_MAX = 7;

const quantifier = fc.constantFrom('', '', '', '+', '{2}', '{2,}', '{1,2}', '{2,3}');
const follows = fc.constantFrom('>', '..', '..', '...');
const inner = fc.constantFrom('', '', '>', '...');
const until = fc.constantFrom('', '', '~d', '~t');
const takingStep = fc.record({
  /** Letters of the events that it takes, where they are not its own: others take them, too. */
  letters: fc.constantFrom('', '', '', '[a]', '[b]', '[ac]'),
  quantifier,
  inner,
  until,
  optional: fc.boolean(),
  greedy: fc.boolean(),
  within: fc.constantFrom('', '', '@3'),
});
const notStep = fc.record({
  isThere: fc.boolean(),
  contiguity: fc.constantFrom('!>', '!..'),
  name: fc.constantFrom('x', 'd', 'e', 'x[a]', 'd[b]'),
});
/** Steps from number `from` to number `to` in one; none where there is no step `to`. */
const group = fc.record({
  from: fc.nat(2),
  length: fc.integer({ min: 1, max: 2 }),
  quantifier,
  inner,
  until,
  optional: fc.boolean(),
});

/** A pattern as declarations may have it: names differ, no not behind what is optional, not greedy where it may end. */
export const drawing = fc
  .tuple(fc.array(fc.tuple(takingStep, follows, notStep), { minLength: 1, maxLength: 3 }), notStep, fc.option(group))
  .map(([parts, end, drawnGroup]) => {
    const last = parts.length - 1;
    const together = drawnGroup === null || drawnGroup.from + drawnGroup.length - 1 > last ? null : drawnGroup;
    const [first, behind] = together === null ? [-1, -1] : [together.from, together.from + together.length];
    const isIn = (i: number): boolean => i >= first && i < behind;
    const needed = parts.map(({ 0: step }) => !step.optional);
    // a round of a group takes an event, and so does the pattern
    if (together !== null && !needed.slice(first, behind).includes(true)) needed[behind - 1] = true;
    let isGroupOptional = together?.optional ?? false;
    const isNeeded = (i: number): boolean => needed[i]! && !(isIn(i) && isGroupOptional);
    if (!parts.some((_, i) => isNeeded(i))) {
      if (isIn(last)) isGroupOptional = false;
      else needed[last] = true;
    }
    const isSomeBehind = (i: number): boolean => parts.some((_, j) => j > i && (isNeeded(j) || (isIn(i) && isIn(j) && needed[j]!)));
    const used = new Set<string>();
    const not = ({ isThere, contiguity, name }: typeof end, isAllowed: boolean): string => {
      if (!isThere || !isAllowed || used.has(name[0]!)) return '';
      used.add(name[0]!);
      return ` ${contiguity} ${name}`;
    };
    const texts = parts.map(([step, how, notBehind], i) => {
      const repeats = step.quantifier !== '';
      const text =
        'abc'[i]! +
        step.letters +
        step.quantifier +
        (needed[i] ? '' : '?') +
        (repeats && step.greedy && isSomeBehind(i) ? 'g' : '') +
        (repeats ? step.inner + step.until : '') +
        (i === 0 || i === first ? '' : step.within);
      const isLast = i === behind - 1;
      const closed = together !== null && isLast ? ` )${quantified({ ...together, optional: isGroupOptional })}` : '';
      const isAllowed = i < last && (isLast ? !isGroupOptional : needed[i]!);
      return `${i === 0 ? '' : ` ${how} `}${i === first ? '( ' : ''}${text}${closed}${not(notBehind, isAllowed)}`;
    });
    return texts.join('') + not(end, behind - 1 === last ? !isGroupOptional : needed[last]!);
  });

/** All of such a pattern in a group that repeats, with a step behind it. */
export const nestedDrawing = fc
  .tuple(
    drawing.filter((text) => !/!(>|\.\.) \S+$/.test(text)),
    fc.constantFrom('+', '{2}', '{1,2}', '{2,}'),
    fc.boolean(),
    inner,
    until,
    fc.constantFrom('.. h[c]', '> h[b]', '!> f[d] .. h[c]', '!.. f[x] ... h[a]', '!> f[a] .. h[b]', '!.. f[a] > h[b]'),
  )
  .map(
    ([text, times, optional, how, ends, behind]) =>
      `( ${text} )${times}${optional && !behind.startsWith('!') ? '?' : ''}${how}${ends} ${behind}`,
  );

function quantified({
  quantifier: times,
  optional,
  inner: how,
  until: ends,
}: Record<'quantifier' | 'inner' | 'until', string> & { optional: boolean }): string {
  return times + (optional ? '?' : '') + (times === '' ? '' : how + ends);
}

export const drawnEvents = fc
  .array(fc.tuple(fc.constantFrom('a', 'a', 'b', 'b', 'c', 'd', 'x'), fc.integer({ min: 1, max: 3 })), {
    minLength: 3,
    maxLength: EVENTS_MAX,
  })
  .map((drawn) => {
    let timeMs = 0;
    return drawn.map(([name, gap], i): DrawnEvent => ({ name, id: `${name}${i}`, timeMs: (timeMs += gap) }));
  });
