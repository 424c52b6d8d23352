import { expect, test } from 'vitest';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { ServerClock } from './server-clock.ts';

const WORLD_MS = Date.parse('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;

/** A clock that is off by so much, and what a server would say. */
function at(offMs: number): {
  readonly clock: ServerClock;
  readonly pass: (ms: number) => void;
  readonly heard: (roundTripMs?: number) => void;
} {
  let worldMs = WORLD_MS;
  const clock = new ServerClock({ ...systemClock, nowMs: () => worldMs + offMs });
  return {
    clock,
    pass: (ms) => (worldMs += ms),
    heard: (roundTripMs = 5) => clock.heard(new Date(worldMs).toUTCString(), roundTripMs),
  };
}

test.each([7 * MINUTE_MS, -7 * MINUTE_MS])('a clock that is off by %i ms goes by the server from its first answer on', (offMs) => {
  const { clock, heard, pass } = at(offMs);
  expect(clock.nowMs()).toBe(WORLD_MS + offMs);
  heard();
  for (let n = 0; n < 50; n++) {
    expect(Math.abs(clock.nowMs() - (WORLD_MS + n * 777))).toBeLessThanOrEqual(1_000);
    pass(777);
    heard();
  }
});

test('one that is right, as far as seconds can tell, is its own', () => {
  for (const offMs of [0, 900, -900, 1_900, -1_900]) {
    const { clock, heard, pass } = at(offMs);
    for (let n = 0; n < 50; n++, pass(777)) heard();
    expect(clock.aheadMs).toBe(0);
  }
});

test('an answer that took long, or says no time, says nothing; a clock that was set right is its own again', () => {
  const { clock, heard } = at(7 * MINUTE_MS);
  heard(30_000);
  clock.heard(undefined, 5);
  clock.heard('yesterday', 5);
  expect(clock.aheadMs).toBe(0);
  heard();
  expect(clock.aheadMs).toBeLessThan(-6 * MINUTE_MS);
  clock.heard(new Date(WORLD_MS + 7 * MINUTE_MS).toUTCString(), 5);
  expect(clock.aheadMs).toBe(0);
});
