// What was once measured of a real job, decided upon again: the same samples, the same decisions.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import { Autoscaler } from '../../operator/autoscaler/autoscaler.ts';
import type { LoadGraph, Sample } from '../../operator/autoscaler/sample.ts';
import { settingsOf } from '../../operator/autoscaler/settings.ts';

type Recorded = {
  readonly graph: LoadGraph;
  readonly looks: readonly {
    readonly nowMs: number;
    readonly ready: number;
    readonly sample: Omit<Sample, 'lags'> & { readonly lags: Readonly<Record<string, number>> };
  }[];
};

const { graph, looks } = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/scaling/step.json'), 'utf8')) as Recorded;
const settings = settingsOf(scalingSchema.parse({ mode: 'Apply', max: 4, targetLag: '5s', catchUp: '20s' }));

/** `change` edits what was measured. */
function replay(change: (sample: Sample, look: number) => Sample = (sample) => sample): readonly string[] {
  const autoscaler = new Autoscaler();
  let status: ScalingStatus | undefined;
  return looks.flatMap(({ nowMs, ready, sample }, look) => {
    const measured = { ...sample, lags: new Map(Object.entries(sample.lags)) };
    const scaled = autoscaler.scale({
      key: 'recorded',
      settings,
      scene: { nowMs, declared: 1, ready, podProblem: null, settled: true, partitions: 4 },
      graph,
      sample: change(measured, look),
      status,
      deployed: 1,
    });
    status = scaled.status ?? undefined;
    return scaled.sentences;
  });
}

test('a recorded step in the load is answered as it was, with its arithmetic', () => {
  expect(replay()).toMatchInlineSnapshot(`
    [
      "workers 1 → 2: 268 events/s come (reckoned with 287/s), a worker does 238/s, planned at 75 %; 177 wait (0.7s), to clear in 20s",
      "workers 2 → 3: 393 events/s come (reckoned with 412/s), a worker does 239/s, planned at 75 %; 144 wait (0.4s), to clear in 20s",
      "workers 3 → 4: 540 events/s come, a worker does 239/s, planned at 75 %; 138 wait (0.3s), to clear in 20s",
    ]
  `);
});

test('samples that lack something add and take no worker', () => {
  expect(replay((sample) => ({ ...sample, missing: '3 of 12 tasks report nothing (sums/1)' }))).toEqual([]);
});

test('what lacks something for a while is made up for', () => {
  const sentences = replay((sample, look) => (look >= 7 && look < 11 ? { ...sample, missing: 'NATS does not answer' } : sample));
  expect(sentences.every((sentence) => /^workers [123] → [234]: /.test(sentence))).toBe(true);
  expect(sentences.at(-1)).toMatch(/→ 4: /);
});
