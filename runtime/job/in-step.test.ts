// What a builder says of splits that go on in step, of what waits for a table, and of windows that forget keys.

import { expect, test } from 'vitest';
import { count } from './aggregates.ts';
import { job } from './job.ts';
import { nats } from './source.ts';
import { countWindow } from './window.ts';

type Click = { id: string; at: number };

test('alignment, maxWaiting and the lifetime of a window become what YAML says', () => {
  const { spec } = job('in-step', (j) => {
    const click = (subject: string) =>
      nats<Click>({ subjects: [subject], eventTime: { at: 'at' }, idle: { after: '1m' }, alignment: { maxDrift: '5m', group: 'all' } });
    const clicks = j.source('clicks', click('clicks'));
    const rows = j.source('rows', click('rows'));
    const table = j.table('table', rows, { key: 'id', maxWaiting: 500 });
    clicks
      .enrich({ row: table.lookup({ key: 'id' }) })
      .keyBy('id')
      .window(countWindow(10))
      .aggregate({ n: count() }, { state: { ttl: '1d', onExpire: 'emit' } })
      .as('tens')
      .toNats('tens');
  }).build();
  expect(spec.sources.map(({ alignment }) => alignment)).toEqual([
    { maxDrift: '5m', group: 'all' },
    { maxDrift: '5m', group: 'all' },
  ]);
  expect(spec.tables.map(({ maxWaiting }) => maxWaiting)).toEqual([500]);
  expect(spec.stages.find(({ name }) => name === 'tens')?.state).toEqual({ ttl: '1d', onExpire: 'emit' });
});
