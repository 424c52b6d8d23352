// What comes back to a stage by a declared feedback, whoever of its tasks has its turn, and whoever dies.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DeadLetter } from '../event/batch.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { Ring, type RingEvent } from '../testing/ring.ts';

const PARTITIONS = 3;

function planOf(stages: readonly object[], out: string): PhysicalPlan {
  return planOfSpec({
    partitions: PARTITIONS,
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
    stages,
    sinks: [{ name: 'out', from: out, nats: { subject: 'out' } }],
  });
}

/** What happens next: events come, a task has its turn, or dies. */
type Happening =
  | { readonly kind: 'events'; readonly numbers: readonly number[]; readonly rise: number }
  | { readonly kind: 'turn'; readonly partition: number; readonly records: number }
  | { readonly kind: 'kill'; readonly partition: number };

const partition = fc.nat(PARTITIONS - 1);
const turn = fc.record({ kind: fc.constant('turn' as const), partition, records: fc.integer({ min: 1, max: 4 }) });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('events' as const), numbers: fc.array(fc.nat(60), { maxLength: 5 }), rise: fc.nat(9) }),
  },
  { weight: 9, arbitrary: turn },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), partition }) },
);

/** Plays it, then the end of the input. `eventOf`: a number as an event, at or behind `fromMs`. */
function play(ring: Ring, happenings: readonly Happening[], eventOf: (n: number, fromMs: number) => RingEvent): readonly RingEvent[] {
  const { events } = playOn(ring, happenings, eventOf, 0);
  end(ring);
  return events;
}

function playOn(
  ring: Ring,
  happenings: readonly Happening[],
  eventOf: (n: number, fromMs: number) => RingEvent,
  fromMs: number,
): { readonly events: readonly RingEvent[]; readonly watermark: number } {
  const given: RingEvent[] = [];
  let watermark = fromMs;
  for (const next of happenings) {
    if (next.kind === 'kill') ring.kill(next.partition);
    else if (next.kind === 'turn') ring.turn(next.partition, next.records);
    else {
      const events = next.numbers.map((n) => eventOf(n, watermark + 1));
      watermark += next.rise;
      // A record's events come before its watermark.
      ring.offer(events, watermark);
      given.push(...events);
    }
  }
  return { events: given, watermark };
}

function end(ring: Ring): void {
  ring.offer([], Infinity);
  for (let turns = 0; !ring.isDone; turns++) {
    expect(turns, 'it ends').toBeLessThan(20_000);
    ring.turn(turns % PARTITIONS, 3);
  }
}

const OPEN = { eventType: "'step'", initial: 'open' };
const seen = { emit: { output: 'seen', value: { id: 'key', n: 'event.n', at: 'event.at' } } };

const HALVING = planOf(
  [
    {
      name: 'steps',
      from: 's',
      keyBy: 'event.id',
      feedback: { from: 'again' },
      machine: { ...OPEN, states: { open: { on: { step: { actions: [seen] } } } } },
    },
    {
      name: 'again',
      from: 'steps.seen',
      filter: 'event.n > 0',
      map: { id: 'event.n % 7', n: '(event.n - event.n % 2) / 2', at: 'event.at' },
    },
  ],
  'steps.seen',
);

type Number = { readonly id: number; readonly n: number; readonly at: number };

const numberAt = (n: number, fromMs: number): RingEvent => {
  const value: Number = { id: n % 5, n, at: fromMs + (n % 13) };
  return { key: value.id, timeMs: value.at, value };
};

function halved({ id, n, at }: Number): readonly Number[] {
  return n === 0 ? [{ id, n, at }] : [{ id, n, at }, ...halved({ id: n % 7, n: Math.floor(n / 2), at })];
}

const text = (values: readonly unknown[]): readonly string[] =>
  values.map((value) => JSON.stringify(Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1)))).sort();

test('I5 numbers that are halved until nothing is left go round once each, and nothing of them comes behind a watermark', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const ring = new Ring(HALVING, 'steps');
      const given = play(ring, happenings, numberAt);
      expect(text(ring.results.map(({ value }) => value))).toEqual(text(given.flatMap(({ value }) => halved(value as Number))));
      expect(ring.results.filter(({ isLate }) => isLate)).toEqual([]);
      expect(ring.results.every(({ timeMs, value }) => timeMs === (value as Number).at)).toBe(true);
      expect(ring.deadLetters).toEqual([]);
    }),
    { numRuns: 60 },
  );
}, 300_000);

test('the watermark goes on while events go round all the time', () => {
  const ring = new Ring(HALVING, 'steps');
  for (let wave = 0; wave < 40; wave++) {
    ring.offer(
      [40, 41, 42, 43].map((n) => numberAt(n, wave * 100)),
      (wave + 1) * 100 - 1,
    );
    for (let turn = 0; turn < 9; turn++) ring.turn(turn % PARTITIONS, 8);
    // Six rounds take longer than a wave, so something is under way always.
    if (wave > 6) expect(ring.watermark).toBeGreaterThan((wave - 6) * 100);
  }
  expect(ring.watermark).toBeLessThan(3_999);
});

test('what comes of an event that was late has a moment behind the watermark, so only that event is', () => {
  const ring = new Ring(HALVING, 'steps');
  ring.offer([], 500);
  for (let turn = 0; turn < 9; turn++) ring.turn(turn % PARTITIONS, 8);
  expect(ring.watermark).toBe(500);
  ring.offer([numberAt(8, 100)], 500);
  play(ring, [], numberAt);
  expect(ring.results.map(({ timeMs, isLate }) => [timeMs, isLate])).toEqual([
    [108, true],
    ...Array.from({ length: 4 }, () => [501, false]),
  ]);
});

test('a savepoint at rest goes on in another job, with lanes of its own', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 25 }), fc.array(happening, { maxLength: 25 }), (before, behind) => {
      const first = new Ring(HALVING, 'steps');
      const given = playOn(first, before, numberAt, 0);
      first.rest();
      const second = first.fromSavepoint();
      const more = playOn(second, behind, numberAt, given.watermark);
      end(second);
      const results = [...first.results, ...second.results];
      expect(text(results.map(({ value }) => value))).toEqual(
        text([...given.events, ...more.events].flatMap(({ value }) => halved(value as Number))),
      );
      expect(results.filter(({ isLate }) => isLate)).toEqual([]);
    }),
    { numRuns: 30 },
  );
}, 300_000);

// ---- connected components: each vertex tells its neighbours the lowest label that it has heard of

type Edge = { readonly kind: 'edge'; readonly vertex: number; readonly other: number };
type Label = { readonly kind: 'label'; readonly vertex: number; readonly label: number };
type Vertex = { readonly label: number; readonly others: readonly number[] };
type Context = { readonly key: unknown; emit(event: unknown, output?: string): void };

/** Fresh state: the function never changes what it is given. */
function hear(state: Vertex | null, event: Edge | Label, context: Context): Vertex {
  const { key } = context;
  const { label, others } = state ?? { label: key as number, others: [] };
  const tell = (to: readonly number[], what: number): void => {
    for (const vertex of to) context.emit({ kind: 'label', vertex, label: what }, 'told');
  };
  const say = (now: number): void => context.emit({ vertex: key, label: now }, 'known');
  if (event.kind === 'edge') {
    tell([event.other], label);
    say(label);
    return { label, others: [...others, event.other] };
  }
  if (event.label >= label) return { label, others };
  tell(others, event.label);
  say(event.label);
  return { label: event.label, others };
}

const COMPONENTS = planOf(
  [{ name: 'vertices', from: 's', keyBy: 'event.vertex', feedback: { from: 'vertices.told' }, reduce: { init: () => null, step: hear } }],
  'vertices.known',
);

test('the components of a graph are found by labels that go round, whoever hears them when', () => {
  const VERTICES = 12;
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 50 }), (happenings) => {
      const ring = new Ring(COMPONENTS, 'vertices');
      const edges: Edge[] = [];
      play(ring, happenings, (n, fromMs) => {
        const [a, b] = [n % VERTICES, (n * 7 + 3) % VERTICES];
        // An edge in one direction each time: both ends hear of each other only when both directions come.
        const edge: Edge = { kind: 'edge', vertex: edges.length % 2 === 0 ? a : b, other: edges.length % 2 === 0 ? b : a };
        edges.push(edge);
        return { key: edge.vertex, timeMs: fromMs, value: edge };
      });
      const labels = new Map<number, number>();
      for (const { value } of ring.results) {
        const { vertex, label } = value as Label;
        labels.set(vertex, Math.min(label, labels.get(vertex) ?? Infinity));
      }
      for (const vertex of new Set(edges.map((edge) => edge.vertex)))
        expect(labels.get(vertex), `vertex ${vertex}`).toBe(Math.min(...reaching(vertex, edges)));
      expect(ring.deadLetters).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 300_000);

/** All vertices from which edges lead to `vertex`. */
function reaching(vertex: number, edges: readonly Edge[], known: Set<number> = new Set()): ReadonlySet<number> {
  if (known.has(vertex)) return known;
  known.add(vertex);
  for (const edge of edges) if (edge.other === vertex) reaching(edge.vertex, edges, known);
  return known;
}

// ---- rounds

const FOR_EVER = { at: 'event.at', id: 'event.id + 1', n: 'event.n' };
const forEver = (maxRounds: number): PhysicalPlan =>
  planOf(
    [
      {
        name: 'steps',
        from: 's',
        keyBy: 'event.id',
        feedback: { from: 'again', maxRounds },
        machine: { ...OPEN, states: { open: { on: { step: { actions: [seen] } } } } },
      },
      { name: 'again', from: 'steps.seen', map: FOR_EVER },
    ],
    'steps.seen',
  );

test('what would go round for ever is a dead letter behind the last round, as the event that it is then', () => {
  const ring = new Ring(forEver(4), 'steps');
  play(ring, [{ kind: 'events', numbers: [5], rise: 1 }], numberAt);
  expect(ring.results.map(({ value }) => (value as Number).id)).toEqual([0, 1, 2, 3, 4]);
  expect(ring.deadLetters).toMatchObject([{ code: 'MR3010', at: 'steps/feedback', event: { id: 5, n: 5, at: 6 }, timeMs: 6 }]);
  expect(ring.deadLetters[0]?.message).toContain('back 4 times');
});

test('a letter of too many rounds that is put in again goes as far once more', () => {
  const ring = new Ring(forEver(4), 'steps');
  ring.offer([numberAt(5, 1)], 1);
  ring.rest();
  const [letter] = ring.deadLetters;
  ring.redrive(letter as DeadLetter);
  ring.rest();
  expect(ring.results.map(({ value }) => (value as Number).id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(ring.deadLetters).toMatchObject([{ event: { id: 5 } }, { code: 'MR3010', event: { id: 9 } }]);
});

test('what timers send round for ever ends with the input, and has the time of a moment behind the watermark until then', () => {
  const states = {
    rests: { on: { step: 'works' } },
    works: { on: { step: {} }, after: { '3ms': { target: 'rests', actions: [seen] } } },
  };
  const plan = planOf(
    [
      {
        name: 'steps',
        from: 's',
        keyBy: 'event.id',
        feedback: { from: 'steps.seen', maxRounds: 6 },
        machine: { eventType: "'step'", initial: 'rests', context: { n: 0, at: 0 }, states: withContext(states) },
      },
    ],
    'steps.seen',
  );
  const ring = new Ring(plan, 'steps');
  const turns = Array.from({ length: 30 }, (_, i): Happening => ({ kind: 'turn', partition: i % PARTITIONS, records: 9 }));
  const rise = (by: number): Happening => ({ kind: 'events', numbers: [], rise: by });
  play(ring, [{ kind: 'events', numbers: [5], rise: 2 }, ...turns, rise(10), ...turns, rise(10), ...turns], numberAt);
  expect(ring.results.filter(({ isLate }) => isLate)).toEqual([]);
  expect(ring.results.length).toBeGreaterThan(6);
  expect(ring.deadLetters).toMatchObject([{ code: 'MR3010' }]);
});

/** Actions by timer see no event: what they tell is the actor's. */
function withContext(states: { readonly rests: object; readonly works: { readonly on: object; readonly after: object } }): object {
  const emit = { emit: { output: 'seen', value: { id: 'key', n: 'context.n', at: 'timeMs' } } };
  return { ...states, works: { ...states.works, after: { '3ms': { target: 'rests', actions: [emit] } } } };
}
