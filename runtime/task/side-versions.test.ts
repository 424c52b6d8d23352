// Versions of tables that are streams (C6) inside a task: what enrich finds as of a time that the event names.

import { expect, test } from 'vitest';
import { file, job } from '../index.ts';
import type { Batch } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { planJob } from '../plan/plan.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { OneTask } from '../testing/one-task.ts';

type Price = { id: string; price: number; since: number; told: number };
type Order = { id: string; item: string; at: number; ordered: number };

function planOf(asOf: 'eventTime' | 'latest') {
  const declared = job('versions', { partitions: 1 }, (j) => {
    const orders = j.source('orders', file<Order>({ path: 'orders.ndjson', eventTime: { at: 'at' } }));
    const changes = j.source('changes', file<Price>({ path: 'prices.ndjson', eventTime: { at: 'told' } }));
    const prices = j.table('prices', changes, { key: 'id', at: 'since', keepFor: '20ms', deleted: ({ price }) => price < 0, asOf });
    orders
      .enrich({ price: prices.lookup({ key: 'item', at: 'ordered' }) })
      .as('priced')
      .toFile('priced.ndjson');
  });
  return planJob(declared.build(), {}, { deadLetterFile: false });
}

class Desk {
  readonly #task: OneTask;
  readonly found: (number | null)[] = [];
  readonly dead: string[] = [];

  constructor(asOf: 'eventTime' | 'latest' = 'eventTime') {
    const plan = planOf(asOf);
    this.#task = new OneTask(
      plan,
      plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === 'priced'))!,
    );
  }

  /** Each: when it came to be, and the time that it asks for. */
  orders(watermark: number, ...orders: readonly (readonly [at: number, ordered: number])[]): this {
    const values = orders.map(([at, ordered], i) => ({ id: `${i}`, item: 'x', at, ordered }));
    return this.#take('orders', watermark, { values, times: orders.map(([at]) => at), keys: null, ingestMs: 1 });
  }

  /** Each: the price, from when on, and when it was told. */
  prices(watermark: number, ...prices: readonly (readonly [price: number, since: number, told: number])[]): this {
    return this.#take('changes', watermark, {
      values: prices.map(([price, since, told]) => ['prices', since, ...(price < 0 ? [] : [{ id: 'x', price, since, told }])]),
      times: prices.map(([, , told]) => told),
      keys: prices.map(() => encodeKey('x')),
      ingestMs: 1,
    });
  }

  restart(): this {
    this.#task.restart();
    return this;
  }

  #take(from: string, watermark: number, batch: Batch): this {
    for (const { edge, values } of this.#task.take(from, watermark, batch)) {
      if (edge.from.node === '*') this.dead.push(...(values as { message?: string }[]).map(({ message }) => message ?? ''));
      else this.found.push(...(values as { price: Price | null }[]).map(({ price }) => price?.price ?? null));
    }
    expect(residueOf(this.#task.core.counters)).toBe(0);
    return this;
  }
}

test('C6 an event finds the version of the time that it names, of those that were told by its own time, also after a restart', () => {
  const desk = new Desk()
    .prices(60, [1, 10, 10], [2, 20, 15], [3, 5, 40]) // the last one was told late: it has been valid since 5
    .restart()
    .orders(60, [30, 12], [30, 20], [30, 11], [42, 9 + 13], [16, 7], [41, 21]);
  // by time: at 16 that of 5 is not told yet, and there is none; at 30 twice that of 10, once that of 20; then that of 20
  expect(desk.found).toEqual([null, 1, 2, 1, 2, 2]);
});

test('a version that is told late counts for the events that come then, and deletes in the past too', () => {
  const desk = new Desk().prices(30, [1, 10, 10]).orders(30, [20, 15]).prices(30, [4, 12, 22]).orders(30, [25, 15], [25, 11]);
  desk.prices(50, [-1, 12, 31]).restart().orders(50, [40, 21], [40, 30]);
  expect(desk.found).toEqual([1, 4, 1, null, null]);
});

test('who asks for a time before what is kept is told so, whether anything was forgotten yet or not', () => {
  const desk = new Desk().prices(90, [1, 10, 10], [2, 20, 20]).orders(90, [60, 39], [60, 38]);
  expect(desk.found).toEqual([2]);
  expect(desk.dead).toEqual([
    'MR3002 TransformFailed: priced: the time to look up is 1970-01-01T00:00:00.038Z, and table "prices" keeps versions for keepFor, 20ms before the watermark, which is 1970-01-01T00:00:00.059Z',
  ]);
});

test('asOf: latest: what was told is found at once', () => {
  const desk = new Desk('latest').orders(5, [5, 5]).prices(-Infinity, [1, 5, 70]).orders(9, [9, 7]).restart().orders(10, [10, 4]);
  expect(desk.found).toEqual([null, 1, null]);
});
