// Broadcast state and side inputs (C5) inside a task: what code reads of tables that are streams, and what stands in the record.

import { expect, test } from 'vitest';
import { count, file, job } from '../index.ts';
import type { Batch } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents } from '../event/segment.ts';
import { EVERY_PARTITION } from '../journal/record.ts';
import { planJob } from '../plan/plan.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { OneTask } from '../testing/one-task.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { TaskCore } from './step.ts';

type Rule = { id: string; limit: number; gone: boolean; at: number };
type Bid = { id: string; rule: string; amount: number; at: number };
type Verdict = { id: string; amount: number; limit: number | null; rules: number };

function jobOf(asOf: 'eventTime' | 'latest', maxWaiting?: number) {
  return job('sides', { partitions: 2 }, (j) => {
    const bids = j.source('bids', file<Bid>({ path: 'bids.ndjson', eventTime: { at: 'at' } }));
    const changes = j.source('changes', file<Rule>({ path: 'rules.ndjson', eventTime: { at: 'at' } }));
    const rules = j.table('rules', changes, {
      key: 'id',
      deleted: (row) => row.gone,
      asOf,
      ...(maxWaiting === undefined ? {} : { maxWaiting }),
    });
    bids
      .keyBy('id')
      .reduce<number, Verdict>(
        {
          init: () => 0,
          step: (seen, { id, rule, amount }, context) => {
            const known = context.table<Rule>('rules');
            context.emit({ id, amount, limit: known.get(rule)?.limit ?? null, rules: known.size });
            return seen + 1;
          },
        },
        { tables: [rules] },
      )
      .as('judged')
      .toFile('judged.ndjson');
    bids.keyBy('id').aggregate({ n: count() }).as('counted').toFile('counted.ndjson');
  }).build();
}

class Judge {
  readonly plan: ReturnType<typeof planJob>;
  readonly #task: OneTask;
  readonly out: Verdict[] = [];

  constructor(asOf: 'eventTime' | 'latest', maxWaiting?: number) {
    this.plan = planJob(jobOf(asOf, maxWaiting), {}, { deadLetterFile: false });
    this.#task = new OneTask(
      this.plan,
      this.plan.stages.find(({ id }) => id === 'judged')!,
    );
  }

  get core(): TaskCore {
    return this.#task.core;
  }

  bids(watermark: number, ...bids: readonly (readonly [rule: string, amount: number, at: number])[]): this {
    return this.#take('bids', watermark, {
      values: bids.map(([rule, amount, at]) => ({ id: 'x', rule, amount, at })),
      times: bids.map(([, , at]) => at),
      keys: bids.map(() => encodeKey('x')),
      ingestMs: 1,
    });
  }

  rules(watermark: number, ...rows: readonly (readonly [id: string, limit: number | null, at: number])[]): this {
    return this.#take('changes', watermark, {
      values: rows.map(([id, limit, at]) => (limit === null ? ['rules'] : ['rules', { id, limit, gone: false, at }])),
      times: rows.map(([, , at]) => at),
      keys: rows.map(([id]) => encodeKey(id)),
      ingestMs: 1,
    });
  }

  restart(): this {
    this.#task.restart();
    return this;
  }

  get limits(): readonly (number | null)[] {
    return this.out.map(({ limit }) => limit);
  }

  #take(from: string, watermark: number, batch: Batch): this {
    for (const { edge, values } of this.#task.take(from, watermark, batch))
      if (edge.from.node !== '*') this.out.push(...(values as Verdict[]));
    return this;
  }
}

test('C5 C6 a reducer reads the rows of the time of its event, for which it waits', () => {
  const judge = new Judge('eventTime').rules(10, ['r', 1, 5]).bids(40, ['r', 7, 8], ['r', 8, 20], ['r', 9, 30]);
  expect(judge.limits).toEqual([1]);
  judge.rules(25, ['r', 2, 15], ['s', 0, 16]);
  expect(judge.out.at(-1)).toEqual({ id: 'x', amount: 8, limit: 2, rules: 2 });
  judge.rules(50, ['r', null, 30]);
  expect(judge.limits).toEqual([1, 2, null]);
  expect(residueOf(judge.core.counters)).toBe(0);
});

test('the newest is read at once where nothing waits, also after a restart', () => {
  const judge = new Judge('latest').bids(40, ['r', 7, 8]).rules(-Infinity, ['r', 1, 50]).restart().bids(40, ['r', 8, 9]);
  expect(judge.limits).toEqual([null, 1]);
  expect(residueOf(judge.core.counters)).toBe(0);
});

test('events that wait for the table are state', () => {
  const judge = new Judge('eventTime').bids(40, ['r', 7, 8]).restart().rules(5, ['r', 3, 4]).restart().rules(20);
  expect(judge.limits).toEqual([3]);
});

test('while as much waits as may, only what it waits for is read on, also after a restart', () => {
  const judge = new Judge('eventTime', 2).rules(10, ['r', 1, 5]).bids(40, ['r', 7, 20], ['r', 8, 30]);
  const stopped = (): readonly string[] => [...judge.core.backPressure.lanes];
  expect(stopped()).toEqual(['bids']);
  expect(([judge.restart(), stopped()] as const)[1]).toEqual(['bids']);
  judge.rules(25);
  expect([stopped(), judge.core.backPressure.room]).toEqual([[], 1]);
  judge.rules(60, ['r', 2, 50], ['r', 3, 55]); // rows wait as events do
  expect([judge.limits, stopped()]).toEqual([[1, 1], ['changes']]);
  judge.bids(70, ['r', 9, 58]);
  expect([judge.limits, stopped()]).toEqual([[1, 1, 3], []]);
});

test('a row lies in a record once, for every partition, and counts for each', () => {
  const { plan } = new Judge('eventTime');
  const stage = plan.stages.find(({ id }) => id === 'changes')!;
  const core = new TaskCore({ plan, stage, partition: 0, makeTransform, table: () => undefined as never, sink: null });
  core.restore(null, core.state, false);
  const values = [
    { id: 'r', limit: 1, gone: false, at: 5 },
    { id: 's', limit: 2, gone: true, at: 6 },
  ];
  core.takeRead(
    {
      values,
      places: [0, 1],
      placeWord: 'seq',
      deadLetters: [],
      position: { index: 2 },
      ingestMs: 1,
      done: false,
      bytes: 1,
      progress: null,
    },
    1,
  );
  const step = core.step(1, { force: true })!;
  expect(step.events.map(({ partition, count: events }) => [partition, events])).toEqual([[EVERY_PARTITION, 2]]);
  expect(decodeEvents(step.events[0]!.bytes).values).toEqual([['rules', values[0]], ['rules']]);
  expect([core.counters.edgesOut[0], residueOf(core.counters)]).toEqual([4, 0]);
});

test('a stage that reads a table is not shared with one that reads none', () => {
  const judge = new Judge('eventTime');
  expect(judge.plan.stages.find(({ id }) => id === 'judged')!.nodes.map(({ id }) => id)).toEqual(['judged/side', 'judged']);
  expect(judge.plan.stages.find(({ id }) => id === 'counted')!.nodes.map(({ id }) => id)).toEqual(['counted']);
});
