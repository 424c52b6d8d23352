// Loads of every shape against the real autoscaler: what comes late, what it costs, how often it changes.

import { expect, test } from 'vitest';
import { simulateScaling, type Load, type ScalingResult } from './scaling-model.ts';

type Bounds = { readonly late: number; readonly cost: number; readonly changes: number };

const loads: Readonly<Record<string, Load & { readonly most: Bounds; readonly says?: string }>> = {
  constant: { perS: () => 1_000, most: { late: 1, cost: 1.3, changes: 4 } },
  'step ×8': { perS: (t) => (t < 3600 ? 375 : t < 9000 ? 3_000 : 750), most: { late: 2, cost: 1.3, changes: 12 } },
  ramp: { perS: (t) => 250 + Math.min(t, 10_800) * 0.225, most: { late: 1, cost: 1.3, changes: 30 } },
  diurnal: { perS: (t) => 1_500 + 1_250 * Math.sin((2 * Math.PI * t) / 7_200), most: { late: 1, cost: 1.4, changes: 60 } },
  spike: { perS: (t) => (t % 3600 >= 1_800 && t % 3600 < 1_920 ? 3_750 : 500), most: { late: 15, cost: 2.2, changes: 45 } },
  'on and off': { perS: (t) => (t % 2_400 < 600 ? 1_500 : 0), most: { late: 15, cost: 2, changes: 80 } },
  'on and off, asleep': { perS: (t) => (t % 2_400 < 600 ? 1_500 : 0), idle: '5m', most: { late: 15, cost: 2, changes: 80 } },
  bursty: {
    perS: (t, random) => 750 * (1 + 0.8 * Math.sin(t / 37)) * (0.6 + 0.8 * random.next()),
    most: { late: 5, cost: 2.2, changes: 40 },
  },
  'a sink that takes no more': {
    perS: () => 1_500,
    sinkPerS: (t) => (t < 7_200 ? 1_100 : Infinity),
    most: { late: 100, cost: 1.5, changes: 20 },
  },
  'nodes that are full': {
    perS: (t) => (t < 3600 ? 700 : 1_500),
    cores: 2,
    most: { late: 100, cost: 1.5, changes: 20 },
    says: 'Ineffective',
  },
  'skewed keys': { perS: () => 1_000, hottest: 0.35, most: { late: 5, cost: 1.9, changes: 12 } },
  'one partition has too much': { perS: () => 1_000, hottest: 0.9, most: { late: 100, cost: 3.5, changes: 12 }, says: 'HotPartition' },
};
const SEEDS = [1];

test.each(Object.entries(loads))('%s', (name, { most, says, ...load }) => {
  const results = SEEDS.map((seed) => simulateScaling(load, seed));
  const mean = (of: (result: ScalingResult) => number): number => results.reduce((sum, result) => sum + of(result), 0) / results.length;
  const [late, cost, changes] = [mean((r) => r.latePercent), mean((r) => r.cost), mean((r) => r.changes)];
  const figures = `late ${late.toFixed(1)} %, p99 ${mean((r) => r.p99S).toFixed(0)} s, cost ${cost.toFixed(2)}, ${changes} changes`;
  console.log(`${name.padEnd(28)} ${figures}, at most ${mean((r) => r.mostWorkers)}, ${[...(results[0]?.conditions ?? [])].join(' ')}`);
  if (process.env['STORY']) console.log(results[0]?.sentences.slice(0, 60).join('\n'));
  expect(late).toBeLessThanOrEqual(most.late);
  expect(cost).toBeLessThanOrEqual(most.cost);
  expect(changes).toBeLessThanOrEqual(most.changes);
  if (says !== undefined) expect([...(results[0]?.conditions ?? [])]).toContain(says);
});
