// What has settled is left alone: nothing is written but the lease, also by an operator that starts anew.
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

/** Three rounds of the reconciler, and longer than figures wait to be written. */
const quietMs = 12_000;
const namespace = 'quiet';
const bed = operatedNamespace(namespace);

beforeAll(async () => {
  await bed.plane.apply(namespace);
  await bed.jobIsReady();
});

/** What was written meanwhile. */
async function writesIn(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = bed.proxy.writes.length;
  await act();
  return bed.proxy.writes.slice(before);
}

/** Tries it some times: on a machine that stalls, NATS may not have answered in time, and that is written, and taken back. */
async function onceWithoutAWrite(fact: string, act: () => Promise<unknown>): Promise<void> {
  let last: readonly string[] = [];
  const isQuiet = async (): Promise<boolean> => (last = await writesIn(act)).length === 0;
  await until(fact, 150_000, isQuiet, () => `${last.join('\n')}\n${bed.operator.log}`);
}

test('a job that has settled is written by nobody', async () => {
  expect(bed.proxy.writes.length).toBeGreaterThan(0);
  // The round that settled it may have begun another one.
  await onceWithoutAWrite('nothing is written', () => sleep(quietMs));
});

test('an operator that starts anew finds nothing to write', () =>
  onceWithoutAWrite('another operator writes nothing', async () => {
    await bed.startAnew();
    await until(
      'it leads',
      90_000,
      () => Promise.resolve(bed.operator.leads),
      () => bed.operator.log,
    );
    await sleep(quietMs);
  }));
