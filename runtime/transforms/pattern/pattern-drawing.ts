// Patterns and events drawn as text, for tests.
//
//   'a > b'  next    'a .. b'  followedBy    'a ... b'  followedByAny    'a !> b'  notNext    'a !.. b'  notFollowedBy
//   'b+' 'b{2}' 'b{2,}' 'b{2,4}' repetitions; behind them '?' optional, 'g' greedy, '>' or '...' between repetitions,
//   '~d' until a d, '~t' until a time that 3 divides; 'b?' optional; '(a .. b)+' a group; 'b@5' within 5 ms.
//
// A step takes the events of its letter, or of those behind it: 'b[ac]'. Events: 'a b1 b2' at 1, 2, 3 ms; 'b@9' at 9 ms, the next ones from 10 on.

import type { PatternInput, PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { patternSchema } from '../../../crds/stream-job/pattern.ts';
import { parseDuration } from '../../base/duration.ts';
import { encodeKey } from '../../event/key.ts';
import type { Key } from '../../event/batch.ts';
import { StepHarness } from '../../testing/step-harness.ts';
import type { Value } from '../../event/batch.ts';
import { makePattern } from './pattern.ts';

type Step = PatternInput['steps'][number];
export type DrawnEvent = { readonly name: string; readonly id: string; readonly timeMs: number };

const CONTIGUITY: Readonly<Record<string, Step['contiguity']>> = {
  '>': 'next',
  '..': 'followedBy',
  '...': 'followedByAny',
  '!>': 'notNext',
  '!..': 'notFollowedBy',
};
const STEP = /^([a-z])(?:\[([a-z]+)\])?(.*)$/;
const QUANTIFIER = /^(\+|\{(\d+)(,(\d*))?\})?(\?)?(g)?(\.\.\.|>)?(?:~([a-z]))?(?:@(\d+))?$/;

/** The steps of a drawing. */
export function drawSteps(drawing: string): Step[] {
  const tokens = drawing.match(/!?\.{2,3}(?= )|!?>(?= )|\(|\)\S*|[a-z][^\s()]*/g) ?? [];
  const [steps, rest] = parse(tokens);
  if (rest.length > 0) throw new Error(`not drawn well: ${drawing}`);
  return steps;
}

export function drawPattern(drawing: string, options: Partial<PatternInput> = {}): PatternSpec {
  return patternSchema.parse({ steps: drawSteps(drawing), ...options });
}

function parse(tokens: readonly string[], groups = 'group'): [Step[], readonly string[]] {
  const steps: Step[] = [];
  let rest = tokens;
  let contiguity: Step['contiguity'];
  while (rest.length > 0 && !rest[0]!.startsWith(')')) {
    const token = rest[0]!;
    rest = rest.slice(1);
    if (CONTIGUITY[token] !== undefined) {
      contiguity = CONTIGUITY[token];
      continue;
    }
    const follows = steps.length === 0 || contiguity === undefined ? {} : { contiguity };
    if (token === '(') {
      const name = `${groups}${steps.length}`;
      const [inside, after] = parse(rest, `${name}_`);
      steps.push({ name, ...follows, steps: inside, ...quantified(after[0]!.slice(1)) });
      rest = after.slice(1);
    } else {
      const [, name = '', letters, quantifier = ''] = STEP.exec(token) ?? [];
      steps.push({ name, where: takes(letters ?? name), ...follows, ...quantified(quantifier) });
    }
  }
  return [steps, rest];
}

function takes(letters: string): string {
  return letters.length === 1 ? `event.name == "${letters}"` : `event.name in [${[...letters].map((each) => `"${each}"`).join(', ')}]`;
}

function quantified(text: string): Partial<Step> {
  const parts = QUANTIFIER.exec(text);
  if (parts === null) throw new Error(`not drawn well: ${text}`);
  const [, repeats, least, range, most, optional, greedy, inner, until, within] = parts;
  const min = Number(least ?? 1);
  const max = range === undefined ? min : most === '' ? undefined : Number(most);
  return {
    ...(repeats === undefined ? {} : { times: { min, ...(repeats === '+' || max === undefined ? {} : { max }) } }),
    ...(optional === undefined ? {} : { optional: true }),
    ...(greedy === undefined ? {} : { greedy: true }),
    ...(inner === undefined ? {} : { inner: inner === '>' ? ('next' as const) : ('followedByAny' as const) }),
    ...(until === undefined ? {} : { until: until === 't' ? 'int(event.timeMs) % 3 == 0' : `event.name == "${until}"` }),
    ...(within === undefined ? {} : { within: `${within}ms` }),
  };
}

export function drawEvents(drawing: string): DrawnEvent[] {
  let timeMs = 0;
  return drawing
    .split(' ')
    .filter((text) => text !== '')
    .map((text) => {
      const [id = '', at] = text.split('@');
      timeMs = at === undefined ? timeMs + 1 : Number(at);
      return { name: id[0] ?? '', id, timeMs };
    });
}

/** The transform alone, listening to timed-out partial matches. */
export function patternHarness(spec: PatternSpec): StepHarness {
  const withinMs = spec.within === undefined ? null : parseDuration(spec.within);
  return new StepHarness({ make: () => makePattern({ kind: 'pattern', spec, withinMs, keyNames: ['k'] }), outputs: ['timedOut'] });
}

const KEY = encodeKey('k');

export function pushDrawn(harness: StepHarness, events: readonly DrawnEvent[], key: Key = KEY): void {
  const times = events.map(({ timeMs }) => timeMs);
  harness.pushBatch({ values: [...events], times, keys: events.map(() => key), ingestMs: 0 });
}

/** A match as the ids of its events, in the order of their times. */
export function showMatch(value: Value): string {
  const { matched } = value as { matched: Record<string, DrawnEvent[]> };
  const events = Object.values(matched).flat();
  return events
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map(({ id }) => id)
    .join(' ');
}

/** All that comes out, each in braces: `{a b} timedOut:{c}`. With the end of the input when `isBounded`. */
export function findMatches(spec: PatternSpec, events: string, { isBounded = false } = {}): string {
  const harness = patternHarness(spec);
  pushDrawn(harness, drawEvents(events));
  if (isBounded) harness.play('Wend');
  return shown(harness);
}

export function shown(harness: StepHarness): string {
  const texts = harness.emissions.flatMap((each) =>
    each.kind === 'event' ? [`${each.output === null ? '' : `${each.output}:`}{${showMatch(each.value)}}`] : [],
  );
  harness.emissions.length = 0;
  return texts.join(' ');
}

/** Matches without their order. */
export function matchSet(drawn: string): readonly string[] {
  return (drawn.match(/\S*\{[^}]*\}/g) ?? []).toSorted();
}
