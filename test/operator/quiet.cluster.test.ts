// What has settled is left alone: nothing is written but the lease, also by an operator that starts anew.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { until } from './support/control-plane.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

/** Three rounds of the reconciler, and longer than figures wait to be written. */
const quietMs = 12_000;
const namespace = 'quiet';
const bed = operatedNamespace(namespace);

beforeAll(async () => {
  await bed.plane.apply(namespace);
  await bed.jobIsReady();
});

test('a job that has settled is written by nobody', async () => {
  await sleep(2_000); // The round that settled it may have begun another one.
  const before = bed.proxy.writes.length;
  expect(before).toBeGreaterThan(0);
  await sleep(quietMs);
  expect(bed.proxy.writes.slice(before)).toEqual([]);
});

test('an operator that starts anew finds nothing to write', async () => {
  const before = bed.proxy.writes.length;
  await bed.startAnew();
  await until(
    'it leads',
    20_000,
    () => Promise.resolve(bed.operator.leads),
    () => bed.operator.log,
  );
  await sleep(quietMs);
  expect(bed.proxy.writes.slice(before)).toEqual([]);
});
