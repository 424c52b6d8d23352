// What a step holds in memory is bounded where the memory for values is: by what it got from disk, what it changed, and what it gives.

import { describe, expect, test } from 'vitest';
import { encodeKey } from '../event/key.ts';
import type { EdgePlan, PhysicalPlan } from '../plan/physical-plan.ts';
import { decodeEvents } from '../event/segment.ts';
import { PartitionState } from '../state/partition-state.ts';
import { makeInboxRecord } from '../testing/sample-inbox.ts';
import { planOfSpec } from '../testing/plan-of.ts';
import { valuesAway } from '../testing/values-away.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import type { InboxRecord } from './inbox.ts';
import { TaskCore } from './step.ts';

const KEYS = 2_000;
const CHARACTERS = 1_000;
const STEP_BYTES = 64_000;
/** A portion behind the bound, which holds a quarter at most once the first have shown what they hold, and what is estimated of it. */
const HELD_MAX = 2 * STEP_BYTES;

type Said = { readonly steps: number; readonly heldMax: number; readonly recordMax: number; readonly events: number };

/** Each record wholly, in as many steps as that takes. `clock`: none, so that time ends no step. */
function runAll(core: TaskCore, records: readonly InboxRecord[]): Said {
  const said = { steps: 0, heldMax: 0, recordMax: 0, events: 0 };
  for (let tries = 0, next = 0; next < records.length || core.hasWork; tries++) {
    if (tries > 100_000) throw new Error('it does not end');
    core.goOn(1);
    if (core.hasTime && next < records.length) core.takeRecords([records[next++] as InboxRecord], 1);
    said.heldMax = Math.max(said.heldMax, core.state.touchedBytes);
    const step = core.step(1, { force: true });
    if (step === null) continue;
    said.steps++;
    const given = step.events.reduce((sum, { bytes }) => sum + bytes.length, 0);
    said.recordMax = Math.max(said.recordMax, given + (step.state?.bytes.length ?? 0));
    said.events += step.events.reduce((sum, { count }) => sum + count, 0);
  }
  return said;
}

function begin(plan: PhysicalPlan, stepBytes: number): TaskCore {
  const stage = plan.stages.find(({ kind }) => kind === 'keyed')!;
  const table = (): never => {
    throw new Error('no table');
  };
  const core = new TaskCore({ plan, stage, partition: 0, makeTransform, table, sink: null });
  core.restore(null, new PartitionState(valuesAway(stepBytes)), false);
  return core;
}

function planOf(stage: Readonly<Record<string, unknown>>): PhysicalPlan {
  return planOfSpec({
    partitions: 1,
    sources: [{ name: 's', nats: { subjects: ['s'] }, eventTime: { at: 'event.at' } }],
    stages: [{ name: 'v0', from: 's', keyBy: { id: 'event.id' }, ...stage }],
    sinks: [{ name: 'o', from: 'v0', nats: { subject: 'out' } }],
  });
}

/** All keys in each record, then what closes their windows, and the end of what is kept of them. */
function recordsOf(plan: PhysicalPlan, count: number, { ends = false } = {}): readonly InboxRecord[] {
  const stage = plan.stages.find(({ kind }) => kind === 'keyed')!;
  const edge = plan.edges[stage.inputs[0] as number] as EdgePlan;
  const text = 'x'.repeat(CHARACTERS);
  return Array.from({ length: count + (ends ? 2 : 0) }, (_, place) => {
    const values = place >= count ? [] : Array.from({ length: KEYS }, (_key, n) => ({ id: `k${n}`, at: 5, text }));
    const keys = values.map(({ id }) => encodeKey([id]));
    const batch = { values, times: values.map(({ at }) => at), keys, ingestMs: 1 };
    return makeInboxRecord(plan, edge, { sequence: place + 1, batch, watermark: [500, Infinity][place - count] ?? 0 });
  });
}

const LAST = { aggregate: { text: { last: 'event.text' } } };

test('a record of many keys is taken in by many steps, each of which holds what it may and a portion at most; without a bound by one', () => {
  const plan = planOf({ ...LAST });
  for (const [stepBytes, steps] of [
    [STEP_BYTES, 2 * ((2 * KEYS * CHARACTERS) / HELD_MAX)],
    [Infinity, 1],
  ] as const) {
    const said = runAll(begin(plan, stepBytes), recordsOf(plan, 2));
    expect(said.events).toBe(2 * KEYS);
    if (stepBytes === Infinity) expect(said.steps).toBe(2);
    else {
      expect(said.steps).toBeGreaterThan(steps);
      expect(said.heldMax).toBeLessThan(HELD_MAX);
      expect(said.recordMax).toBeLessThan(HELD_MAX);
    }
  }
});

/** What comes out when the watermark rises above all that was taken in; where steps end inside of that, another owner goes on behind every fifth,
 *  who has `next` declared, and then the first one. */
function closeAll(plan: PhysicalPlan, stepBytes: number, next = plan): { readonly results: readonly unknown[]; readonly owners: number } {
  let core = begin(plan, stepBytes);
  const [events, ...ends] = recordsOf(plan, 1, { ends: true }) as [InboxRecord, ...InboxRecord[]];
  runAll(core, [events]);
  const results: unknown[] = [];
  let [owners, steps] = [1, 0];
  for (let tries = 0; ; tries++) {
    if (tries > 100_000) throw new Error('it does not end');
    core.goOn(1);
    if (core.hasTime && ends.length > 0) core.takeRecords([ends.shift() as InboxRecord], 1);
    const step = core.step(1, { force: true });
    if (step === null) continue;
    for (const { bytes } of step.events) results.push(...decodeEvents(bytes).values);
    if (!core.hasWork && ends.length === 0) break;
    if (++steps % 5 > 0) continue;
    const state = PartitionState.restore(core.state.checkpoint(), valuesAway(stepBytes));
    core = begin(owners % 2 === 1 ? next : plan, stepBytes);
    core.restore(step.header, state, true);
    owners++;
  }
  expect(core.state.cells('v0').size()).toBe(0);
  return { results, owners };
}

describe.each([
  { fact: 'a window', window: { tumbling: { size: '10ms' } }, results: KEYS },
  { fact: 'a sliding window', window: { sliding: { size: '20ms', every: '10ms' } }, results: 2 * KEYS },
  { fact: 'a window with allowed lateness', window: { tumbling: { size: '10ms' }, allowedLateness: '1s' }, results: KEYS },
  { fact: 'a window with early results', window: { tumbling: { size: '10ms' }, early: [{ every: '7ms' }] }, results: KEYS },
  {
    fact: 'a window with early results and allowed lateness',
    window: { tumbling: { size: '10ms' }, early: [{ every: '7ms' }], allowedLateness: '1s' },
    results: KEYS,
  },
  { fact: 'a session with allowed lateness', window: { session: { gap: '10ms' }, allowedLateness: '1s' }, results: KEYS },
  {
    fact: 'a session with early results and allowed lateness',
    window: { session: { gap: '10ms' }, early: [{ every: '7ms' }], allowedLateness: '1s', accumulation: 'retracting' },
    results: KEYS,
  },
])('$fact of many keys with large results', ({ window, results }) => {
  const plan = planOf({ window, ...LAST });

  test('closes by many steps', () => {
    const core = begin(plan, STEP_BYTES);
    runAll(core, recordsOf(plan, 1));
    const said = runAll(
      core,
      recordsOf(plan, 1, { ends: true })
        .slice(1)
        .map((record, place) => ({ ...record, sequence: place + 2 })),
    );
    expect(said.events).toBe(results);
    expect(said.steps).toBeGreaterThan((results * CHARACTERS) / HELD_MAX);
    expect(said.recordMax).toBeLessThan(HELD_MAX);
  });

  test('gives the same, whoever goes on within it', () => {
    const whole = closeAll(plan, Infinity);
    const parts = closeAll(plan, STEP_BYTES);
    expect(whole.results.length).toBe(results);
    expect(parts.results).toEqual(whole.results);
    expect([whole.owners, parts.owners > 2]).toEqual([1, true]);
  }, 120_000);
});

test.each(['1s', undefined])(
  'lateness may change while a window closes: from %s',
  (allowedLateness) => {
    const planWith = (lateness: string | undefined): PhysicalPlan =>
      planOf({ window: { tumbling: { size: '10ms' }, ...(lateness === undefined ? {} : { allowedLateness: lateness }) }, ...LAST });
    const [plan, next] = [planWith(allowedLateness), planWith(allowedLateness === undefined ? '1s' : undefined)];
    const whole = closeAll(plan, Infinity);
    const parts = closeAll(plan, STEP_BYTES, next);
    const told = (results: readonly unknown[]): readonly unknown[] => results.map((result) => ({ ...(result as object), pane: undefined }));
    expect(told(parts.results)).toEqual(told(whole.results));
    expect(parts.owners).toBeGreaterThan(2);
  },
  60_000,
);
