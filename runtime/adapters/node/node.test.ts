import { expect, test } from 'vitest';
import { systemClock } from './clock.ts';
import { systemRandom } from './random.ts';

test('a sleep ends early, without an error, when its signal aborts', async () => {
  const abort = new AbortController();
  const startMs = systemClock.monotonicMs();
  const sleeping = systemClock.sleep(60_000, abort.signal);
  abort.abort();
  await sleeping;
  await systemClock.sleep(60_000, abort.signal);
  expect(systemClock.monotonicMs() - startMs).toBeLessThan(50_000);
});

test('a sleep beyond what a timer can hold does not end at once', async () => {
  const abort = new AbortController();
  let ended = false;
  const sleeping = systemClock.sleep(2 ** 40, abort.signal).then(() => {
    ended = true;
  });
  await systemClock.sleep(20);
  expect(ended).toBe(false);
  abort.abort();
  await sleeping;
});

test('chance is spread over [0, 1)', () => {
  const draws = Array.from({ length: 2_000 }, () => systemRandom.next());
  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
});

test('identifiers are 22 letters and digits, each another', () => {
  const ids = Array.from({ length: 500 }, () => systemRandom.id());
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => /^[A-Za-z0-9]{22}$/.test(id))).toBe(true);
});
