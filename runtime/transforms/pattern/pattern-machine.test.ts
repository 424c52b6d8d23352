// A pattern and its statechart are automata of one kind: an actor for each event that may begin a match finds the pattern's matches.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { patternMachine } from '../../plan/pattern-machine.ts';
import { Effects } from '../actor/effects.ts';
import { buildMachine } from '../actor/machine-config.ts';
import { choosePath, type MachinePath, ReferencePath } from '../actor/machine-path.ts';
import { drawEvents, drawPattern, findMatches, type DrawnEvent } from './pattern-drawing.ts';

type Match = Readonly<Record<string, readonly DrawnEvent[] | number>>;

/** What one actor for each event finds, as `findMatches` draws it. */
function byMachine(spec: PatternSpec, events: readonly DrawnEvent[], wanted: 'best' | 'reference'): string[] {
  const found = patternMachine(spec);
  if (found.kind === 'none') throw new Error(found.because);
  const effects = new Effects();
  const machine = buildMachine(machineSchema.parse(found.machine), effects);
  const path = wanted === 'best' ? choosePath(machine, effects) : (new ReferencePath(machine, effects) as unknown as MachinePath);
  return events.flatMap((_, first) => {
    let state = path.initial();
    for (const event of events.slice(first)) {
      effects.begin('k', event.timeMs);
      state = path.transition(state, { type: 'event', value: event } as never);
      if (effects.values.length > 0) return [drawn(effects.values[0] as Match)];
      if (state.status !== 'active') return [];
    }
    return [];
  });
}

function drawn(match: Match): string {
  const events = Object.values(match).flatMap((part) => (typeof part === 'number' ? [] : part));
  return `{${events
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map(({ id }) => id)
    .join(' ')}}`;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function both(pattern: string, events: string, within?: string): void {
  const spec = drawPattern(pattern, within === undefined ? {} : { within });
  const expected = [...findMatches(spec, events, { isBounded: true }).matchAll(/(\S*)(\{[^}]*\})/g)]
    .filter(([, output]) => output === '')
    .map(([, , match]) => match ?? '')
    .toSorted(byText);
  for (const path of ['best', 'reference'] as const) expect(byMachine(spec, drawEvents(events), path).toSorted(byText)).toEqual(expected);
}

const letter = fc.constantFrom('a', 'b', 'c');
const step = fc.tuple(letter, fc.constantFrom('', '', '{2}', '{3}', '{2}>'));
const gap = fc.oneof(
  fc.constantFrom('>', '..', '..'),
  fc.tuple(fc.constantFrom('!>', '!..'), fc.constantFrom('n', 'a', 'b')).map(([not, name]) => `${not} ${name} ..`),
);

test('random patterns without parting, and their machines on both paths, find the same matches', () => {
  const drawing = fc
    .tuple(step, fc.array(fc.tuple(gap, step), { maxLength: 3 }))
    // A step that is named twice is another mistake: names by place.
    .map(([first, rest]) => [first.join(''), ...rest.map(([between, one]) => `${between} ${one.join('')}`)].join(' '))
    .filter((text) => {
      const names = text.match(/[a-z]/g) ?? [];
      return new Set(names).size === names.length;
    });
  const events = fc
    .array(fc.constantFrom('a', 'b', 'c', 'n', 'd'), { maxLength: 14 })
    .map((ids) => ids.map((id, i) => `${id}${i}`).join(' '));
  const within = fc.option(
    fc.integer({ min: 1, max: 12 }).map((ms) => `${ms}ms`),
    { nil: undefined },
  );
  fc.assert(
    fc.property(drawing, events, within, (pattern, text, limit) => both(pattern, text, limit ?? '1d')),
    { numRuns: 300 },
  );
});

test.each([
  { pattern: 'a > b', events: 'a b a c b a a b' },
  { pattern: 'a .. b', events: 'a c b a a b' },
  { pattern: 'a{3} .. b', events: 'a d a a b a b' },
  { pattern: 'a{2}> > b', events: 'a a a b' },
  { pattern: 'a !> n .. b', events: 'a n b a d n b' },
  { pattern: 'a !.. n .. b', events: 'a d b a n b' },
  { pattern: 'a', events: 'a b a' },
])('$pattern as a machine', ({ pattern, events }) => both(pattern, events, '1d'));

test('conditions on earlier events of the match are conditions on the context', () => {
  const spec: PatternSpec = drawPattern('a .. b', { within: '1d' });
  const steps = spec.steps.map((one) =>
    one.name === 'b' ? { ...one, where: 'event.name == "b" && event.timeMs > matched.a[0].timeMs + 2.0' } : one,
  );
  const events = drawEvents('a b b b');
  expect(byMachine({ ...spec, steps }, events, 'best')).toEqual(['{a b}']);
  const [match] = byMachine({ ...spec, steps }, drawEvents('a1 b1 b2 b3'), 'best');
  expect(match).toBe('{a1 b3}');
});

test.each([
  { pattern: 'a ... b', because: 'step "b" takes any event that matches' },
  { pattern: 'a+ .. b', because: 'step "a" repeats as often as it will' },
  { pattern: 'a .. b? .. c', because: 'step "b" is optional' },
  { pattern: '(a .. b) .. c', because: 'is a group' },
  { pattern: 'a .. b !.. n', because: 'it ends with a not' },
])('$pattern is no machine, and says why', ({ pattern, because }) => {
  expect(patternMachine(drawPattern(pattern, { within: '1d' }))).toMatchObject({
    kind: 'none',
    because: expect.stringContaining(because) as string,
  });
});
