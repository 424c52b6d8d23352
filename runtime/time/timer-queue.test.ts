import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Timer } from '../transforms/transform.ts';
import { TimerQueue } from './timer-queue.ts';

/** Timers as `key/id@time`, in the order in which they come out up to `watermark`. */
function due(queue: TimerQueue, watermark: number): string {
  const texts: string[] = [];
  for (let timer = queue.popDue(watermark); timer !== null; timer = queue.popDue(watermark)) texts.push(draw(timer));
  return texts.join(' ');
}

const draw = ({ key, id, atMs }: Timer): string => `${key}/${id}@${atMs}`;

function queueOf(drawing: string): TimerQueue {
  const queue = new TimerQueue();
  for (const token of drawing.split(' ')) {
    const [, sign, key, id, atMs] = /^([+-])(\w+)\/(\w+)(?:@(-?\w+))?$/.exec(token)!;
    if (sign === '-') queue.clear(key!, id!);
    else queue.set({ key: key!, id: id!, atMs: Number(atMs), data: null });
  }
  return queue;
}

test.each([
  { fact: 'timers come out by time', set: '+a/x@3 +a/y@1 +b/x@2', watermark: 9, due: 'a/y@1 b/x@2 a/x@3' },
  { fact: 'at equal times by key, then by id', set: '+b/x@1 +a/z@1 +a/y@1', watermark: 9, due: 'a/y@1 a/z@1 b/x@1' },
  { fact: 'a timer at the watermark is due, one after it is not', set: '+a/x@5 +b/x@6', watermark: 5, due: 'a/x@5' },
  { fact: 'setting a timer again replaces it', set: '+a/x@1 +a/x@7', watermark: 9, due: 'a/x@7' },
  { fact: 'a cleared timer never fires', set: '+a/x@1 +a/y@2 -a/x', watermark: 9, due: 'a/y@2' },
  { fact: 'clearing what is not there changes nothing', set: '+a/x@1 -a/q -q/x', watermark: 9, due: 'a/x@1' },
  { fact: 'a timer may lie before 1970', set: '+a/x@-5 +b/x@0', watermark: -1, due: 'a/x@-5' },
  { fact: 'a timer at infinity is due when the input has ended', set: '+a/x@Infinity', watermark: Infinity, due: 'a/x@Infinity' },
])('$fact', ({ set, watermark, due: expected }) => expect(due(queueOf(set), watermark)).toBe(expected));

test('the next due time follows clears, and is infinite when there is none', () => {
  const queue = queueOf('+a/x@1 +b/x@4');
  expect(queue.nextDueMs()).toBe(1);
  queue.clear('a', 'x');
  expect(queue.nextDueMs()).toBe(4);
  queue.clear('b', 'x');
  expect(queue.nextDueMs()).toBe(Infinity);
  expect(queue.size).toBe(0);
});

test('a timer without a time is a bug', () => {
  expect(() => new TimerQueue().set({ key: 'a', id: 'x', atMs: NaN, data: null })).toThrow('timer x of key a has no time');
});

test('a timer that is set again and again does not fill the memory', () => {
  const queue = new TimerQueue();
  for (let i = 0; i < 100_000; i++) queue.set({ key: 'a', id: 'x', atMs: i, data: null });
  expect([...queue.all()]).toHaveLength(1);
  queue.takeChanges();
  expect(due(queue, Infinity)).toBe('a/x@99999');
});

test('whatever is set, cleared and taken, what comes out is what a sorted list gives', () => {
  const operation = fc.record({
    key: fc.constantFrom('a', 'b', 'c'),
    id: fc.constantFrom('x', 'y'),
    atMs: fc.integer({ min: 0, max: 20 }),
    kind: fc.constantFrom('set', 'set', 'clear', 'due'),
  });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const queue = new TimerQueue();
      let model: Timer[] = [];
      const order = (a: Timer, b: Timer): number => a.atMs - b.atMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : a.id < b.id ? -1 : 1);
      for (const { kind, key, id, atMs } of operations) {
        if (kind === 'due') {
          expect(due(queue, atMs)).toBe(
            model
              .filter((timer) => timer.atMs <= atMs)
              .sort(order)
              .map(draw)
              .join(' '),
          );
          model = model.filter((timer) => timer.atMs > atMs);
          continue;
        }
        model = model.filter((timer) => timer.key !== key || timer.id !== id);
        if (kind === 'set') model.push({ key, id, atMs, data: null });
        if (kind === 'set') queue.set({ key, id, atMs, data: null });
        else queue.clear(key, id);
      }
      expect(queue.size).toBe(model.length);
    }),
    { numRuns: 1_000 },
  );
});

test('D3 a million timers that are due at once come out once each, by time, key and id', () => {
  const queue = new TimerQueue();
  const count = 1_000_000;
  for (let n = 0; n < count; n++) {
    const mixed = (n * 7_919) % count; // in no order; 7,919 and the count have no common divisor
    queue.set({ key: `k${mixed >> 1}`, id: mixed % 2 === 0 ? 'a' : 'b', atMs: (mixed >> 1) % 100, data: null });
  }
  let [before, seen, unordered]: [Timer, number, number] = [{ key: '', id: '', atMs: -Infinity, data: null }, 0, 0];
  for (let timer = queue.popDue(100); timer !== null; timer = queue.popDue(100)) {
    const { atMs, key, id } = before;
    if (!(timer.atMs > atMs || (timer.atMs === atMs && (timer.key > key || (timer.key === key && timer.id > id))))) unordered++;
    before = timer;
    seen++;
  }
  expect([seen, unordered, queue.size]).toEqual([count, 0, 0]);
}, 900_000);
