import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valuesAway } from '../testing/values-away.ts';
import { PartitionState } from './partition-state.ts';

type Cells = readonly { readonly namespace: number; readonly key: string; readonly value: unknown }[];

const namespace = fc.integer({ min: -2, max: 2 });
const cells = fc.array(
  fc.record({ namespace, key: fc.string({ maxLength: 4 }), value: fc.oneof(fc.integer(), fc.object({ maxDepth: 1 }), fc.constant(-0)) }),
  { maxLength: 40 },
);
const lists = fc.array(
  fc.record({ namespace, key: fc.constantFrom('l', 'm'), items: fc.array(fc.integer(), { minLength: 1, maxLength: 200 }) }),
  { maxLength: 4 },
);
const timers = fc.array(fc.record({ key: fc.string({ maxLength: 2 }), atMs: fc.nat(9) }), { maxLength: 80 });

function stateOf(plain: Cells, listed: readonly { namespace: number; key: string; items: readonly number[] }[]): PartitionState {
  const state = new PartitionState();
  state.cells('nothing in it');
  for (const { namespace: space, key, value } of plain) state.cells('plain').put(space, key, value);
  for (const { namespace: space, key, items } of listed) for (const item of items) state.cells('lists').append(space, key, item);
  return state;
}

function chunksOf(bytes: Uint8Array, chunkBytes: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_chunk, i) => bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes));
}

/** Takes them out. */
function timersIn(state: PartitionState): readonly unknown[] {
  const taken = [];
  for (let timer = state.popDue('timers', Infinity); timer !== null; timer = state.popDue('timers', Infinity)) taken.push(timer);
  return taken;
}

function read(chunks: Iterable<Uint8Array>): PartitionState {
  const reading = PartitionState.reading();
  for (const chunk of chunks) reading.take(chunk);
  return reading.end();
}

describe('an image in chunks', () => {
  test('is the state that it was made of, whatever the size of its blocks and of the chunks that it comes in', () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 100_000 }));
    const property = fc.property(cells, lists, timers, sizes, sizes, (plain, listed, set, blockBytes, chunkBytes) => {
      const state = stateOf(plain, listed);
      for (const { key, atMs } of set) state.setTimer('timers', { key, id: `${atMs}`, atMs, data: { atMs } });
      state.takeDelta();
      const restored = read(chunksOf(Buffer.concat([...state.image().chunks(blockBytes)]), chunkBytes));
      expect(restored.takeDelta()).toBeNull();
      expect(timersIn(restored)).toEqual(timersIn(state));
      for (const each of [state, restored]) each.takeDelta();
      expect(Buffer.compare(restored.checkpoint(), state.checkpoint())).toBe(0);
      // It goes on alike: lists know what they have.
      for (const each of [state, restored]) each.cells('lists').append(0, 'l', 1);
      expect(restored.takeDelta()).toEqual(state.takeDelta());
    });
    fc.assert(property, { numRuns: 500 });
  });

  test('that is cut off anywhere, or goes on behind its end, is told to be damaged', () => {
    const state = stateOf([{ namespace: 0, key: 'k', value: [1, 'text'] }], [{ namespace: 1, key: 'l', items: [1, 2, 3] }]);
    state.takeDelta();
    const bytes = Buffer.concat([...state.image().chunks()]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => read([bytes.subarray(0, length)]), `${length} of ${bytes.length} bytes`).toThrow('MR2106');
    }
    expect(() => read([bytes, Buffer.alloc(1)])).toThrow('MR2106');
  });

  test('with a bit that is another is told to be damaged, or is a state, and nothing else happens', () => {
    const state = stateOf([{ namespace: 0, key: 'k', value: { a: 1, b: 'text' } }], [{ namespace: 1, key: 'l', items: [1, 2, 3] }]);
    state.takeDelta();
    const bytes = Buffer.concat([...state.image().chunks()]);
    for (let at = 0; at < bytes.length * 8; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at >> 3]! ^= 1 << (at & 7);
      try {
        read([damaged]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'MR2106' });
      }
    }
  });

  test('of a later version is refused, and says so', () => {
    expect(() => read([Buffer.from('MRI\u0003')])).toThrow('it has version 3, and this release reads version 2');
  });

  test('as it was before there were blocks is read, in whatever chunks', () => {
    for (const state of [stateOf([{ namespace: 0, key: 'k', value: [7] }], []), new PartitionState()]) {
      state.takeDelta();
      const bytes = state.checkpoint();
      for (let chunkBytes = 1; chunkBytes <= bytes.length; chunkBytes++)
        expect(read(chunksOf(bytes, chunkBytes)).checkpoint()).toEqual(bytes);
    }
  });

  test('that is whole is not called damaged when the disk of who reads it fails', () => {
    const state = stateOf([], [{ namespace: 1, key: 'l', items: Array.from({ length: 500 }, (_item, i) => i) }]);
    state.takeDelta();
    const chunks = [...state.image().chunks(100)];
    const reading = PartitionState.reading(valuesAway(Infinity, () => true));
    expect(() => chunks.forEach((chunk) => reading.take(chunk))).toThrow('MR2112');
  });

  test('has blocks of about the size that is asked for, whatever its cells have', () => {
    const state = new PartitionState();
    for (let i = 0; i < 4_000; i++) state.cells('large').put(0, `k${i}`, 'x'.repeat(1_000));
    for (let i = 0; i < 40_000; i++) state.cells('small').append(0, 'one long list', i);
    state.takeDelta();
    const blocks = [...state.image().chunks(64 * 1024)].map(({ length }) => length);
    expect(Math.max(...blocks)).toBeLessThan(2 * 64 * 1024);
    expect(blocks.length).toBeLessThan(2 * 90);
  });

  test('teaches the estimate what cells take', () => {
    const state = new PartitionState();
    for (let i = 0; i < 500; i++) state.cells('a').put(0, `key-${i}`, 'x'.repeat(400));
    state.takeDelta();
    const bytes = Buffer.concat([...state.image().chunks()]).length;
    for (const each of [state, read(state.image().chunks())]) {
      expect(each.bytesEstimate()).toBeGreaterThan(bytes * 0.9);
      expect(each.bytesEstimate()).toBeLessThan(bytes * 1.1);
    }
  });
});

type Change =
  | { readonly kind: 'put' | 'change' | 'delete'; readonly namespace: number; readonly key: string; readonly value: number }
  | { readonly kind: 'append' | 'drop' | 'take' | 'timer'; readonly namespace: number; readonly value: number }
  | { readonly kind: 'go on'; readonly chunks: number };

const spaces = fc.integer({ min: 0, max: 1 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('put', 'change', 'delete'), namespace: spaces, key: fc.constantFrom(...'abcdef'), value: fc.nat(99) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('append', 'take', 'timer'), namespace: spaces, value: fc.nat(99) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop'), namespace: spaces, value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('go on'), chunks: fc.nat(4) }) },
); // prettier-ignore

function make(state: PartitionState, made: Exclude<Change, { kind: 'go on' }>): void {
  const cells = state.cells('node');
  const { namespace: space, value } = made;
  switch (made.kind) {
    case 'put':
      return cells.put(space, made.key, { values: [value] });
    case 'change': {
      const cell = cells.get(space, made.key) as { values: number[] } | undefined;
      cell?.values.push(value);
      return cell && cells.put(space, made.key, cell);
    }
    case 'delete':
      return cells.delete(space, made.key);
    case 'append':
      return cells.append(space, 'list', value);
    case 'drop':
      return cells.drop(space);
    case 'timer':
      return state.setTimer('timers', { key: 'k', id: `${value % 5}`, atMs: value, data: null });
    case 'take':
      return void state.takeDelta();
  }
}

test('an image is the state at the moment when it was begun, whatever steps change while it is made', () => {
  const changes = fc.array(change, { maxLength: 60 });
  const block = fc.integer({ min: 1, max: 300 });
  const property = fc.property(changes, changes, changes, block, fc.boolean(), (first, beside, later, blockBytes, isAway) => {
    const state = new PartitionState(isAway ? valuesAway() : null);
    for (const each of first) if (each.kind !== 'go on') make(state, each);
    state.takeDelta();
    for (const steps of [beside, later]) {
      const before = state.checkpoint();
      const image = state.image();
      const chunks = image.chunks(blockBytes);
      const reading = PartitionState.reading();
      const goOn = (count: number): void => {
        for (let i = 0; i < count; i++) {
          const next = chunks.next();
          if (next.done !== true) reading.take(next.value);
        }
      };
      for (const each of steps) {
        if (each.kind === 'go on') goOn(each.chunks);
        else make(state, each);
      }
      goOn(1_000);
      expect(Buffer.compare(reading.end().checkpoint(), PartitionState.restore(before).checkpoint())).toBe(0);
      expect(state.isImaged).toBe(false);
      state.takeDelta();
    }
  });
  fc.assert(property, { numRuns: 1_500 });
});

test('there is one image at a time, until it is made, closed, or left', () => {
  const state = new PartitionState();
  state.cells('a').put(0, 'k', 1);
  expect(() => state.image()).toThrow('before the delta was taken');
  state.takeDelta();
  const image = state.image();
  expect(() => state.image()).toThrow('one image at a time');
  image.close();
  for (const _chunk of state.image().chunks()) break;
  expect([...state.image().chunks()].length).toBeGreaterThan(0);
  expect(state.isImaged).toBe(false);
});

test('what steps get from the value store while an image is made is not kept in memory until the image has come to it', () => {
  const [count, characters] = [8_000, 4_000];
  const state = new PartitionState(valuesAway());
  for (let i = 0; i < count; i++) state.cells('node').put(0, `k${i}`, `${i}`.padEnd(characters, '.'));
  state.takeDelta();
  const chunks = state.image().chunks();
  const held: unknown[] = [chunks.next()];
  const before = heapUsed();
  for (let i = 0; i < count; i += 100) {
    for (let n = i; n < i + 100; n++) held[1] = state.cells('node').get(0, `k${n}`);
    state.cells('node').put(1, 'step', i);
    state.takeDelta();
  }
  expect(heapUsed() - before).toBeLessThan((count * characters) / 10);
  expect([...chunks].length).toBeGreaterThan(100);
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
