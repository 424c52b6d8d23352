// A pattern and its statechart are automata of one kind: runs of the statechart that are told the same events find the pattern's matches.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { machineSchema } from '../../../crds/stream-job/machine.ts';
import type { PatternSpec } from '../../../crds/stream-job/pattern.ts';
import { Effects } from '../actor/effects.ts';
import { buildMachine } from '../actor/machine-config.ts';
import { type ActorState, choosePath, type MachinePath, ReferencePath } from '../actor/machine-path.ts';
import { drawEvents, drawPattern, findMatches, patternHarness, pushDrawn, showMatch, type DrawnEvent } from './pattern-drawing.ts';
import { drawnEvents, drawing, nestedDrawing } from './pattern-sample.ts';
import { statesOfCells } from './pattern-states.ts';
import { MATCH, PASSES, patternMachine, TAKES } from './pattern-machine.ts';

type Run = { readonly state: ActorState; readonly timers: ReadonlyMap<string, number> };
type Told = { readonly type: string; readonly value?: unknown };

/** As many copies of a step as a random pattern may have at most. */
const COPIES_MAX = 27;

/** Every run of a pattern's statechart, from each event on: as an engine would that knows nothing of patterns. */
class Runs {
  readonly #effects = new Effects();
  readonly #path: MachinePath;
  readonly #choices: readonly string[];
  #runs: Run[] = [];
  readonly found: string[] = [];

  constructor(spec: PatternSpec, wanted: 'best' | 'reference') {
    const { machine, parts } = patternMachine(spec);
    const built = buildMachine(machineSchema.parse(machine), this.#effects);
    this.#path = wanted === 'best' ? choosePath(built, this.#effects) : (new ReferencePath(built, this.#effects) as unknown as MachinePath);
    const states = Object.keys(machine.states['open']?.states ?? {});
    const last = spec.steps.flatMap(function names(step): string[] {
      return step.steps === undefined ? [step.name] : step.steps.flatMap(names);
    });
    const copies = last.flatMap((name) => [name, ...Array.from({ length: COPIES_MAX - 1 }, (_, i) => `${name}-${i + 2}`)]);
    this.#choices = parts ? [PASSES, ...new Set([...states, ...copies].map((state) => `${TAKES} ${state}`))] : ['event'];
  }

  get states(): string[] {
    return this.#runs.map(({ state }) => this.#path.nameOf(state));
  }

  event(event: DrawnEvent): void {
    this.time(event.timeMs);
    const begins: Run = { state: this.#path.initial(), timers: new Map() };
    this.#runs = [...this.#runs, begins].flatMap((run) =>
      this.#choices.flatMap((type) => {
        if (type !== 'event' && type !== PASSES && !this.#path.handles(run.state, type)) return [];
        const next = this.#told(run, { type, value: event }, event.timeMs);
        // A run that was told to take what it cannot take is none.
        return type.startsWith(TAKES) && next.state === run.state ? [] : this.#goesOn(next);
      }),
    );
  }

  /** What is due by then, each at its time. */
  time(timeMs: number): void {
    this.#runs = this.#runs.flatMap((run) => {
      let now = run;
      for (;;) {
        const [due] = [...now.timers].filter(([, dueMs]) => dueMs <= timeMs).toSorted((a, b) => a[1] - b[1]);
        if (due === undefined) return [now];
        now = this.#told({ ...now, timers: without(now.timers, due[0]) }, { type: due[0] }, due[1]);
        if (now.state.status !== 'active') return this.#goesOn(now);
      }
    });
  }

  #goesOn(run: Run): Run[] {
    if (run.state.status === 'active') return [run];
    if (this.#path.nameOf(run.state) === 'timedOut')
      this.found.push(`timedOut:${drawn((run.state.context as { matched: object }).matched)}`);
    return [];
  }

  #told(run: Run, event: Told, timeMs: number): Run {
    this.#effects.begin('k', timeMs);
    const state = this.#path.transition(run.state, event as never);
    this.#effects.values.forEach((value, i) => {
      if (this.#effects.outputs[i] === MATCH) this.found.push(showMatch(value as never).replace(/^.*$/, (ids) => `{${ids}}`));
    });
    const timers = new Map(run.timers);
    for (const change of this.#effects.timers) {
      if (change.kind === 'clear') timers.delete(change.id);
      else timers.set((change.event as Told).type, timeMs + change.delayMs);
    }
    return { state, timers };
  }
}

function drawn(matched: object): string {
  return `{${showMatch({ matched } as never)}}`;
}

function without(timers: ReadonlyMap<string, number>, id: string): Map<string, number> {
  const rest = new Map(timers);
  rest.delete(id);
  return rest;
}

/** Order of regions is not told. */
function sortedText(state: string): string {
  const sorted = (value: unknown): unknown =>
    typeof value === 'object' && value !== null
      ? Object.entries(value)
          .toSorted(([a], [b]) => byText(a, b))
          .map(([name, inner]) => [name, sorted(inner)])
      : value;
  return state.startsWith('{') ? JSON.stringify(sorted(JSON.parse(state))) : state;
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function byRuns(spec: PatternSpec, events: readonly DrawnEvent[], wanted: 'best' | 'reference'): string[] {
  const runs = new Runs(spec, wanted);
  for (const event of events) runs.event(event);
  runs.time(Infinity);
  return runs.found.toSorted();
}

function both(spec: PatternSpec, events: string): void {
  const expected = [...findMatches(spec, events, { isBounded: true }).matchAll(/\S*\{[^}]*\}/g)].map(([match]) => match).toSorted();
  for (const path of ['best', 'reference'] as const) expect(byRuns(spec, drawEvents(events), path), path).toEqual(expected);
}

test.each([
  { of: 'random patterns', drawn: drawing, numRuns: 300 },
  { of: 'random groups of patterns', drawn: nestedDrawing, numRuns: 60 },
])('I1: of $of, runs of the statechart find the matches and time-outs of the automaton', ({ drawn: patterns, numRuns }) => {
  fc.assert(
    fc.property(patterns, drawnEvents, fc.integer({ min: 2, max: 20 }), (text, events, withinMs) => {
      const spec = drawPattern(text, { within: `${withinMs}ms`, partialMatchesMax: 100_000 });
      both(spec, events.map(({ id, timeMs }) => `${id}@${timeMs}`).join(' '));
    }),
    { numRuns },
  );
});

test('the console and millrace ask count as many partial matches in each state as there are runs in it, after each event and a restart', () => {
  fc.assert(
    fc.property(drawing, drawnEvents, fc.nat(6), (text, events, restartAt) => {
      const spec = drawPattern(text, { within: '10ms', partialMatchesMax: 100_000 });
      const [runs, harness] = [new Runs(spec, 'best'), patternHarness(spec)];
      events.forEach((event, i) => {
        runs.event(event);
        pushDrawn(harness, [event]);
        if (i === restartAt) harness.restart();
        const figures = harness.figures();
        const told = Object.entries(figures?.kind === 'actors' ? figures.states : {}).flatMap(([state, count]) =>
          Array.from({ length: count }, () => sortedText(state)),
        );
        const cells = harness.state.cells('node');
        const kept = cells.namespaces().flatMap((namespace) => [...cells.entries(namespace)].map(([, cell]) => [namespace, cell] as const));
        expect(statesOfCells(spec, kept).map(sortedText).toSorted(), text).toEqual(told.toSorted());
        expect(told.toSorted(), text).toEqual(runs.states.map((state) => sortedText(state)).toSorted());
      });
    }),
    { numRuns: 150 },
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
  { pattern: 'a .. b !.. n', events: 'a b d a b n' },
])('runs of $pattern never part: each is an actor that takes every event', ({ pattern, events }) => {
  const spec = drawPattern(pattern, { within: '9ms' });
  expect(patternMachine(spec).parts).toBe(false);
  both(spec, events);
});

test.each([
  { pattern: 'a ... b', events: 'a b b c b' },
  { pattern: 'a+ .. b', events: 'a a d a b b' },
  { pattern: 'a+g .. b', events: 'a a b a b' },
  { pattern: 'a .. b? .. c', events: 'a b c a c' },
  { pattern: '(a .. b)+ .. c', events: 'a b a b c' },
  { pattern: 'a .. b+~d .. c', events: 'a b b d b c' },
  { pattern: 'a+ !> n', events: 'a d a n a' },
])('runs of $pattern part: an event makes several of one', ({ pattern, events }) => {
  const spec = drawPattern(pattern, { within: '9ms' });
  expect(patternMachine(spec).parts).toBe(true);
  both(spec, events);
});

test('conditions on earlier events are guards over the context, of texts and of functions alike; texts stay as they are', () => {
  const spec = drawPattern('a .. b', { within: '1d' });
  const later = 'event.name == "b" && "matched" != event.id && event.timeMs > matched.a[0].timeMs + 2.0';
  const code = (event: DrawnEvent, matched: Record<string, DrawnEvent[]>): boolean =>
    event.name === 'b' && event.timeMs > matched['a']![0]!.timeMs + 2;
  for (const where of [later, code]) {
    const steps = spec.steps.map((one) => (one.name === 'b' ? { ...one, where } : one));
    expect(byRuns({ ...spec, steps }, drawEvents('a1 b1 b2 b3'), 'best')).toEqual(['{a1 b3}']);
  }
});
