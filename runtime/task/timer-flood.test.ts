// D3: a flood of timers of one partition, due at once: in order, each once, and over a crash. A million of them: timers-at-once.test.ts.

import { expect, test } from 'vitest';
import type { Value } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { StepHarness, type Emission } from '../testing/step-harness.ts';
import { makeReduce } from '../transforms/actor/reduce.ts';
import type { ReduceContext } from '../transforms/actor/reduce.ts';

const TIMERS = 100_000;
/** Times are drawn from so few that most timers have the time of thousands of others. */
const TIMES = 100;
const KEYS = TIMERS / 2;

/** Two timers a key, set with its first event. */
function step(_state: Value, event: Value, context: ReduceContext): Value {
  const at = (event as { at: number }).at;
  if (context.timer === null) for (const id of ['b', 'a']) context.setTimer(id, at, event);
  else context.emit(context.timer);
  return 0;
}

function drawn(emissions: readonly Emission[]): readonly (readonly [timeMs: number, key: string, id: string])[] {
  return emissions.flatMap((one) => (one.kind === 'event' ? [[one.timeMs, one.key ?? '', one.value as string] as const] : []));
}

test('D1 D3 a hundred thousand timers that are due at once fire once each, in the order of (time, key, id), also when their owner dies in between', () => {
  const harness = new StepHarness({ make: () => makeReduce({ kind: 'reduce', init: () => 0, step: step as never }) });
  const ids = Array.from({ length: KEYS }, (_, n) => (n * 7_919) % KEYS); // in no order
  harness.pushBatch({
    values: ids.map((n) => ({ at: 1_000 + (n % TIMES) })),
    times: ids.map(() => 1),
    keys: ids.map((n) => encodeKey(`k${n}`)),
    ingestMs: 0,
  });
  harness.restart();
  harness.advance(1_000 + TIMES / 2);
  const first = drawn(harness.emissions).length;
  harness.restart();
  harness.advance(1_000 + TIMES);
  const fired = drawn(harness.emissions);
  expect([first, fired.length]).toEqual([(TIMERS / TIMES) * (TIMES / 2 + 1), TIMERS]);
  let [time, key, id] = [-Infinity, '', ''];
  let unordered = 0;
  for (const [nextTime, nextKey, nextId] of fired) {
    const isBehind = nextTime > time || (nextTime === time && (nextKey > key || (nextKey === key && nextId > id)));
    if (!isBehind) unordered++;
    [time, key, id] = [nextTime, nextKey, nextId];
  }
  expect(unordered).toBe(0); // strictly ascending, so none fires twice
  harness.emissions.length = 0;
  harness.advance(Infinity);
  expect(drawn(harness.emissions)).toEqual([]);
}, 300_000);
