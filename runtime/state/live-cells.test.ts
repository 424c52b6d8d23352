import { expect, test } from 'vitest';
import { MillraceError } from '../base/errors.ts';
import { LiveCells } from './live-cells.ts';
import { PartitionState } from './partition-state.ts';
import { encodeValue } from './value-codec.ts';

test('what was put is got, by namespace and key', () => {
  const cells = new LiveCells();
  cells.put(1, 'a', 'one');
  cells.put(2, 'a', 'two');
  expect([cells.get(1, 'a'), cells.get(2, 'a'), cells.get(1, 'b'), cells.get(3, 'a')]).toEqual(['one', 'two', undefined, undefined]);
});

test('null is a cell, undefined is none', () => {
  const cells = new LiveCells();
  cells.put(0, 'a', null);
  expect(cells.get(0, 'a')).toBeNull();
  expect(() => cells.put(0, 'a', undefined)).toThrow('a cell is never undefined');
});

test('appended items are a list; what is not there is an empty one', () => {
  const cells = new LiveCells();
  cells.append(0, 'a', 1);
  cells.append(0, 'a', 2);
  expect([cells.list(0, 'a'), cells.get(0, 'a'), cells.list(0, 'b')]).toEqual([[1, 2], [1, 2], []]);
  expect(cells.size()).toBe(1);
  expect(cells.weight).toBe(2);
});

test('a cell that was put is no list', () => {
  const cells = new LiveCells();
  cells.put(0, 'a', [1]);
  expect(() => cells.append(0, 'a', 2)).toThrow('append to a cell that was put');
  expect(() => cells.list(0, 'a')).toThrow('list of a cell that was put');
});

test('namespaces ascend, whatever the order in which they came, and one without cells is none', () => {
  const cells = new LiveCells();
  for (const namespace of [10, -5, 9, 0]) cells.put(namespace, 'a', 1);
  expect(cells.namespaces()).toEqual([-5, 0, 9, 10]);
  cells.delete(0, 'a');
  cells.drop(10);
  expect(cells.namespaces()).toEqual([-5, 9]);
  expect([cells.size(), cells.size(9), cells.size(10)]).toEqual([2, 1, 0]);
});

test('cells come in the order in which they were first put; one that was deleted comes last again', () => {
  const cells = new LiveCells();
  for (const key of ['b', 'a', 'c', 'b']) cells.put(0, key, key);
  expect([...cells.entries(0)].map(([key]) => key)).toEqual(['b', 'a', 'c']);
  cells.delete(0, 'b');
  cells.put(0, 'b', 'again');
  expect([...cells.entries(0)]).toEqual([
    ['a', 'a'],
    ['c', 'c'],
    ['b', 'again'],
  ]);
});

test('cells may be deleted and dropped while they are gone through', () => {
  const cells = new LiveCells();
  for (const key of ['a', 'b', 'c']) cells.put(0, key, key);
  const seen: string[] = [];
  for (const [key] of cells.entries(0)) {
    seen.push(key);
    cells.delete(0, key);
  }
  expect(seen).toEqual(['a', 'b', 'c']);
  expect(cells.size()).toBe(0);
});

test('the weight follows whatever becomes of cells and lists', () => {
  const cells = new LiveCells();
  for (let i = 0; i < 5; i++) cells.append(0, 'list', i);
  cells.put(0, 'cell', 1);
  expect(cells.weight).toBe(6);
  cells.put(0, 'list', 'no list any more');
  expect(cells.weight).toBe(2);
  cells.delete(0, 'list');
  expect(cells.weight).toBe(1);
  cells.drop(0);
  expect(cells.weight).toBe(0);
});

test('state that a newer release wrote is refused, not guessed', () => {
  const read = (): PartitionState => PartitionState.restore(encodeValue([2, []]));
  expect(read).toThrow(MillraceError);
  expect(read).toThrow('state of version 2 was found, this release reads version 1');
});

test('deltas that do not fit the state are a bug, not guessed', () => {
  const state = new PartitionState();
  state.cells('a').append(0, 'list', 1);
  state.takeDelta();
  state.cells('a').append(0, 'list', 2);
  const second = state.takeDelta()!;
  expect(() => new PartitionState().applyDelta(second)).toThrow('list list goes on at item 1, but its beginning is missing');
});
