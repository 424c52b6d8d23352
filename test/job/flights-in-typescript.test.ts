// The builder and YAML make one graph value.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseStreamJob } from '../../runtime/job/parse.ts';
import { flightsJob } from './flights-in-typescript.ts';

const yaml = readFileSync(new URL('../../examples/flights/stream-job.yaml', import.meta.url), 'utf8');

test('the flights job built in TypeScript equals the one parsed from YAML', () => {
  expect(flightsJob.build()).toStrictEqual(parseStreamJob(yaml, { file: 'stream-job.yaml', parameters: {} }));
});

test('a parameter given to build replaces its default as --set does', () => {
  const parameters = { flights: 'other.csv', 'out-of-order': '4d' };
  expect(flightsJob.build(parameters)).toStrictEqual(parseStreamJob(yaml, { file: 'stream-job.yaml', parameters }));
});
