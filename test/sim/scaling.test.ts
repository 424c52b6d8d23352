// Loads of every shape against the real autoscaler, each with several seeds: what comes late, what it costs, how often it changes.

import { expect, test } from 'vitest';
import { simulateScaling, type Load, type ScalingResult } from './scaling-model.ts';

type Bounds = { readonly late: number; readonly p99: number; readonly cost: number; readonly changes: number };

/** `most`: what is reached with every seed, and about a tenth more. Late are events later than 10 s, p99 of all in seconds; cost is to that of an
 *  oracle. `unmet`: percent that would be late with any number of workers, as it is reckoned; what is bought for it all the same is what counts. */
const loads: Readonly<Record<string, Load & { readonly most: Bounds; readonly unmet?: number; readonly says?: string }>> = {
  constant: { perS: () => 1_000, most: { late: 0.1, p99: 3, cost: 1.05, changes: 2 } },
  'step ×8': {
    perS: (t) => (t < 3600 ? 375 : t < 9000 ? 3_000 : 750),
    most: { late: 0.8, p99: 4, cost: 1.2, changes: 14 },
  },
  ramp: { perS: (t) => 250 + Math.min(t, 10_800) * 0.225, most: { late: 0.1, p99: 8, cost: 1.1, changes: 9 } },
  diurnal: {
    perS: (t) => 1_500 + 1_250 * Math.sin((2 * Math.PI * t) / 7_200),
    most: { late: 0.5, p99: 9, cost: 1.2, changes: 29 },
  },
  spike: {
    perS: (t) => (t % 3600 >= 1_800 && t % 3600 < 1_920 ? 3_750 : 500),
    most: { late: 8, p99: 15, cost: 2, changes: 40 },
  },
  'on and off': { perS: (t) => (t % 2_400 < 600 ? 1_500 : 0), most: { late: 7, p99: 19, cost: 1.6, changes: 53 } },
  'on and off, asleep': {
    perS: (t) => (t % 2_400 < 600 ? 1_500 : 0),
    idle: '5m',
    most: { late: 7.5, p99: 22, cost: 1.9, changes: 31 },
  },
  bursty: {
    perS: (t, random) => 750 * (1 + 0.8 * Math.sin(t / 37)) * (0.6 + 0.8 * random.next()),
    most: { late: 0.1, p99: 3, cost: 2.15, changes: 30 },
  },
  // Half of it comes while the sink takes less than comes, and waits; nothing but the wait behind that is the controller's.
  'a sink that takes no more': {
    perS: () => 1_500,
    sinkPerS: (t) => (t < 7_200 ? 1_100 : Infinity),
    unmet: 50,
    most: { late: 53, p99: 2_000, cost: 1.35, changes: 9 },
    says: 'WaitsElsewhere',
  },
  // Two cores do 1,025 a second, and 1,500 come in the last three hours: 86.5 % of all events.
  'nodes that are full': {
    perS: (t) => (t < 3600 ? 700 : 1_500),
    cores: 2,
    unmet: 86.5,
    most: { late: 87.5, p99: 4_700, cost: 0.65, changes: 20 },
    says: 'Ineffective',
  },
  'skewed keys': { perS: () => 1_000, hottest: 0.35, most: { late: 0.1, p99: 3, cost: 1.45, changes: 4 } },
  // The one has the work of 1.17 workers, from the first second on.
  'one partition has too much': {
    perS: () => 1_000,
    hottest: 0.9,
    unmet: 99.5,
    most: { late: 100, p99: 4_500, cost: 1.8, changes: 2 },
    says: 'HotPartition',
  },
};
const SEEDS = [1, 2, 3];
const LIMIT_MS = 600_000;

test.each(Object.entries(loads))('%s', { timeout: LIMIT_MS }, (name, { most, unmet, says, ...load }) => {
  const results = SEEDS.map((seed) => simulateScaling(load, seed));
  const worst = (of: (result: ScalingResult) => number): number => Math.max(...results.map(of));
  const [late, p99, cost, changes] = [worst((r) => r.latePercent), worst((r) => r.p99S), worst((r) => r.cost), worst((r) => r.changes)];
  const figures = `late ${late.toFixed(1)} %, p99 ${p99} s, cost ${cost.toFixed(2)}, ${changes} changes`;
  console.log(`${name.padEnd(28)} ${figures}, at most ${worst((r) => r.mostWorkers)}, ${[...(results[0]?.conditions ?? [])].join(' ')}`);
  if (process.env['STORY']) console.log(results[0]?.sentences.slice(0, 60).join('\n'));
  expect(late).toBeLessThanOrEqual(most.late);
  expect(p99).toBeLessThanOrEqual(most.p99);
  expect(cost).toBeLessThanOrEqual(most.cost);
  expect(changes).toBeLessThanOrEqual(most.changes);
  if (unmet !== undefined) expect(late - unmet).toBeLessThan(3);
  for (const { conditions } of results) if (says !== undefined) expect([...conditions]).toContain(says);
});
