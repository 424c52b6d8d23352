import { expect, test } from 'vitest';
import type { Clock } from '../base/clock.ts';
import type { Bus } from './directory.ts';
import { LOOK_TOPIC, ReportPace } from './report-pace.ts';

test.each([
  { fact: 'nobody looks: as usual', usualMs: 1_000, lookedMs: null, nowMs: 10_000, nextMs: 1_000 },
  { fact: 'somebody looks: four times a second', usualMs: 1_000, lookedMs: 10_000, nowMs: 10_000, nextMs: 250 },
  { fact: 'somebody looked five seconds ago: still', usualMs: 1_000, lookedMs: 5_000, nowMs: 10_000, nextMs: 250 },
  { fact: 'nobody looks any more: as usual', usualMs: 1_000, lookedMs: 4_999, nowMs: 10_000, nextMs: 1_000 },
  { fact: 'who reports more often anyway goes on so', usualMs: 100, lookedMs: 10_000, nowMs: 10_000, nextMs: 100 },
])('$fact', ({ usualMs, lookedMs, nowMs, nextMs }) => {
  let atMs = lookedMs ?? 0;
  const pace = new ReportPace({ monotonicMs: () => atMs } as Clock, usualMs);
  const heard = new Map<string, (value: unknown) => void>();
  const bus: Bus = {
    publish: () => undefined,
    subscribe: (topic, hear) => (heard.set(topic, hear), () => heard.delete(topic)),
    isHeard: () => Promise.resolve(null),
  };
  const stop = pace.listen(bus);
  if (lookedMs !== null) heard.get(LOOK_TOPIC)?.({});
  atMs = nowMs;
  expect(pace.nextMs()).toBe(nextMs);
  stop();
  expect(heard.size).toBe(0);
});
