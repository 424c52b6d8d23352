// A foreign-key join and figures of its rows on a real server: orders that move from customer to customer, customers that change and go,
// several workers, which die. In the end all is as SQL says of the newest rows.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runFlights, withFolder } from '../support/flights-run.ts';

const [ORDERS, CUSTOMERS, TIERS] = [60, 12, 5];
const [ORDER_CHANGES, CUSTOMER_CHANGES] = [3_000, 600];

const JOB = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: rows }
spec:
  partitions: 4
  sources:
    - name: orders
      file: { path: orders.ndjson }
      schema: { id: string, customer: string, n: double, at: timestamp }
      eventTime: { at: event.at, maxOutOfOrder: 1s }
    - name: customers
      file: { path: customers.ndjson }
      schema: { id: string, tier: double, at: timestamp }
      eventTime: { at: event.at, maxOutOfOrder: 1s }
  stages:
    - { name: changes, from: orders, keyBy: event.id, changelog: { deleted: event.n == 0 } }
    - name: joined
      from: changes
      keyBy: event.row.customer
      join:
        with: customers
        key: event.id
        type: left
        table:
          left: { id: event.row.id, deleted: event.change == "retract" }
          right: { deleted: event.tier == 0 }
          emit: changes
    - name: figures
      from: joined
      filter: event.left != null
      keyBy: { tier: 'event.right == null ? 0.0 : event.right.tier' }
      rows: { id: '[event.left.row.id, event.left.row.customer]', deleted: event.change == "retract" }
      aggregate:
        orders: { count: {} }
        sum: { sum: event.left.row.n }
        least: { min: event.left.row.n }
        top: { top: { limit: 3, by: event.left.row.n, value: event.left.row.n } }
  sinks:
    - { name: out, from: figures, file: { path: figures.ndjson } }
`;

type Order = { readonly id: string; readonly customer: string; readonly n: number; readonly at: number };
type Customer = { readonly id: string; readonly tier: number; readonly at: number };
type Figures = {
  readonly tier: number;
  readonly orders: number;
  readonly sum: number;
  readonly least: number | null;
  readonly top: readonly number[];
};

/** The same numbers in each run (Park and Miller 1988). */
function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** Each ten in a row the other way round: older changes come behind newer ones. */
function shuffled<T>(rows: readonly T[]): readonly T[] {
  return Array.from({ length: Math.ceil(rows.length / 10) }, (_, i) => rows.slice(i * 10, i * 10 + 10).toReversed()).flat();
}

function newest<T extends { readonly id: string; readonly at: number }>(rows: readonly T[]): ReadonlyMap<string, T> {
  return new Map(rows.toSorted((a, b) => a.at - b.at).map((row) => [row.id, row]));
}

function sql(orders: readonly Order[], customers: readonly Customer[]): ReadonlyMap<number, Figures> {
  const tiers = newest(customers);
  const live = [...newest(orders).values()].filter(({ n }) => n !== 0);
  const groups = Map.groupBy(live, ({ customer }) => tiers.get(customer)?.tier ?? 0);
  return new Map(
    [...groups].map(([tier, rows]) => {
      const values = rows.map(({ n }) => n).toSorted((a, b) => b - a);
      const sum = values.reduce((all, n) => all + n, 0);
      return [tier, { tier, orders: rows.length, sum, least: values.at(-1)!, top: values.slice(0, 3) }];
    }),
  );
}

test.each([
  { fact: 'with several workers', failpoints: undefined },
  {
    fact: 'when workers die again and again',
    failpoints: ['commit-send:4:kill', 'commit-acknowledged:3:kill', 'stepped:9:kill', 'restored:2:kill'],
  },
])('foreign-key join, and top-K with retraction behind it: as SQL says of the newest rows, $fact', ({ failpoints }) =>
  withFolder(async (folder) => {
    const draw = draws(7);
    const orders = Array.from({ length: ORDER_CHANGES }, (_, i): Order => {
      const gone = draw(6) === 0;
      return { id: `o${draw(ORDERS)}`, customer: `c${draw(CUSTOMERS)}`, n: gone ? 0 : 1 + draw(1_000), at: i };
    });
    const customers = Array.from({ length: CUSTOMER_CHANGES }, (_, i): Customer => ({
      id: `c${draw(CUSTOMERS)}`,
      tier: draw(TIERS),
      at: i * 5,
    }));
    const lines = (rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
    await writeFile(join(folder, 'orders.ndjson'), lines(shuffled(orders)));
    await writeFile(join(folder, 'customers.ndjson'), lines(shuffled(customers)));
    await writeFile(join(folder, 'job.yaml'), JOB);
    const deaths = failpoints === undefined ? {} : { isolation: 'process' as const, failpoints };
    const { outcome, outDir, logs } = await runFlights(folder, { file: join(folder, 'job.yaml'), workers: 2, ...deaths });
    const report = { eventsIn: ORDER_CHANGES + CUSTOMER_CHANGES, deadLetters: 0, late: 0 };
    expect(outcome).toMatchObject({ ending: 'completed', report });
    expect(logs.filter((line) => line.includes('SIGKILL'))).toHaveLength(failpoints?.length ?? 0);
    const told = (await readFile(join(outDir, 'figures.ndjson'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Figures);
    const last = new Map(told.map((figures) => [figures.tier, figures]));
    expect(new Map([...last].filter(([, figures]) => figures.orders > 0))).toEqual(sql(orders, customers));
  }),
);
