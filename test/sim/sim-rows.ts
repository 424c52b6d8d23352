// A job of rows that change, go, and move from key to key, and what must come of it: what SQL says of the newest rows (ADR 43).
//
// An order names its customer, a customer its tier; an event is a version of each. Orders come out of two splits in either order, customers
// out of the first one. Only the last of what is told of a key counts, but of a join each row that is taken back must have been there.

import { jobText } from '../support/job-run.ts';
import { line, NO_RESULTS, type OtherJob, type SimEvent, type SimResults } from './sim-job.ts';

const [CUSTOMERS, TIERS, ROWS_OF_KEY] = [4, 3, 5];
const schema = `schema: { id: string, at: timestamp, n: int }
      eventTime: { at: event.at, maxOutOfOrder: 2000ms }`;

const ROWS_JOB = jobText(
  'rows',
  `
  partitions: 3
  sources:
    - name: rows
      file: { path: rows.ndjson }
      ${schema}
    - name: customers
      file: { path: customers.ndjson }
      ${schema}
  stages:
    - { name: changes, from: rows, keyBy: event.id, changelog: { deleted: event.n % 7 == 0 } }
    - name: joined
      from: changes
      keyBy: event.row.n % ${CUSTOMERS}
      join:
        with: customers
        key: event.n % ${CUSTOMERS}
        type: left
        table:
          left: { id: event.row.id, deleted: event.change == "retract" }
          right: { deleted: event.n % 5 == 0 }
          emit: changes
        select:
          order: left.row.id
          customer: left.row.n % ${CUSTOMERS}
          n: left.row.n
          tier: 'right == null ? -1 : right.n % ${TIERS}'
          change: change
    - name: figures
      from: joined
      keyBy: { tier: event.tier }
      rows: { id: '[event.order, event.customer]', deleted: event.change == "retract" }
      aggregate:
        orders: { count: {} }
        sum: { sum: event.n }
        least: { min: event.n }
        top: { top: { limit: 3, by: event.n, value: event.n } }
    - name: own
      from: rows
      keyBy: { id: event.id }
      rows: { id: event.n % ${ROWS_OF_KEY}, deleted: event.n % 7 == 0 }
      aggregate:
        orders: { count: {} }
        sum: { sum: event.n }
        least: { min: event.n }
        top: { top: { limit: 3, by: event.n, value: event.n } }
  sinks:
    - { name: rated-file, from: joined, file: { path: joined.ndjson } }
    - { name: totals-file, from: figures, file: { path: figures.ndjson } }
    - { name: counts-file, from: own, file: { path: own.ndjson } }
`,
);

type Figures = { readonly tier?: number; readonly id?: string; readonly orders: number };
type Joined = { readonly order: string; readonly customer: number; readonly n: number; readonly tier: number; readonly change: string };

export const ROWS: OtherJob = {
  text: ROWS_JOB,
  slow: slowRows,
  held: { totals: lastFigures, counts: lastFigures, rated: heldRows },
};

function slowRows(splits: readonly (readonly SimEvent[])[]): SimResults {
  const all = splits.flat();
  const customers = newest(splits[0] ?? [], ({ n }) => n % CUSTOMERS).filter(({ n }) => n % 5 !== 0);
  const tiers = new Map(customers.map(({ n }) => [n % CUSTOMERS, n % TIERS]));
  const orders = newest(all, ({ id }) => id).filter(({ n }) => n % 7 !== 0);
  const joined = orders.map(({ id, n }) => ({ order: id, customer: n % CUSTOMERS, n, tier: tiers.get(n % CUSTOMERS) ?? -1 }));
  const own = newest(all, ({ id, n }) => `${id} ${n % ROWS_OF_KEY}`).filter(({ n }) => n % 7 !== 0);
  return {
    ...NO_RESULTS,
    rated: joined.map(line).sort(),
    totals: [...Map.groupBy(joined, ({ tier }) => tier)].map(([tier, rows]) => line({ tier, ...figuresOf(rows) })).sort(),
    counts: [...Map.groupBy(own, ({ id }) => id)].map(([id, rows]) => line({ id, ...figuresOf(rows) })).sort(),
  };
}

function newest(events: readonly SimEvent[], nameOf: (event: SimEvent) => string | number): readonly SimEvent[] {
  return [...new Map(events.toSorted((a, b) => a.at - b.at).map((event) => [nameOf(event), event])).values()];
}

function figuresOf(rows: readonly { readonly n: number }[]): object {
  const values = rows.map(({ n }) => n).toSorted((a, b) => b - a);
  return { orders: rows.length, sum: values.reduce((sum, n) => sum + n, 0), least: values.at(-1), top: values.slice(0, 3) };
}

/** The last of each key, but of those that have no rows any more. */
function lastFigures(lines: readonly string[]): readonly string[] {
  const told = lines.map((text) => JSON.parse(text) as Figures);
  const last = new Map(told.map((figures) => [figures.tier ?? figures.id, figures]));
  return [...last.values()]
    .filter(({ orders }) => orders > 0)
    .map(line)
    .sort();
}

function heldRows(lines: readonly string[]): readonly string[] {
  const held = new Map<string, string>();
  for (const text of lines) {
    const { change, ...row } = JSON.parse(text) as Joined;
    const name = `${row.order} of ${row.customer}`;
    if (change !== 'retract') held.set(held.has(name) ? `${name} again` : name, line(row));
    else if (held.get(name) === line(row)) held.delete(name);
    else held.set(`${name} was never told`, text);
  }
  return [...held.values()].sort();
}
