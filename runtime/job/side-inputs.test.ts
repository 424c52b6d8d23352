// Tables that are streams, and what is taken in first, as the builder writes them.

import { expect, test } from 'vitest';
import { count } from './aggregates.ts';
import { cel } from './cel.ts';
import { job, type JobParts } from './job.ts';
import { file } from './source.ts';
import type { Stream } from './stream.ts';

type Click = { user: string; page: string; ms: number; at: number };
const isLong = (click: Click): boolean => click.ms > 100;
const clicksOf = (j: JobParts): Stream<Click> => j.source('clicks', file<Click>({ path: 'clicks.ndjson' }));
const build = (declare: (j: JobParts) => void) => job('test', declare).build();

test('a table comes from a stream of the job', () => {
  const { tables } = build((j) => {
    const clicks = clicksOf(j);
    const old = j.source('old', file<Click>({ path: 'old.ndjson' }));
    j.table('pages', clicks.filter(isLong), { key: 'page', asOf: 'latest', bootstrap: old, deleted: cel('row.ms == 0') });
  }).spec;
  expect(tables).toEqual([
    { name: 'pages', from: 'clicks-filter', bootstrap: 'old', key: 'row.page', asOf: 'latest', deleted: 'row.ms == 0' },
  ]);
});

test('a table and a bootstrap from another job are told', () => {
  let other: Stream<Click> | null = null;
  job('other', (j) => void (other = j.source('clicks', file<Click>({ path: 'clicks.ndjson' }))));
  const declare = (j: JobParts): void => {
    j.table('pages', other as never, { key: 'page' as never });
    clicksOf(j)
      .keyBy('user')
      .bootstrap(other as never)
      .aggregate({ n: count() });
  };
  expect(() => build(declare)).toThrow(/its rows come from another job[\s\S]*it is no stream of this job/);
});
