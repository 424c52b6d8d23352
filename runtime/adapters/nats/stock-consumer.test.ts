import { expect, test } from 'vitest';
import { stockConsumer, stockPrefix } from './stock-consumer.ts';

const owner = { identity: 'shop_orders', runId: 'r1' };
const split = { source: 'in', split: 0, stream: 'IN', subject: 'in.a' };
const name = stockConsumer(owner, split);

test.each([
  { fact: 'the same split', of: split, by: owner, isSame: true },
  { fact: 'another run', of: split, by: { ...owner, runId: 'r2' }, isSame: false },
  { fact: 'another split of the source', of: { ...split, split: 1 }, by: owner, isSame: false },
  { fact: 'another source', of: { ...split, source: 'it' }, by: owner, isSame: false },
  { fact: 'another stream', of: { ...split, stream: 'IT' }, by: owner, isSame: false },
  { fact: 'another subject', of: { ...split, subject: 'in.b' }, by: owner, isSame: false },
])('$fact has the same consumer: $isSame', ({ of, by, isSame }) => {
  expect(stockConsumer(by, of) === name).toBe(isSame);
});

test('its name tells whose it is, and is one that NATS takes in a subject', () => {
  expect(name.startsWith(stockPrefix('shop_orders'))).toBe(true);
  expect(name.slice(stockPrefix('shop_orders').length)).toMatch(/^[0-9a-f]{24}$/);
});
