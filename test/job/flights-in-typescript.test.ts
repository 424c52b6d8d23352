// The builder and YAML make one graph value.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { count, file, job } from '../../runtime/index.ts';
import { flightsJob } from './flights-in-typescript.ts';

const yaml = readFileSync(new URL('../../examples/flights/stream-job.yaml', import.meta.url), 'utf8');

test('the flights job built in TypeScript equals the one parsed from YAML', () => {
  expect(flightsJob.build()).toStrictEqual(parseStreamJob(yaml, { file: 'stream-job.yaml', parameters: {} }));
});

test('a parameter given to build replaces its default as --set does', () => {
  const parameters = { flights: 'other.csv', 'out-of-order': '4d' };
  expect(flightsJob.build(parameters)).toStrictEqual(parseStreamJob(yaml, { file: 'stream-job.yaml', parameters }));
});

test('pools are given as in YAML, and are the same value', () => {
  const pools = [
    { name: 'heavy', stages: ['counts'], scaling: { mode: 'Apply' as const, max: 4 }, workers: { nodeSelector: { disk: 'fast' } } },
    { name: 'sinks', stages: ['words', 'out'], replicas: 0 },
  ];
  const built = job('pooled', { pools }, (j) => {
    const words = j.source('words', file({ path: 'words.ndjson', schema: { word: 'string' } }));
    words.keyBy('word').aggregate({ times: count() }).as('counts').toNats('counts', { name: 'out' });
  });
  const { spec } = built.build();
  const text = JSON.stringify({ ...built.build(), spec: { ...spec, pools } });
  expect(parseStreamJob(text, { file: 'pooled.json', parameters: {} })).toStrictEqual(built.build());
  expect(spec.pools[0]).toMatchObject({ name: 'heavy', replicas: 1, scaling: { mode: 'Apply', min: 1, max: 4, targetLag: '10s' } });
});
