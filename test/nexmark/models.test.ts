// The slow models of the benchmark give what Apache Beam gives.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { NexmarkLine } from '../../bench/nexmark/models/model.ts';
import { MODELS } from '../../bench/nexmark/models/models.ts';
import { EVENTS, QUERIES, differenceFromBeam } from './answers.ts';

const events = gunzipSync(readFileSync(EVENTS))
  .toString('utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as NexmarkLine);

test.each(QUERIES.map((query) => ({ query })))('the model of query $query gives what Beam gives', ({ query }) => {
  const lines: string[] = [];
  const model = MODELS[`q${query}`]((result) => lines.push(JSON.stringify(result)));
  events.forEach((event) => model.event(event));
  model.end();
  expect(differenceFromBeam(query, lines.join('\n'))).toBeNull();
});
