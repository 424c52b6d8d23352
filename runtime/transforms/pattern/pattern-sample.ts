// Random small patterns and events, for tests; as pattern-drawing.ts draws them.

import fc from 'fast-check';
import type { DrawnEvent } from './pattern-drawing.ts';

export const EVENTS_MAX = 7;

const quantifier = fc.constantFrom('', '', '', '+', '{2}', '{2,}', '{1,2}', '{2,3}');
const follows = fc.constantFrom('>', '..', '..', '...');
const takingStep = fc.record({
  quantifier,
  inner: fc.constantFrom('', '', '>', '...'),
  until: fc.constantFrom('', '', '~d', '~t'),
  optional: fc.boolean(),
  greedy: fc.boolean(),
  within: fc.constantFrom('', '', '@3'),
});
const notStep = fc.record({ isThere: fc.boolean(), contiguity: fc.constantFrom('!>', '!..'), name: fc.constantFrom('x', 'd', 'e') });

/** A pattern as declarations may have it: names differ, no not behind what is optional, not greedy where it may end. */
export const drawing = fc
  .tuple(fc.array(fc.tuple(takingStep, follows, notStep), { minLength: 1, maxLength: 3 }), notStep)
  .map(([parts, end]) => {
    const needed = parts.map(({ 0: step }) => !step.optional);
    if (!needed.includes(true)) needed[needed.length - 1] = true;
    const lastNeeded = needed.lastIndexOf(true);
    const used = new Set<string>();
    const not = ({ isThere, contiguity, name }: typeof end, isAllowed: boolean): string => {
      if (!isThere || !isAllowed || used.has(name)) return '';
      used.add(name);
      return ` ${contiguity} ${name}`;
    };
    const texts = parts.map(([step, how, notBehind], i) => {
      const repeats = step.quantifier !== '';
      const text =
        'abc'[i]! +
        step.quantifier +
        (needed[i] ? '' : '?') +
        (repeats && step.greedy && i < lastNeeded ? 'g' : '') +
        (repeats ? step.inner + step.until : '') +
        (i === 0 ? '' : step.within);
      return `${i === 0 ? '' : ` ${how} `}${text}${i < parts.length - 1 ? not(notBehind, needed[i]!) : ''}`;
    });
    return texts.join('') + not(end, needed.at(-1)!);
  });
export const drawnEvents = fc
  .array(fc.tuple(fc.constantFrom('a', 'a', 'b', 'b', 'c', 'd', 'x'), fc.integer({ min: 1, max: 3 })), {
    minLength: 3,
    maxLength: EVENTS_MAX,
  })
  .map((drawn) => {
    let timeMs = 0;
    return drawn.map(([name, gap], i): DrawnEvent => ({ name, id: `${name}${i}`, timeMs: (timeMs += gap) }));
  });
