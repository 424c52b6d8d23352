// Steps that end wherever time is over or much is held, inside of a record, between two timers, or not yet: together they do what one step does.

import { describe, expect, test } from 'vitest';
import type { Clock, Random } from '../base/clock.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { valuesAway } from '../testing/values-away.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';

type Spec = Readonly<Record<string, unknown>>;
type Event = { readonly id: string; readonly at: number; readonly n: number };
type Reducing = {
  readonly timer: string | null;
  readonly timeMs: number;
  emit(value: unknown, output?: string): void;
  setTimer(id: string, atMs: number, data?: unknown): void;
};

/** Each event sets a timer of its own, and each timer one more; every seventh fails. */
function reduce(state: unknown, event: unknown, context: Reducing): unknown {
  const { id, at, n } = event as Event;
  if (n % 7 === 0) throw new Error('n is a multiple of 7');
  if (context.timer === null) context.setTimer(`t${at} ${n}`, context.timeMs + 4, { id, at, n });
  if (context.timer?.startsWith('t') === true) context.setTimer(`u${context.timer}`, context.timeMs + 1, { id, at, n });
  context.emit({ id, at, n: (state as number) + n });
  return (state as number) + n;
}

const SAME = { id: 'event.id', at: 'event.at', n: 'event.n' };
const TWICE: Spec = { flatMap: [{ emit: SAME }, { when: 'event.n > 3', emit: SAME }] };
const MACHINE: Spec = {
  order: 'eventTime',
  eventType: "'add'",
  context: { n: 0 },
  initial: 'idle',
  states: {
    idle: { on: { add: { target: 'busy', actions: [{ assign: { n: 'context.n + event.n' } }] } } },
    busy: {
      after: { '3ms': { target: 'idle', actions: [{ emit: { output: 'out', value: { id: 'key', at: '1', n: 'context.n' } } }] } },
      on: { add: { actions: [{ assign: { n: 'context.n + 12 / event.n' } }] } },
    },
  },
};
const CHAINS: Readonly<Record<string, readonly [verb: Spec, output: string]>> = {
  'a reducer with timers': [{ keyBy: 'event.id', reduce: { init: (): number => 0, step: reduce } }, 'v0'],
  'a machine in event-time order': [{ keyBy: 'event.id', machine: MACHINE }, 'v0.out'],
  windows: [
    {
      keyBy: 'event.id',
      window: { sliding: { size: '10ms', every: '4ms' } },
      aggregate: { n: { sum: '12 / event.n' }, at: { max: 'event.at' } },
    },
    'v0',
  ],
};

/** The transform, and behind it in the same stage two that give each event on. */
function planOf(chain: string): PhysicalPlan {
  const [verb, output] = CHAINS[chain] as (typeof CHAINS)[string];
  return planOfSpec({
    partitions: 1,
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
    stages: [
      { name: 'v0', from: 's', ...verb },
      { name: 'twice', from: output, ...TWICE },
      { name: 'mapped', from: 'twice', map: { ...SAME, n: '12 / event.n' } },
    ],
    sinks: [{ name: 'o', from: 'mapped', nats: { subject: 'out' } }],
  });
}

type Told = {
  readonly events: readonly unknown[];
  readonly letters: readonly string[];
  readonly counters: unknown;
  readonly image: string;
};
type Ways = { steps: number; insides: number; rises: number; waits: number };

/** All records through the stage. `fate`: what happens behind each try of a step; kill: another owner goes on from what was stored. */
function play(
  plan: PhysicalPlan,
  records: readonly InboxRecord[],
  options: { readonly clock?: Pick<Clock, 'monotonicMs'>; readonly isKilled?: () => boolean; readonly stepBytes?: number },
): { readonly told: Told; readonly ways: Ways } {
  const stage = stageOf(plan);
  const table = (): never => {
    throw new Error('no table');
  };
  const ways: Ways = { steps: 0, insides: 0, rises: 0, waits: 0 };
  let stored: { readonly standing: Standing; readonly image: Uint8Array } | null = null;
  const begin = (): TaskCore => {
    const core = new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null, clock: options.clock });
    const memory = options.stepBytes === undefined ? null : valuesAway(options.stepBytes);
    core.restore(
      stored?.standing ?? null,
      stored === null ? new PartitionState(memory) : PartitionState.restore(stored.image, memory),
      false,
    );
    return core;
  };
  let core = begin();
  let next = 0; // in records
  const events: unknown[] = [];
  const letters: string[] = [];
  for (let tries = 0; !core.done; tries++) {
    if (tries > 100_000) throw new Error('it does not end');
    const hadWork = core.hasWork;
    core.goOn(1);
    // A record at a time: what comes behind one comes behind its watermark.
    if (!hadWork && core.hasTime && next < records.length) core.takeRecords([records[next++] as InboxRecord], 1);
    const step = core.step(1, { force: true });
    if (step === null) ways.waits++;
    else {
      ways.steps++;
      if (step.header.inputs.some(({ part }) => part !== undefined)) ways.insides++;
      if (isRising(step)) ways.rises++;
      expect(residueOf(step.header.counters)).toBe(0);
      core.state.takeDelta();
      stored = { standing: step.header as Standing, image: core.state.checkpoint() };
      tell(plan, step, events, letters);
    }
    if (core.done || options.isKilled?.() !== true) continue;
    core = begin();
    next = records.filter(({ sequence }) => sequence <= core.sequenceOf('s')).length;
  }
  const image = Buffer.from(core.state.checkpoint()).toString('hex');
  return { told: { events, letters: letters.toSorted(), counters: core.counters, image }, ways };
}

/** A transform knows less of time than its input has said. */
function isRising({ header }: Step): boolean {
  const known = Math.min(...header.inputs.flatMap(({ watermarks }) => watermarks.map((watermark) => watermark ?? -Infinity)));
  return (header.nodeWatermarks['v0']?.[0] ?? -Infinity) < known;
}

function tell(plan: PhysicalPlan, step: Step, events: unknown[], letters: string[]): void {
  for (const { edge, bytes } of step.events) {
    const { values, times, keys } = decodeEvents(bytes);
    const isData = plan.edges[edge]?.from.node !== '*';
    values.forEach((value, i) =>
      isData ? events.push([value, times[i], keys?.[i]]) : letters.push(JSON.stringify({ ...(value as object), stack: '' })),
    );
  }
}

function stageOf(plan: PhysicalPlan): StagePlan {
  return plan.stages.find(({ kind }) => kind === 'keyed') as StagePlan;
}

function recordsOf(plan: PhysicalPlan, parts: readonly (readonly Event[])[]): readonly InboxRecord[] {
  const edge = plan.edges[stageOf(plan).inputs[0] as number] as EdgePlan;
  return [...parts, []].map((events, place) =>
    makeInboxRecord(plan, edge, {
      sequence: place + 1,
      batch: {
        values: [...events],
        times: events.map(({ at }) => at),
        keys: edge.partitioning === 'key' ? events.map(({ id }) => encodeKey(id)) : null,
        ingestMs: 1,
      },
      watermark: place === parts.length ? Infinity : place * 8,
    }),
  );
}

const SEEDS = 60;

function eventsOf(random: Random): readonly (readonly Event[])[] {
  const below = (max: number): number => Math.floor(random.next() * max);
  return Array.from({ length: below(6) }, () =>
    Array.from({ length: below(120) }, () => ({ id: 'abc'[below(3)] as string, at: below(61), n: below(9) })),
  );
}

describe.each(Object.keys(CHAINS))('%s', (chain) => {
  test('gives the same to the byte wherever its steps end and whoever goes on', () => {
    const ways: Ways = { steps: 0, insides: 0, rises: 0, waits: 0 };
    const plan = planOf(chain);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const records = recordsOf(plan, eventsOf(random));
      let nowMs = 0;
      const clock = { monotonicMs: () => (random.next() < 0.2 ? (nowMs += 400) : nowMs) };
      const cut = play(plan, records, { clock, isKilled: () => random.next() < 0.05 });
      expect({ seed, ...cut.told }).toEqual({ seed, ...play(plan, records, {}).told });
      for (const name of Object.keys(ways) as (keyof Ways)[]) ways[name] += cut.ways[name];
    }
    expect(ways.insides).toBeGreaterThan(SEEDS);
    expect(ways.waits).toBeGreaterThan(SEEDS);
    if (chain !== 'windows') expect(ways.rises).toBeGreaterThan(SEEDS); // they have no timers
  });

  test.each([1, 300])(
    'gives the same to the byte when its steps may hold %i bytes, whoever goes on',
    (stepBytes) => {
      const ways: Ways = { steps: 0, insides: 0, rises: 0, waits: 0 };
      const plan = planOf(chain);
      for (let seed = 1; seed <= SEEDS / 3; seed++) {
        const random = seededRandom(seed);
        const records = recordsOf(plan, eventsOf(random));
        const cut = play(plan, records, { stepBytes, isKilled: () => random.next() < 0.05 });
        expect({ seed, ...cut.told }).toEqual({ seed, ...play(plan, records, {}).told });
        for (const name of Object.keys(ways) as (keyof Ways)[]) ways[name] += cut.ways[name];
      }
      expect(ways.insides).toBeGreaterThan(SEEDS);
      expect(ways.rises).toBeGreaterThan(SEEDS / 3);
    },
    60_000,
  );
});

test('a record of 20,000 events of 20 ms each is taken in by steps of at most half a second', () => {
  const plan = planOf('a reducer with timers');
  const events = Array.from({ length: 20_000 }, (_, i) => ({ id: `k${i % 50}`, at: i % 7, n: 1 + (i % 6) }));
  let nowMs = 0;
  const stage = stageOf(plan);
  const core = new TaskCore({
    plan,
    stage,
    partition: 0,
    makeTransform: (node) => {
      const real = makeTransform(node);
      const onBatch = real.onBatch.bind(real);
      real.onBatch = (batch, context, side): void => {
        if (node.id === 'v0') nowMs += 20 * batch.values.length;
        onBatch(batch, context, side);
      };
      return real;
    },
    table: () => {
      throw new Error('no table');
    },
    sink: null,
    clock: { monotonicMs: () => nowMs },
  });
  core.restore(null, new PartitionState(), false);
  const taken: number[] = [];
  const tookMs: number[] = [];
  const records = recordsOf(plan, [events]).slice(0, 1);
  for (let before = 0; before < 20_000; before = core.counters.eventsIn) {
    const beganMs = nowMs;
    core.goOn(1);
    if (before === 0) core.takeRecords(records, 1);
    expect(core.step(1, { force: false })).not.toBeNull();
    taken.push(core.counters.eventsIn - before);
    tookMs.push(nowMs - beganMs);
  }
  expect(core.counters.eventsIn).toBe(20_000);
  expect(Math.max(...tookMs)).toBeLessThanOrEqual(400);
  expect(taken.length).toBeGreaterThan(1_000);
  expect(core.positions()[0]).toMatchObject({ sequence: 1 });
});

test('a window of more keys than a step gives results closes over several steps, with kills between them: each key once, in order, all together', () => {
  const KEYS = 10_000;
  const plan = planOfSpec({
    partitions: 1,
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
    stages: [
      {
        name: 'v0',
        from: 's',
        keyBy: { id: 'event.id' },
        window: { tumbling: { size: '10ms' } },
        aggregate: { n: { sum: 'event.n' } },
      },
    ],
    sinks: [{ name: 'o', from: 'v0', nats: { subject: 'out' } }],
  });
  // Two windows: the second has a key of its own, and closes behind all keys of the first.
  const events = Array.from({ length: KEYS }, (_, i) => ({ id: `k${i}`, at: i % 10, n: i }));
  const records = recordsOf(plan, [events, [{ id: 'other', at: 12, n: 7 }]]);
  const random = seededRandom(3);
  let nowMs = 0;
  const clock = { monotonicMs: () => (random.next() < 0.5 ? (nowMs += 400) : nowMs) };
  const { told, ways } = play(plan, records, { clock, isKilled: () => random.next() < 0.2 });
  expect(ways.rises).toBeGreaterThan(0);
  const bounds = { windowStartMs: 0, windowEndMs: 10 };
  expect(told.events.length).toBe(KEYS + 1);
  expect(told.events.map((event) => (event as [{ id: string; n: number }])[0]).map(({ id, n }) => [id, n])).toEqual([
    ...Array.from({ length: KEYS }, (_, i) => [`k${i}`, i]),
    ['other', 7],
  ]);
  expect(told.events[0]).toEqual([expect.objectContaining(bounds), 9, expect.anything()]);
  expect(told.counters).toMatchObject({ late: 0, deadLetters: 0 });
});
