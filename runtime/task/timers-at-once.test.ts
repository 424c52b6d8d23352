// D3: a million timers of one partition that are due at once. They fire over many steps, each stored and none longer than a stretch, so that
// neither commits nor heartbeats wait for them. In the rise to the end of all input nothing is stored before it is through (ADR 29).

import { expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import type { EdgePlan, StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { GRACE_MS, STRETCH_MS } from './agenda.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';
import type { Standing, Step } from './step-record.ts';

const TIMERS = 1_000_000;
const TIMERS_A_KEY = 10;
const EVENTS_A_RECORD = 20_000;
/** Of the counted clock. A part of a turn is seen to be over a few timers late: so many fire between two looks at it. */
const [TIMER_MS, LOOK_TIMERS] = [1 / 16, 4];
const STEP_MS_MAX = STRETCH_MS + GRACE_MS + 2 * LOOK_TIMERS * TIMER_MS;
const IDS = Array.from({ length: TIMERS_A_KEY }, (_, i) => `t${i}`);

type Context = {
  readonly timer: string | null;
  readonly emit: (value: unknown) => void;
  readonly setTimer: (id: string, atMs: number) => void;
};

const plan = planOfSpec({
  partitions: 1,
  sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
  stages: [
    {
      name: 'flood',
      from: 's',
      keyBy: 'event.id',
      reduce: {
        init: (): number => 0,
        step: (state: number, _event: unknown, { timer, emit, setTimer }: Context): number => {
          if (timer === null) for (const id of IDS) setTimer(id, 1_000);
          else emit(timer);
          return state;
        },
      },
    },
  ],
  sinks: [{ name: 'o', from: 'flood', nats: { subject: 'out' } }],
});
const stage = plan.stages.find(({ kind }) => kind === 'keyed') as StagePlan;
const edge = plan.edges[stage.inputs[0] as number] as EdgePlan;

function recordOf(sequence: number, keys: readonly string[], watermark: number): InboxRecord {
  return makeInboxRecord(plan, edge, {
    sequence,
    batch: { values: keys.map((id) => ({ id, at: 1 })), times: keys.map(() => 1), keys: keys.map(encodeKey), ingestMs: 1 },
    watermark,
  });
}

/** The task under a clock that goes on with each timer that fires. */
class Flood {
  nowMs = 0;
  core = this.#begin(null, new PartitionState());
  /** Counted ms of each turn of the loop, whether it ended with something to be stored or not. */
  readonly turnsMs: number[] = [];
  readonly #stored: Standing[] = [];
  #sequence = 0;

  #begin(standing: Standing | null, state: PartitionState): TaskCore {
    const core = new TaskCore({
      plan,
      stage,
      partition: 0,
      makeTransform: (node) => {
        const real = makeTransform(node);
        const onTimer = real.onTimer?.bind(real);
        real.onTimer = (timer, context): void => {
          this.nowMs += TIMER_MS;
          onTimer?.(timer, context);
        };
        return real;
      },
      table: () => {
        throw new Error('no table');
      },
      sink: null,
      clock: { monotonicMs: () => this.nowMs },
    });
    core.restore(standing, state, standing !== null);
    return core;
  }

  /** Another owner goes on from what was stored. */
  kill(): void {
    this.core = this.#begin(this.#stored.at(-1) as Standing, PartitionState.restore(this.core.state.checkpoint()));
  }

  set(timers: number): void {
    for (let from = 0; from < timers / TIMERS_A_KEY; from += EVENTS_A_RECORD) {
      const count = Math.min(EVENTS_A_RECORD, timers / TIMERS_A_KEY - from);
      // In no order: 7,919 and the number of keys have no common divisor.
      const keys = Array.from({ length: count }, (_, i) => `k${((from + i) * 7_919) % (timers / TIMERS_A_KEY)}`);
      this.give(recordOf(++this.#sequence, keys, 0));
    }
  }

  rise(watermark: number): Step | null {
    return this.give(recordOf(++this.#sequence, [], watermark));
  }

  give(record: InboxRecord): Step | null {
    return this.#turn(() => this.core.takeRecords([record], 1));
  }

  turn(): Step | null {
    return this.#turn(() => undefined);
  }

  #turn(take: () => void): Step | null {
    const beganMs = this.nowMs;
    this.core.goOn(1);
    take();
    const step = this.core.step(1, { force: true });
    this.turnsMs.push(this.nowMs - beganMs);
    if (step === null) return null;
    expect(residueOf(step.header.counters)).toBe(0);
    this.core.state.takeDelta(); // as one who has stored it
    this.#stored.push(step.header as Standing);
    return step;
  }
}

/** What a step gives: `key id`, in order. */
function firedIn(step: Step): readonly string[] {
  return step.events.flatMap(({ bytes }) => {
    const { values, keys } = decodeEvents(bytes);
    return values.map((id, i) => `${keys?.[i]} ${String(id)}`);
  });
}

test('D3 a million timers that are due at once fire over many steps, each stored and none above its stretch, each timer once and in order, over a death', () => {
  const flood = new Flood();
  flood.set(TIMERS);
  flood.turnsMs.length = 0;
  let [fired, unordered, steps, most, last] = [0, 0, 0, 0, ''];
  for (let step = flood.rise(1_000); fired < TIMERS; step = flood.turn()) {
    if (step === null) throw new Error('a step that fires timers is stored');
    const names = firedIn(step);
    for (const name of names) {
      if (name <= last) unordered++; // strictly ascending, so none fires twice
      last = name;
    }
    fired += names.length;
    most = Math.max(most, names.length);
    if (++steps === 50) flood.kill();
  }
  expect([fired, unordered, flood.core.hasWork]).toEqual([TIMERS, 0, false]);
  expect(Math.max(...flood.turnsMs)).toBeLessThanOrEqual(STEP_MS_MAX);
  expect(steps).toBeGreaterThanOrEqual((TIMERS * TIMER_MS) / STEP_MS_MAX);
  expect(most).toBeLessThanOrEqual(STEP_MS_MAX / TIMER_MS);
  expect(flood.turn()).toBeNull();
}, 900_000);

test('D3 timers that the end of all input makes due fire in turns of the loop too, and are stored together when all have', () => {
  const timers = TIMERS / 10;
  const flood = new Flood();
  flood.set(timers);
  flood.turnsMs.length = 0;
  let step = flood.rise(Infinity);
  for (let turns = 0; step === null && turns < timers; turns++) step = flood.turn();
  expect(firedIn(step!).length).toBe(timers);
  expect(flood.core.done).toBe(true);
  expect(Math.max(...flood.turnsMs)).toBeLessThanOrEqual(STEP_MS_MAX);
  expect(flood.turnsMs.length).toBeGreaterThanOrEqual((timers * TIMER_MS) / STEP_MS_MAX);
}, 900_000);
