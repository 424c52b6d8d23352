// The check of a query finds each way in which results can be wrong; a query's job keeps all but its two ends; the table.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { NexmarkGenerator } from '../nexmark/generator.ts';
import type { NexmarkLine } from '../nexmark/models/model.ts';
import { MODELS, QUERY_NAMES } from '../nexmark/models/models.ts';
import type { QueryName } from '../nexmark/models/models.ts';
import { NexmarkCheck } from './nexmark-check.ts';
import { exampleOf, nexmarkJob } from './nexmark-job.ts';
import { nexmarkTable } from './nexmark-table.ts';
import type { NexmarkRow } from './nexmark.ts';

const generator = new NexmarkGenerator({ seed: 3, eventsPerS: 10, channels: true });
const events = Array.from({ length: 2_000 }, (_, n) => JSON.parse(generator.line(n)) as NexmarkLine);

function resultsOf(query: QueryName): string[] {
  const lines: string[] = [];
  const model = MODELS[query]((result) => lines.push(JSON.stringify(result)));
  events.forEach((event) => model.event(event));
  model.end();
  return lines;
}

function problemOf(query: QueryName, lines: readonly string[]): string | null {
  const check = new NexmarkCheck(query);
  events.forEach((event) => check.event(event));
  check.seal();
  check.begin().result('{"value":{"seller":1,"personId":1}}'); // of another run
  const run = check.begin();
  lines.forEach((line) => run.result(line));
  return run.problem();
}

const turned = (line: string): string => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).reverse()));

test.each(QUERY_NAMES.map((query) => ({ query })))(
  '$query: its results in another order, with fields in another order, are right',
  ({ query }) => {
    const lines = resultsOf(query);
    expect(lines.length).toBeGreaterThan(0);
    expect(problemOf(query, lines.map(turned).reverse())).toBeNull();
  },
);

test.each<{ fact: string; query: QueryName; wrong: (lines: string[]) => string[]; problem: RegExp }>([
  { fact: 'a missing result', query: 'q5', wrong: (lines) => lines.slice(1), problem: /results expected/ },
  { fact: 'one twice', query: 'q9', wrong: (lines) => [...lines, lines[0] as string], problem: /results expected/ },
  { fact: 'one twice in place of another', query: 'q1', wrong: (lines) => lines.with(0, lines[1] as string), problem: /not the same/ },
  {
    fact: 'a result in another window',
    query: 'q11',
    wrong: (lines) => lines.with(0, (lines[0] as string).replace('"window":[', '"window":[1')),
    problem: /not the same/,
  },
  {
    fact: 'a wrong last price of a seller',
    query: 'q6',
    wrong: (lines) => [...lines, (lines[0] as string).replace('"price":', '"price":9')],
    problem: /not the same/,
  },
  { fact: 'a count that came twice', query: 'q12', wrong: (lines) => [...lines, lines[0] as string], problem: /not the same/ },
])('$query: $fact is found', ({ query, wrong, problem }) => {
  expect(problemOf(query, wrong(resultsOf(query)))).toMatch(problem);
});

test('earlier prices of a seller and parts of a bidder’s count are no mistake', () => {
  const [price, ...prices] = resultsOf('q6') as [string, ...string[]];
  expect(problemOf('q6', [price.replace('"price":', '"price":9'), price, ...prices])).toBeNull();
  const [counted, ...others] = resultsOf('q12') as [string, ...string[]];
  const { value } = JSON.parse(counted) as { value: { personId: number; bidsPerSession: number } };
  const parts = [1, value.bidsPerSession - 1].map((bidsPerSession) => JSON.stringify({ value: { ...value, bidsPerSession } }));
  expect(problemOf('q12', [...parts, ...others])).toBeNull();
});

test.each(QUERY_NAMES.map((query) => ({ query })))('$query from JetStream is the example but for its two ends, and plans', ({ query }) => {
  const path = exampleOf(query);
  const text = nexmarkJob(readFileSync(path, 'utf8'), { subjects: ['a.0', 'a.1'], sink: 'batch', folder: '/examples' });
  const read = (yaml: string, parameters = {}) => readStreamJob(yaml, { file: path, parameters }).spec;
  const hasBound = text.includes('name: out-of-order');
  const [ours, example] = [read(text), read(readFileSync(path, 'utf8'), hasBound ? { 'out-of-order': '5s' } : {})];
  expect(ours.stages).toEqual(example.stages);
  expect(ours.sources[0]?.nats).toMatchObject({ subjects: ['a.0', 'a.1'], bounded: true });
  expect(ours.sources[0]?.eventTime).toEqual(example.sources[0]?.eventTime);
  expect(ours.sinks).toMatchObject([{ name: 'result', from: example.sinks[0]?.from, nats: { batch: 500 } }]);
});

test('a job with two sinks is refused', () => {
  const flights = fileURLToPath(new URL('../../examples/flights/stream-job.yaml', import.meta.url));
  const ends = { subjects: ['a'], sink: 'journal', folder: '/' } as const;
  expect(() => nexmarkJob(readFileSync(flights, 'utf8'), ends)).toThrow(/sinks; the benchmark reads one/);
});

test('the table has our figures beside those of the others, and what was left out', () => {
  const both = { run: 5_000, emptyRun: 1_000 };
  const row: NexmarkRow = {
    query: 'q0',
    workers: 2,
    results: 1_000_000,
    eventsPerS: 300_000,
    eventsPerSInTotal: 250_000,
    spanMs: 1,
    totalMs: 1,
    workerCpuSPerMillion: 2.2,
    serverCpuSPerMillion: 0.5,
    cpuMs: { worker: both, server: both, runner: both },
    workerPeakBytes: 1_048_576,
    serverPeakBytes: 1,
    commitMs: { p50: 1, p99: 2 },
    endToEndMs: { p50: 1, p99: 2 },
  };
  const lines = nexmarkTable([row, { ...row, query: 'q3' }], ['q5 with 4 workers']).split('\n');
  expect(lines[1]?.trim().split(/ {2,}/)).toEqual([
    'q0',
    '2',
    '300,000',
    '2.20',
    '0.50',
    '4.4',
    '368,000',
    '0.50',
    '6.6',
    '206,000',
    '1.00+1.00',
    '1 MB',
    '1,000,000',
  ]);
  expect(lines[2]?.trim().split(/ {2,}/).slice(5, 10)).toEqual(['-', '-', '-', '-', '-']);
  expect(lines.at(-1)).toContain('q5 with 4 workers');
});
