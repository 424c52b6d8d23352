// Each event that a stage takes in has one end in its counters: random stages, events and kills, and transforms that lose something.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import type { RecordHeader } from '../journal/record.ts';
import type { EdgePlan, NodePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { Transform } from '../transforms/transform.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';
import type { Standing } from './step-record.ts';

type Spec = Readonly<Record<string, unknown>>;
type Make = (node: NodePlan) => Transform;

const SAME = { id: 'event.id', at: 'event.at', n: 'event.n' };
const count = { n: { count: {} }, at: { max: 'event.at' }, sum: { sum: '12 / event.n' } };
/** A stage of each kind, of the events { id, at, n }. n is 0 now and then: what divides by it makes dead letters. */
const VERBS: readonly Spec[] = [
  { filter: 'event.n > 1' },
  { map: SAME },
  { map: { ...SAME, n: '12 / event.n' } },
  {
    flatMap: [
      { when: 'event.n > 1', emit: SAME },
      { when: '12 / event.n > 3', emit: SAME },
      { when: 'event.n > 2', emit: SAME },
    ],
  },
  { sample: { ratio: 0.5 } },
  { keyBy: 'event.id', dedupe: { ttl: '5ms' } },
  { keyBy: 'event.id', aggregate: count },
  { keyBy: 'event.id', window: { tumbling: { size: '10ms' } }, aggregate: count },
  { keyBy: 'event.id', window: { sliding: { size: '10ms', every: '4ms' } }, aggregate: count },
  { keyBy: 'event.id', window: { session: { gap: '5ms' } }, aggregate: count },
  { keyBy: 'event.id', join: { with: 's', within: '5ms', type: 'full', select: { id: '"a"', at: '1', n: '12 / left.n' } } },
  { keyBy: 'event.id', join: { with: 's', within: '5ms', select: { id: 'left.id', at: 'left.at', n: 'right.n' } } },
  {
    keyBy: 'event.id',
    join: {
      with: 's',
      window: { sliding: { size: '10ms', every: '4ms' } },
      type: 'full',
      select: { id: '"a"', at: '1', n: '12 / left.n' },
    },
  },
  {
    keyBy: 'event.id',
    join: {
      with: 's',
      type: 'left',
      temporal: { grace: '3ms', deleted: '12 / event.n < 3', validFor: '20ms' },
      select: { id: 'left.id', at: 'left.at', n: '12 / right.n' },
    },
  },
  {
    keyBy: 'event.id',
    join: {
      with: 's',
      type: 'full',
      table: { left: { deleted: '12 / event.n < 3' }, right: { id: 'event.n' }, emit: 'changes' },
      select: { id: '"a"', at: '1', n: '12 / left.n' },
    },
  },
  { keyBy: 'event.id', machine: machine('deadLetter', 'arrival') },
  { keyBy: 'event.id', machine: machine('ignore', 'eventTime') },
  { keyBy: 'event.id', aggregate: count, state: { ttl: '9ms', onExpire: 'emit' } },
  { keyBy: 'event.id', machine: machine('deadLetter', 'arrival'), state: { ttl: '11ms' } },
  { keyBy: 'event.id', reduce: { init: (): number => 0, step: reduce, expire: reduceEnd }, state: { ttl: '6ms', onExpire: 'emit' } },
  { keyBy: 'event.id', reduce: { init: (): number => 0, step: reduce } },
];

/** Goes on at n > 1, fails at 0 now and then, is woken by a timer that may fail too, ends at 5. */
function machine(unhandled: string, order: string): Spec {
  const emit = { emit: { output: 'out', value: SAME } };
  return {
    unhandled,
    order,
    eventType: "event.n > 3 ? 'high' : 'low'",
    context: { n: 0 },
    initial: 'idle',
    states: {
      idle: { on: { low: { target: 'busy', actions: [{ assign: { n: 'event.n' } }, emit] } } },
      busy: {
        after: {
          '7ms': {
            target: 'idle',
            actions: [{ assign: { n: '12 / context.n' } }, { emit: { output: 'woken', value: { id: 'key', at: '1', n: 'context.n' } } }],
          },
        },
        on: { low: { actions: [{ assign: { n: '12 / event.n' } }, emit] }, high: [{ guard: 'event.n == 5', target: 'over' }] },
      },
      over: { type: 'final' },
    },
  };
}

type Reducing = {
  readonly timer: string | null;
  readonly timeMs: number;
  emit(value: unknown, output?: string): void;
  setTimer(id: string, atMs: number, data?: unknown): void;
};
function reduce(state: unknown, event: unknown, context: Reducing): unknown {
  const { n } = event as { readonly n: number };
  if (n === 0) throw new Error('n is 0');
  if (context.timer === null) context.setTimer('t', context.timeMs + 4, { n: n - 1 });
  if (n > 1) context.emit(event);
  return n === 5 ? null : (state as number) + n;
}

/** Fails now and then. */
function reduceEnd(state: unknown, context: Reducing): void {
  if ((state as number) % 3 === 0) throw new Error('3 divides it');
  context.emit({ id: 'a', at: 1, n: state });
}

function planOf(verbs: readonly number[], copies: boolean): PhysicalPlan {
  const stages = verbs.map((verb, place) => {
    const before = place === 0 ? 's' : outputOf(verbs, place - 1);
    return { name: `v${place}`, from: before, ...(VERBS[verb]?.['keyBy'] === undefined ? {} : { partitions: 1 }), ...VERBS[verb] };
  });
  return planOfSpec({
    partitions: 1,
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
    stages,
    // Now and then the results of a stage have two readers, and others none.
    sinks: stages.flatMap(({ name }, place) =>
      place === stages.length - 1 || copies ? [{ name: `o-${name}`, from: outputOf(verbs, place), nats: { subject: `out.${name}` } }] : [],
    ),
  });
}

/** What the next stage reads: machines have named outputs only. */
function outputOf(verbs: readonly number[], place: number): string {
  return VERBS[verbs[place] as number]?.['machine'] === undefined ? `v${place}` : `v${place}.out`;
}

type Event = { readonly id: string; readonly at: number; readonly n: number };
/** Events of one input, with the watermark behind them; `fate`: what becomes of the worker after it. */
type Turn = {
  readonly input: number;
  readonly events: readonly Event[];
  readonly rise: number;
  readonly fate: 'goes on' | 'moves' | 'is killed';
};

const turn: fc.Arbitrary<Turn> = fc.record({
  input: fc.nat(3),
  events: fc.array(fc.record({ id: fc.constantFrom('a', 'b', 'c'), at: fc.integer({ min: 0, max: 60 }), n: fc.nat(5) }), { maxLength: 12 }),
  rise: fc.nat(12),
  fate: fc.constantFrom('goes on', 'goes on', 'moves', 'is killed'),
});

/** Plays `turns` on a stage; what is wrong with its counters, step by step. */
function play(plan: PhysicalPlan, stage: StagePlan, turns: readonly Turn[], make: Make = makeTransform): string[] {
  const table = (): never => {
    throw new Error('no table');
  };
  const begin = (): TaskCore => new TaskCore({ plan, stage, partition: 0, makeTransform: make, table, sink: null });
  const edges = stage.inputs.map((index) => plan.edges[index] as EdgePlan);
  const watermarks = new Map<number, number>();
  let stored: { readonly standing: Standing; readonly image: Uint8Array } | null = null;
  const restored = (): TaskCore => {
    const core = begin();
    core.restore(stored?.standing ?? null, stored === null ? new PartitionState() : PartitionState.restore(stored.image), true);
    return core;
  };
  const problems: string[] = [];
  let core = restored();
  let sequence = 0;
  // Timers that are set on and on end with the input: the last turn ends all of them.
  for (const [place, { input, events, rise, fate }] of [...turns, ...edges.map((_, i) => endOf(i))].entries()) {
    const edge = edges[input % edges.length] as EdgePlan;
    const watermark = Math.max(watermarks.get(edge.index) ?? 0, (watermarks.get(edge.index) ?? 0) + rise);
    const record = recordOf(plan, edge, ++sequence, events, watermark);
    core.takeRecords([record], 1);
    if (fate === 'is killed') {
      core.step(1, { force: true });
      core = restored(); // with what was stored before; the record comes again
      core.takeRecords([record], 1);
    }
    watermarks.set(edge.index, watermark);
    const step = core.step(1, { force: true });
    if (step === null) continue;
    const residue = residueOf(step.header.counters as RecordHeader['counters']);
    if (residue !== 0) problems.push(`turn ${place}: ${residue} ${JSON.stringify(step.header.counters)}`);
    core.state.takeDelta();
    stored = { standing: step.header as Standing, image: core.state.checkpoint() };
    if (fate === 'moves') core = restored();
  }
  return problems;
}

function endOf(input: number): Turn {
  return { input, events: [], rise: Infinity, fate: 'goes on' };
}

function recordOf(plan: PhysicalPlan, edge: EdgePlan, sequence: number, events: readonly Event[], watermark: number): InboxRecord {
  const keys = edge.partitioning === 'key' ? events.map(({ id }) => encodeKey(id)) : null;
  return makeInboxRecord(plan, edge, {
    sequence,
    batch: { values: [...events], times: events.map(({ at }) => at), keys, ingestMs: 1 },
    watermark,
  });
}

const readersIn = ({ stages }: PhysicalPlan): readonly StagePlan[] =>
  stages.filter(({ kind, inputs }) => kind !== 'sink' && inputs.length > 0);

test('whatever a stage does to events, and whenever its worker is killed or its partition moves, each event has one end', () => {
  const verbs = fc.array(fc.nat(VERBS.length - 1), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(verbs, fc.boolean(), fc.array(turn, { maxLength: 8 }), (chosen, copies, turns) => {
      const plan = planOf(chosen, copies);
      for (const stage of readersIn(plan)) expect(play(plan, stage, turns), JSON.stringify(chosen.map((verb) => VERBS[verb]))).toEqual([]);
    }),
    { numRuns: 40 },
  );
}, 300_000);

const EVENTS: readonly Event[] = Array.from({ length: 9 }, (_, i) => ({ id: 'abc'[i % 3] as string, at: 3 * i, n: 1 + (i % 3) }));
const TURNS: readonly Turn[] = [0, 1].map((input) => ({ input, events: EVENTS, rise: 4, fate: 'moves' }));
const held = VERBS.findIndex((verb) => (verb['machine'] as Spec | undefined)?.['order'] === 'eventTime');

test.each(VERBS.map((verb, index) => ({ verb: JSON.stringify(verb), index })).filter(({ index }) => VERBS[index]?.['keyBy'] !== undefined))(
  'one event that is dropped silently on its way into $verb is unaccounted for',
  ({ index }) => {
    const plan = planOf([index], false);
    let isLost = false;
    const losing: Make = (node) => {
      const real = makeTransform(node);
      const onBatch = real.onBatch.bind(real);
      real.onBatch = (batch, context, side): void => {
        if (isLost) return onBatch(batch, context, side);
        isLost = true;
        const rest = { values: batch.values.slice(1), times: batch.times.slice(1), keys: batch.keys?.slice(1) ?? null, ingestMs: 1 };
        return onBatch(rest, context, side);
      };
      return real;
    };
    const stage = readersIn(plan)[0] as StagePlan;
    expect(play(plan, stage, TURNS)).toEqual([]);
    expect(play(plan, stage, TURNS, losing)[0]).toMatch(/^turn 0: 1 /);
  },
);

test('an event that is held and does not come back after a move is unaccounted for', () => {
  const plan = planOf([held], false);
  const forgetful: Make = (node) => {
    const real = makeTransform(node);
    if (node.op.kind !== 'order') return real;
    const restored = real.restored?.bind(real);
    real.restored = (context): void => {
      const [first] = context.cells.namespaces();
      if (first !== undefined) context.cells.drop(first);
      restored?.(context);
    };
    return real;
  };
  expect(play(plan, readersIn(plan)[0] as StagePlan, TURNS, forgetful)[0]).toMatch(/^turn 1: \d+ /);
});
