import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DELETED_KEY_MS } from '../base/limits.ts';
import type { Value } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import type { Emission } from '../testing/step-harness.ts';
import { StepHarness } from '../testing/step-harness.ts';
import { makeTransform } from './make-transform.ts';

function changelog(deleted = 'event.n == 0'): StepHarness {
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op: { kind: 'changelog', spec: { deleted } } }) });
}

const show = (value: Value, timeMs: number): string => {
  const { change, row } = value as { change: string; row: { id: string; n: number } };
  return `${change === 'retract' ? '-' : ''}${row.id}${row.n}@${timeMs}`;
};

describe('a changelog', () => {
  test.each([
    { fact: 'a new row is inserted', events: 'a1=5', emits: 'a5@1' },
    { fact: 'a change retracts the old row, then inserts the new one', events: 'a1=5 a2=6', emits: 'a5@1 -a5@2 a6@2' },
    { fact: 'after a restart, too', events: 'a1=5 R a2=6', emits: 'a5@1 -a5@2 a6@2' },
    { fact: 'a deletion retracts', events: 'a1=5 a2=0 a3=7', emits: 'a5@1 -a5@2 a7@3' },
    { fact: 'that a row goes that was not there says nothing', events: 'a2=0', emits: '' },
    { fact: 'an older change that comes later changes nothing', events: 'a2=5 a1=6', emits: 'a5@2' },
    { fact: 'nor does it bring a deleted row back', events: 'a2=5 a3=0 a1=6', emits: 'a5@2 -a5@3' },
    { fact: 'of two of one time the later one counts', events: 'a2=5 a2=6', emits: 'a5@2 -a5@2 a6@2' },
  ])('$fact', ({ events, emits }) => expect(changelog().play(events).drawn(show)).toBe(emits));
});

test('older changes are counted as filtered; a deleted row is forgotten after a day', () => {
  const harness = changelog().play('a2=5 a1=6 a3=0');
  expect(harness.filtered).toBe(1);
  harness.advance(3 + DELETED_KEY_MS);
  expect(harness.state.cells('node').size()).toBe(0);
});

test('a change of which `deleted` fails is a dead letter, and the row stays', () => {
  const harness = changelog('12 / int(event.n - 1.0) == 0').play('a1=5 a2=1 a3=6');
  expect(harness.deadLetters).toMatchObject([{ code: 'MR3002', event: { n: 1 } }]);
  expect(events(harness.emissions).map(({ value, timeMs }) => show(value, timeMs))).toEqual(['a5@1', '-a5@3', 'a6@3']);
});

// ---- grouped by something else than their id

type Order = { readonly id: string; readonly customer: string; readonly n: number };
type Customer = { readonly id: string; readonly n: number };
type Joined = { readonly change: string; readonly left: { readonly row: Order } | null; readonly right: Customer | null };

const CUSTOMERS = ['x', 'y', 'z'];

/** One partition of the join: orders by their customer, whatever its partition was before. */
function joining(): StepHarness {
  const table = {
    left: { id: 'event.row.id', deleted: 'event.change == "retract"' },
    right: { deleted: 'event.n == 0' },
    emit: 'changes' as const,
  };
  const spec = { with: 'customers', type: 'left' as const };
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op: { kind: 'tableJoin', spec, table } }) });
}

const events = (emissions: readonly Emission[]): readonly Extract<Emission, { kind: 'event' }>[] =>
  emissions.filter((each) => each.kind === 'event');

function push(harness: StepHarness, value: Value, key: string, timeMs: number, side = 0): void {
  harness.pushBatch({ values: [value], times: [timeMs], keys: [encodeKey(key)], ingestMs: 0 }, side);
}

const steps = fc.array(
  fc.oneof(
    fc.record({ order: fc.constantFrom('1', '2', '3'), customer: fc.constantFrom(...CUSTOMERS), n: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ of: fc.constantFrom(...CUSTOMERS), n: fc.integer({ min: 0, max: 3 }) }),
  ),
  { maxLength: 40 },
);

/** What `select * from orders left join customers` says of the newest rows. */
function sql(orders: ReadonlyMap<string, Order>, customers: ReadonlyMap<string, Customer>): readonly string[] {
  const live = [...orders.values()].filter(({ n }) => n !== 0);
  return live.map((order) => `${order.id}${order.customer}${order.n}+${String(customerOf(customers, order)?.n)}`).toSorted();
}

function customerOf(customers: ReadonlyMap<string, Customer>, { customer }: Order): Customer | undefined {
  const found = customers.get(customer);
  return found?.n === 0 ? undefined : found;
}

/** What is left of all that was told, in any order between partitions. */
function settled(joins: readonly StepHarness[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { value } of joins.flatMap(({ emissions }) => events(emissions))) {
    const { change, left, right } = value as Joined;
    if (left === null) continue;
    const text = `${left.row.id}${left.row.customer}${left.row.n}+${String(right?.n)}`;
    counts.set(text, (counts.get(text) ?? 0) + (change === 'retract' ? -1 : 1));
  }
  return [...counts].flatMap(([text, count]) => Array.from<string>({ length: count }).fill(text)).toSorted();
}

type Run = { readonly joins: readonly StepHarness[]; readonly orders: Map<string, Order>; readonly customers: Map<string, Customer> };

/** Orders by the changelog to the partition of their customer; one change after the other. */
function run(drawn: readonly ((Omit<Order, 'id'> & { order: string }) | { of: string; n: number })[], restarts: boolean): Run {
  const changes = changelog();
  const joins = new Map(CUSTOMERS.map((customer) => [customer, joining()]));
  const [orders, customers] = [new Map<string, Order>(), new Map<string, Customer>()];
  drawn.forEach((step, timeMs) => {
    if ('of' in step) {
      const customer = { id: step.of, n: step.n };
      customers.set(step.of, customer);
      push(joins.get(step.of)!, customer, step.of, timeMs, 1);
    } else {
      const order = { id: step.order, customer: step.customer, n: step.n };
      orders.set(step.order, order);
      const before = events(changes.emissions).length;
      push(changes, order, step.order, timeMs);
      for (const { value } of events(changes.emissions).slice(before)) {
        const { customer } = (value as { row: Order }).row;
        push(joins.get(customer)!, value, customer, timeMs);
      }
    }
    if (restarts) for (const harness of [changes, ...joins.values()]) harness.restart();
  });
  return { joins: [...joins.values()], orders, customers };
}

test('foreign-key join: rows that move to another key and references that change give what SQL says of the newest rows', () => {
  fc.assert(
    fc.property(steps, fc.boolean(), (drawn, restarts) => {
      const { joins, orders, customers } = run(drawn, restarts);
      expect(settled(joins)).toEqual(sql(orders, customers));
    }),
    { numRuns: 300 },
  );
});

/** Orders by what is known of their customer, and their sum. */
function totals(): StepHarness {
  const rows = { id: '[event.left.row.id, event.left.row.customer]', deleted: 'event.change == "retract"' };
  const aggregates = { n: { sum: 'event.left.row.n' }, best: { max: 'event.left.row.n' } };
  const op = { kind: 'aggregate', aggregates, keyNames: ['of'], rows } as const;
  return new StepHarness({ make: () => makeTransform({ id: 'node', inputs: [], op }) });
}

test('an aggregate behind it is right in whatever order the partitions of the join are read', () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat({ max: 2 }), { minLength: 1 }), (drawn, turns) => {
      const { joins, orders, customers } = run(drawn, false);
      const waiting = joins.map(({ emissions }) => events(emissions).filter(({ value }) => (value as Joined).left !== null));
      const harness = totals();
      for (let turn = 0; waiting.some(({ length }) => length > 0); turn++) {
        const next = (waiting[turns[turn % turns.length]!]?.shift() ?? waiting.find(({ length }) => length > 0)?.shift())!;
        push(harness, next.value, String((next.value as Joined).right?.n), next.timeMs);
      }
      const told = new Map(
        events(harness.emissions).map(({ value }) => [(value as { of: string }).of, value as { n: number; best: number | null }]),
      );
      const live = [...orders.values()].filter(({ n }) => n !== 0);
      const groups = Map.groupBy(live, (order) => String(customerOf(customers, order)?.n));
      for (const [of, { n, best }] of told) {
        const figures = (groups.get(of) ?? []).map((order) => order.n);
        expect([of, n, best]).toEqual([
          of,
          figures.reduce((sum, each) => sum + each, 0),
          figures.length === 0 ? null : Math.max(...figures),
        ]);
      }
      for (const of of groups.keys()) expect(told.has(of)).toBe(true);
    }),
    { numRuns: 300 },
  );
});
