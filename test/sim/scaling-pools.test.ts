// Loads against a job whose keyed stage, which has most of the work, is in a pool of its own.

import { expect, test } from 'vitest';
import { simulateScaling, type Load } from './scaling-model.ts';

type Bounds = { readonly late: number; readonly cost: number; readonly changes: number };

const pools: Load['pools'] = ['default', 'heavy', 'default'];
const loads: Readonly<Record<string, Load & { readonly most: Bounds }>> = {
  constant: { perS: () => 1_000, most: { late: 0.3, cost: 1.2, changes: 5 } },
  'step ×8': { perS: (t) => (t < 3600 ? 375 : t < 9000 ? 3_000 : 750), most: { late: 1.5, cost: 1.5, changes: 17 } },
  diurnal: { perS: (t) => 1_500 + 1_250 * Math.sin((2 * Math.PI * t) / 7_200), most: { late: 1, cost: 1.35, changes: 36 } },
  'on and off, asleep': { perS: (t) => (t % 2_400 < 600 ? 1_500 : 0), idle: '5m', most: { late: 15, cost: 3.4, changes: 80 } },
};

const cases = Object.entries(loads).flatMap(([name, load]) => [1, 2].map((seed) => ({ name, seed, ...load })));

test.each(cases)('$name, seed $seed', { timeout: 300_000 }, ({ name, seed, most, ...load }) => {
  const { latePercent, p99S, cost, changes, workers, sentences, conditions } = simulateScaling({ ...load, pools }, seed);
  const figures = `late ${latePercent.toFixed(1)} %, p99 ${p99S.toFixed(0)} s, cost ${cost.toFixed(2)}, ${changes} changes`;
  console.log(`${name.padEnd(28)} ${figures}, ${JSON.stringify(workers)} ${[...conditions].join(' ')}`);
  if (process.env['STORY']) console.log(sentences.slice(0, 60).join('\n'));
  expect(latePercent).toBeLessThanOrEqual(most.late);
  expect(cost).toBeLessThanOrEqual(most.cost);
  expect(changes).toBeLessThanOrEqual(most.changes);
  // 2 · 0.5 ms an event, and 0.1 + 0.4 ms
  if (load.idle === undefined) expect(workers['heavy']).toBeGreaterThan(workers['default'] ?? 0);
  else
    for (const pool of ['default', 'heavy']) {
      expect(sentences).toContainEqual(expect.stringMatching(new RegExp(`${pool}: workers \\d+ → 0: no event came`)));
      expect(sentences).toContainEqual(expect.stringMatching(new RegExp(`${pool}: workers 0 → \\d+: .* wait`)));
    }
});
