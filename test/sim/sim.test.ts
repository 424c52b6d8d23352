import { expect, test } from 'vitest';
import { makeTransform } from '../../runtime/transforms/make-transform.ts';
import { simulate } from './simulate.ts';

const SEEDS = 100;
// Seeds that found something:
//   1, 19, 30, 48: a worker that woke up behind what was purged took its late reader for a broken journal, and stopped the job.
//   67, 99, 133: a checkpoint was deleted while the last record still named it, and a crash came before the next.
//   323, 649: a copy that had been followed past a newer checkpoint made its owner name the older one, which was deleted.
//   307, 554, 694: the same late reader, asked to end before it had heard that another had its place.

test(`${SEEDS} runs with crashes, lost answers and pauses past the lease give what a slow computation gives`, async () => {
  const total = { kills: 0, pauses: 0, drains: 0, warmStarts: 0, faults: 0, insides: 0, unreadable: 0, blockedMs: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { found, expected, problems, counts } = await simulate(seed);
    const again = `npm run sim -- --seed ${seed}`;
    expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
    total.kills += counts.kills;
    total.pauses += counts.pauses;
    total.drains += counts.drains;
    total.warmStarts += counts.warmStarts;
    total.faults += counts.faults;
    total.insides += counts.insides;
    total.unreadable += counts.unreadable;
    total.blockedMs += counts.blockedMs;
  }
  expect(total.kills).toBeGreaterThan(SEEDS); // a run without faults proves nothing about faults
  expect(total.pauses).toBeGreaterThan(SEEDS);
  expect(total.drains).toBeGreaterThan(SEEDS);
  expect(total.warmStarts).toBeGreaterThan(SEEDS);
  expect(total.faults).toBeGreaterThan(10 * SEEDS);
  expect(total.insides).toBeGreaterThan(SEEDS);
  expect(total.unreadable).toBeGreaterThan(SEEDS / 2);
  expect(total.blockedMs).toBeGreaterThan(0); // an answer that is late keeps a task waiting with its input there
}, 900_000);

const STANDBY_SEEDS = 30;

test(`${STANDBY_SEEDS} runs in which each partition is followed by a standby give the same`, async () => {
  const total = { kills: 0, warmStarts: 0, missed: 0 };
  for (let seed = 1; seed <= STANDBY_SEEDS; seed++) {
    const { found, expected, problems, counts } = await simulate(seed, { standbyReplicas: 1 });
    const again = `npm run sim -- --of standbys --seed ${seed}`;
    expect({ again, problems, ...found }).toEqual({ again, problems: [], ...expected });
    total.kills += counts.kills;
    total.warmStarts += counts.warmStarts;
    total.missed += counts.missed;
  }
  expect(total.kills).toBeGreaterThan(STANDBY_SEEDS);
  expect(total.missed).toBeGreaterThan(STANDBY_SEEDS);
  expect(total.warmStarts).toBeGreaterThan(2 * STANDBY_SEEDS);
}, 900_000);

test('a seed gives the same run each time', async () => {
  expect(await simulate(7)).toEqual(await simulate(7));
});

test('an event that a transform drops silently is unaccounted for', async () => {
  let left = 20; // batches until one of them loses its last event
  const make: typeof makeTransform = (node) => {
    const real = makeTransform(node);
    if (node.op.kind !== 'window') return real;
    const onBatch = real.onBatch.bind(real);
    real.onBatch = (batch, context, side): void => {
      const { values, times, keys, ingestMs } = batch;
      if (values.length === 0 || --left !== 0) onBatch(batch, context, side);
      else onBatch({ values: values.slice(0, -1), times: times.slice(0, -1), keys: keys?.slice(0, -1) ?? null, ingestMs }, context, side);
    };
    return real;
  };
  const { problems } = await simulate(3, { make });
  expect(problems.join('\n')).toMatch(/1 events are unaccounted for in windows\/\d: \d+ in/);
});
