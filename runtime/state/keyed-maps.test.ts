import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyedMaps } from './keyed-maps.ts';
import { PartitionState } from './partition-state.ts';

const NAMESPACE = 3;
const text = fc.constantFrom('', 'a', '1:a', ':', '\u0000', '\u00001', 'a\u0000', '2:', '__proto__');
type Command = { key: string; name: string; to: number | null | 'clear' | 'restart' };
const command: fc.Arbitrary<Command> = fc.record({
  key: text,
  name: text,
  to: fc.oneof({ weight: 6, arbitrary: fc.nat(9) }, fc.constantFrom(null, null, 'clear' as const, 'restart' as const)),
});

test('maps by key are maps of maps, whatever keys and names are, restarts included', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      let state = new PartitionState();
      let maps = new KeyedMaps(NAMESPACE);
      const slow = new Map<string, Map<string, number>>();
      for (const { key, name, to } of commands) {
        const cells = state.cells('node');
        const expected = slow.get(key) ?? new Map<string, number>();
        slow.set(key, expected);
        if (to === 'clear') {
          maps.clear(cells, key);
          expected.clear();
        } else if (to === 'restart') {
          state.takeDelta();
          state = PartitionState.restore(state.checkpoint());
          maps = new KeyedMaps(NAMESPACE);
          maps.restored(state.cells('node'));
        } else if (to === null) {
          maps.delete(cells, key, name);
          expected.delete(name);
        } else {
          maps.set(cells, key, name, to);
          expected.set(name, to);
        }
        for (const [each, entries] of slow) {
          expect([...maps.entries(state.cells('node'), each)]).toEqual([...entries]);
          expect(maps.size(each)).toBe(entries.size);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('a change of one entry of a large map costs the delta that entry only', () => {
  const state = new PartitionState();
  const maps = new KeyedMaps(NAMESPACE);
  for (let i = 0; i < 100_000; i++) maps.set(state.cells('node'), 'k', `entry ${i}`, { n: i });
  expect(state.takeDelta()!.length).toBeGreaterThan(1_000_000);
  maps.set(state.cells('node'), 'k', 'entry 5', { n: -1 });
  expect(state.takeDelta()!.length).toBeLessThan(100);
});
