import { expect, test } from 'vitest';
import { FollowedSet } from './followed-set.ts';
import type { FollowedKey } from './job-record.ts';

const MINUTE = 60_000;

/** Who asks has the time 0. Drawn: at which minutes the key is followed by a worker whose clock is so many minutes ahead of that. */
function followed(one: Omit<FollowedKey, 'key'> | null, aheadMinutes: number): readonly number[] {
  const set = new FollowedSet();
  const minutes = Array.from({ length: 12 }, (_, minute) => minute);
  return minutes.filter((minute) => {
    const clock = { nowMs: () => (minute + aheadMinutes) * MINUTE, monotonicMs: () => 77 + minute * MINUTE };
    set.look(one === null ? null : { keys: [{ key: 'k', ...one }] }, clock);
    return set.keys.has('k');
  });
}

test.each([
  { fact: 'for so long', ahead: 0, asked: { untilMs: 3 * MINUTE, forMs: 3 * MINUTE }, at: [0, 1, 2] },
  { fact: 'as long by a worker whose clock is ahead', ahead: 5, asked: { untilMs: 3 * MINUTE, forMs: 3 * MINUTE }, at: [0, 1, 2] },
  { fact: 'as long by a worker whose clock is behind', ahead: -5, asked: { untilMs: 3 * MINUTE, forMs: 3 * MINUTE }, at: [0, 1, 2] },
  { fact: 'until a time, when an older release asked', ahead: 1, asked: { untilMs: 3 * MINUTE }, at: [0, 1] },
  { fact: 'not at all, when nobody asked', ahead: 0, asked: null, at: [] },
])('FS1 a key is followed $fact', ({ asked, ahead, at }) => {
  expect(followed(asked, ahead)).toEqual(at);
});

test('a key that is asked for anew is followed from then on, and one that is taken out no more', () => {
  const set = new FollowedSet();
  const look = (minute: number, ...untils: readonly number[]): boolean => {
    const keys = untils.map((until) => ({ key: 'k', untilMs: until, forMs: 2 * MINUTE }));
    set.look(keys.length === 0 ? null : { keys }, { nowMs: () => 0, monotonicMs: () => minute * MINUTE });
    return set.keys.has('k');
  };
  expect([look(0, 5), look(2, 5), look(3, 6), look(4, 6), look(4.5)]).toEqual([true, false, true, true, false]);
});
