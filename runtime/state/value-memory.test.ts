import { expect, test } from 'vitest';
import { DiskValues } from '../adapters/node/disk-values.ts';
import { MillraceError } from '../base/errors.ts';
import { PartitionState } from './partition-state.ts';
import { ValueMemory } from './value-memory.ts';
import type { ValueStore } from '../base/value-store.ts';

const TEXT = 'x'.repeat(1_000);

function setUp({ memoryBytes = 50_000, diskBytes = Infinity, open = (): ValueStore => new DiskValues() }) {
  const clock = { ms: 0 };
  const told: string[] = [];
  const onTrouble = (error: unknown): void => void told.push((error as Error).message);
  const memory = new ValueMemory({ bounds: { memoryBytes, diskBytes }, open, monotonicMs: () => clock.ms, onTrouble });
  return { memory, clock, told };
}

function fill(state: PartitionState, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) state.cells('a').put(0, `k${i}`, { i, text: TEXT });
  state.takeDelta();
}

test('values of all states together keep to the memory that they have, each to its share, and all are there', () => {
  const { memory, told } = setUp({});
  const [one, other] = [new PartitionState(memory), new PartitionState(memory)];
  fill(one, 200);
  expect(one.valueBytes).toBeGreaterThan(40_000);
  expect(one.valueBytes).toBeLessThanOrEqual(50_000);
  fill(other, 200);
  for (const state of [one, other]) expect(state.valueBytes).toBeLessThanOrEqual(26_000);
  for (const state of [one, other]) {
    expect([...state.cells('a').entries(0)]).toEqual(Array.from({ length: 200 }, (_one, i) => [`k${i}`, { i, text: TEXT }]));
    expect(state.diskBytes).toBeGreaterThan(150_000);
    state.close();
  }
  expect(told).toEqual([]);
});

test('what was got and not changed goes again without being written', () => {
  const { memory } = setUp({});
  const state = new PartitionState(memory);
  fill(state, 100);
  for (let i = 0; i < 100; i++) state.cells('a').get(0, `k${i}`);
  state.takeDelta();
  const { written } = memory;
  for (let i = 0; i < 100; i++) state.cells('a').get(0, `k${i}`);
  state.takeDelta();
  expect(memory.written).toBeLessThanOrEqual(100);
  expect(memory.written - written).toBeLessThan(60);
  expect(memory.read).toBeGreaterThan(100);
  state.close();
});

test('an image of a state that is mostly away needs no more memory, and one that is restored from it keeps to its own', () => {
  const { memory } = setUp({ memoryBytes: 20_000 });
  const state = new PartitionState(memory);
  fill(state, 300);
  const reading = PartitionState.reading(memory);
  for (const chunk of state.image().chunks(8_000)) reading.take(chunk);
  const copy = reading.end();
  expect(state.valueBytes + copy.valueBytes).toBeLessThanOrEqual(22_000);
  expect(Buffer.compare(copy.checkpoint(), state.checkpoint())).toBe(0);
  state.close();
  copy.close();
});

test('beyond the disk that they may have values stay in memory; it is told, and tried again', () => {
  const { memory, clock, told } = setUp({ memoryBytes: 1_000, diskBytes: 100_000 });
  const state = new PartitionState(memory);
  fill(state, 120);
  expect(told).toEqual([]);
  fill(state, 50, 120);
  fill(state, 50, 170);
  expect(told).toEqual([
    expect.stringMatching(
      /values of state cannot be put on this machine's disk, where they have \d+ bytes: more than 100000 are not allowed/,
    ),
  ]);
  expect(state.valueBytes).toBeGreaterThan(90_000);
  expect(state.cells('a').size()).toBe(220);
  memory.bind({ memoryBytes: 1_000, diskBytes: 1_000_000 });
  clock.ms = 60_000;
  state.takeDelta();
  expect(state.valueBytes).toBeLessThan(2_500);
  expect(state.cells('a').get(0, 'k219')).toEqual({ i: 219, text: TEXT });
  state.close();
});

test('a disk that takes nothing leaves all as it was', () => {
  class FullDisk extends DiskValues {
    override add(): number {
      throw new Error('database or disk is full');
    }
  }
  const { memory, told } = setUp({ open: () => new FullDisk() });
  const state = new PartitionState(memory);
  fill(state, 100);
  expect(told).toEqual([expect.stringContaining('database or disk is full')]);
  expect([...state.cells('a').entries(0)].length).toBe(100);
  expect(state.cells('a').get(0, 'k7')).toEqual({ i: 7, text: TEXT });
  state.close();
});

test('small values stay: they take less than the note of where they lie', () => {
  const { memory, told } = setUp({ memoryBytes: 10 });
  const state = new PartitionState(memory);
  for (let i = 0; i < 1_000; i++) state.cells('a').put(0, `k${i}`, i);
  state.takeDelta();
  expect(memory.written).toBe(0);
  expect(told).toEqual([]);
});

test('a value that cannot be read back leaves nothing of its step to be stored, though somebody has caught that', () => {
  const disk = { isBroken: false };
  class BrokenDisk extends DiskValues {
    override get(place: number): Uint8Array {
      if (disk.isBroken) throw new MillraceError('MR2112', { problem: 'disk I/O error' });
      return super.get(place);
    }
  }
  const { memory } = setUp({ memoryBytes: 1, open: () => new BrokenDisk() });
  const state = new PartitionState(memory);
  fill(state, 10);
  disk.isBroken = true;
  expect(() => state.cells('a').get(0, 'k1')).toThrow('disk I/O error');
  disk.isBroken = false;
  state.cells('a').put(0, 'k2', 'changed');
  expect(() => state.takeDelta()).toThrow(expect.objectContaining({ code: 'MR2112' }));
  state.close();
});
