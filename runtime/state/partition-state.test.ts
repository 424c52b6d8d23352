import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LiveCells } from './live-cells.ts';
import { DiskValues } from '../adapters/node/disk-values.ts';
import { valuesAway } from '../testing/values-away.ts';
import { PartitionState } from './partition-state.ts';
import { ValueMemory } from './value-memory.ts';

const ON_DISK = {
  open: () => new DiskValues(),
  monotonicMs: () => 0,
  onTrouble: (error: unknown) => {
    throw error;
  },
};

const NODES = ['a', 'b'];

type Operation =
  | { readonly kind: 'put' | 'append'; readonly node: string; readonly namespace: number; readonly key: string; readonly value: unknown }
  | { readonly kind: 'delete'; readonly node: string; readonly namespace: number; readonly key: string }
  | { readonly kind: 'drop'; readonly node: string; readonly namespace: number }
  | { readonly kind: 'setTimer'; readonly node: string; readonly key: string; readonly id: string; readonly atMs: number }
  | { readonly kind: 'clearTimer'; readonly node: string; readonly key: string; readonly id: string }
  | { readonly kind: 'popDue'; readonly node: string; readonly watermark: number }
  | { readonly kind: 'take' };

const node = fc.constantFrom(...NODES);
const namespace = fc.constantFrom(0, 1, -3600);
const plainKey = fc.constantFrom('a', 'b', 'c', 'd');
const listKey = fc.constantFrom('l', 'm');
const id = fc.constantFrom('x', 'y');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      node,
      namespace,
      key: plainKey,
      value: fc.oneof(fc.integer(), fc.constant(-0), fc.object({ maxDepth: 1 })),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('append' as const), node, namespace, key: listKey, value: fc.integer() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete' as const), node, namespace, key: fc.oneof(plainKey, listKey) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), node, namespace }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('setTimer' as const), node, key: plainKey, id, atMs: fc.integer({ min: 0, max: 9 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clearTimer' as const), node, key: plainKey, id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('popDue' as const), node, watermark: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'take' as const }) },
);

function apply(state: PartitionState, operation: Exclude<Operation, { kind: 'take' }>): void {
  switch (operation.kind) {
    case 'put':
      return state.cells(operation.node).put(operation.namespace, operation.key, operation.value);
    case 'append':
      return state.cells(operation.node).append(operation.namespace, operation.key, operation.value);
    case 'delete':
      return state.cells(operation.node).delete(operation.namespace, operation.key);
    case 'drop':
      return state.cells(operation.node).drop(operation.namespace);
    case 'setTimer':
      return state.setTimer(operation.node, { key: operation.key, id: operation.id, atMs: operation.atMs, data: { n: operation.atMs } });
    case 'clearTimer':
      return state.clearTimer(operation.node, operation.key, operation.id);
    case 'popDue':
      return void state.popDue(operation.node, operation.watermark);
  }
}

/** All that can be seen of a state; pops its timers, so it is used once. */
function dump(state: PartitionState): unknown {
  return NODES.map((nodeId) => {
    const cells = state.cells(nodeId);
    const timers = [];
    for (let timer = state.popDue(nodeId, Infinity); timer !== null; timer = state.popDue(nodeId, Infinity)) timers.push(timer);
    return { cells: cells.namespaces().map((id) => [id, cells.size(id), [...cells.entries(id)]]), size: cells.size(), timers };
  });
}

function weights(state: PartitionState): readonly number[] {
  return NODES.map((nodeId) => (state.cells(nodeId) as LiveCells).weight);
}

/** The same operations on plain maps: slow and obvious. */
function model(operations: readonly Operation[]): unknown {
  return NODES.map((nodeId) => {
    const spaces = new Map<number, Map<string, unknown>>();
    let timers: { key: string; id: string; atMs: number; data: unknown }[] = [];
    const without = (key: string, id: string) => timers.filter((timer) => timer.key !== key || timer.id !== id);
    for (const each of operations) {
      if (each.kind === 'take' || each.node !== nodeId) continue;
      if (each.kind === 'setTimer')
        timers = [...without(each.key, each.id), { key: each.key, id: each.id, atMs: each.atMs, data: { n: each.atMs } }];
      else if (each.kind === 'clearTimer') timers = without(each.key, each.id);
      else if (each.kind === 'popDue')
        timers = sorted(timers).slice(sorted(timers)[0] !== undefined && sorted(timers)[0]!.atMs <= each.watermark ? 1 : 0);
      else {
        const space = spaces.get(each.namespace) ?? new Map<string, unknown>();
        if (each.kind === 'put') space.set(each.key, each.value);
        else if (each.kind === 'append') space.set(each.key, [...((space.get(each.key) as unknown[]) ?? []), each.value]);
        else if (each.kind === 'delete') space.delete(each.key);
        else space.clear();
        if (space.size === 0) spaces.delete(each.namespace);
        else spaces.set(each.namespace, space);
      }
    }
    const cells = [...spaces].sort(([a], [b]) => a - b).map(([id, space]) => [id, space.size, [...space]]);
    return { cells, size: [...spaces.values()].reduce((sum, space) => sum + space.size, 0), timers: sorted(timers) };
  });
}

function sorted<T extends { key: string; id: string; atMs: number }>(timers: readonly T[]): T[] {
  return [...timers].sort((a, b) => a.atMs - b.atMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.id < b.id ? -1 : 1));
}

describe.each([
  { kept: 'in memory', memory: () => null },
  { kept: 'away between takes', memory: valuesAway },
  { kept: 'in part on disk', memory: () => new ValueMemory({ ...ON_DISK, bounds: { memoryBytes: 40, diskBytes: Infinity } }) },
])('a restored state equals the live one, values $kept', ({ kept, memory }) => {
  const isSlow = kept === 'in part on disk'; // each state opens a store of its own

  test('whatever was done, from all deltas, and from a checkpoint at any moment and the deltas after it', () => {
    const property = fc.property(fc.array(operation, { maxLength: 60 }), fc.nat(20), (operations, checkpointAt) => {
      const live = new PartitionState(memory());
      const fromDeltas = new PartitionState(memory());
      let fromCheckpoint: PartitionState | null = null;
      let takes = 0;
      for (const each of [...operations, { kind: 'take' as const }]) {
        if (each.kind !== 'take') {
          apply(live, each);
          continue;
        }
        const delta = live.takeDelta();
        if (delta !== null) fromDeltas.applyDelta(delta);
        if (delta !== null) fromCheckpoint?.applyDelta(delta);
        if (takes++ === checkpointAt) fromCheckpoint = PartitionState.restore(live.checkpoint(), memory());
      }
      const expected = model(operations);
      expect(live.takeDelta()).toBeNull();
      expect(fromDeltas.takeDelta()).toBeNull();
      const copies = [fromDeltas, PartitionState.restore(live.checkpoint()), live, ...(fromCheckpoint === null ? [] : [fromCheckpoint])];
      for (const copy of copies) expect(weights(copy)).toStrictEqual(weights(live));
      for (const copy of copies) expect(dump(copy)).toStrictEqual(expected);
      for (const copy of [...copies, fromDeltas]) copy.close();
    });
    fc.assert(property, { numRuns: isSlow ? 100 : 1_500 });
  });

  test('and goes on like it: changes after a restore are noted too', () => {
    const property = fc.property(fc.array(operation, { maxLength: 30 }), fc.array(operation, { maxLength: 30 }), (before, after) => {
      const live = new PartitionState(memory());
      for (const each of before) if (each.kind !== 'take') apply(live, each);
      live.takeDelta();
      const image = live.checkpoint();
      const successor = PartitionState.restore(image, memory());
      for (const each of after) if (each.kind !== 'take') apply(successor, each);
      const delta = successor.takeDelta();
      const next = PartitionState.restore(image);
      if (delta !== null) next.applyDelta(delta);
      const expected = model([...before, ...after]);
      expect(dump(successor)).toStrictEqual(expected);
      expect(dump(next)).toStrictEqual(expected);
    });
    fc.assert(property, { numRuns: isSlow ? 100 : 1_000 });
  });
});

test('nothing changed gives no delta, and neither does what came and went', () => {
  const state = new PartitionState();
  expect(state.takeDelta()).toBeNull();
  state.cells('a').put(0, 'k', 1);
  state.cells('a').put(0, 'other', 1);
  state.takeDelta();
  state.cells('a').put(0, 'new', 1);
  state.cells('a').delete(0, 'new');
  state.setTimer('a', { key: 'k', id: 'x', atMs: 1, data: null });
  state.clearTimer('a', 'k', 'x');
  expect(state.takeDelta()).toBeNull();
});

test('a dropped namespace is one small entry in the delta, whatever its size', () => {
  const state = new PartitionState();
  for (let i = 0; i < 1_000; i++) state.cells('a').put(7, `key-${i}`, i);
  state.takeDelta();
  state.cells('a').drop(7);
  expect(state.takeDelta()!.length).toBeLessThan(32);
});

test('an append to a long list is a small delta', () => {
  const state = new PartitionState();
  for (let i = 0; i < 1_000; i++) state.cells('a').append(7, 'list', { i });
  state.takeDelta();
  state.cells('a').append(7, 'list', 'one more');
  expect(state.takeDelta()!.length).toBeLessThan(48);
  expect(state.cells('a').list(7, 'list').length).toBe(1_001);
});

test('a checkpoint before the delta was taken is refused', () => {
  const state = new PartitionState();
  state.cells('a').put(0, 'k', 1);
  expect(() => state.checkpoint()).toThrow('checkpoint before the delta was taken');
});

test('the estimate follows what cells really take', () => {
  const state = new PartitionState();
  for (let i = 0; i < 500; i++) state.cells('a').put(0, `key-${i}`, 'x'.repeat(400));
  state.takeDelta();
  const bytes = state.checkpoint().length;
  expect(state.bytesEstimate()).toBeGreaterThan(bytes * 0.9);
  expect(state.bytesEstimate()).toBeLessThan(bytes * 1.1);
});
