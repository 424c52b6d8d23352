import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueHeap } from './due-heap.ts';

test('what is due comes out by time, then by the order of its owner', () => {
  const operation = fc.oneof(fc.record({ dueMs: fc.integer({ min: 0, max: 9 }), rank: fc.nat(99) }), fc.integer({ min: -1, max: 10 }));
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const heap = new DueHeap<{ dueMs: number; rank: number }>((a, b) => a.rank - b.rank);
      let model: { dueMs: number; rank: number }[] = [];
      for (const each of operations) {
        if (typeof each === 'number') {
          const due = model.filter(({ dueMs }) => dueMs <= each).sort((a, b) => a.dueMs - b.dueMs || a.rank - b.rank);
          model = model.filter(({ dueMs }) => dueMs > each);
          for (const one of due) expect(heap.popDue(each)).toEqual(one);
          expect(heap.popDue(each)).toBeUndefined();
        } else {
          heap.push(each);
          model.push(each);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
