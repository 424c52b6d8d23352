// Inputs that end and come first, as the builder says them.

import { expect, test } from 'vitest';
import { cel } from './cel.ts';
import { job } from './job.ts';
import { file } from './source.ts';

type Click = { user: string; page: string; ms: number };

test('bootstrap names what ends, and tables those that are streams', () => {
  const { spec } = job('test', (j) => {
    const clicks = j.source('clicks', file<Click>({ path: 'clicks.ndjson' }));
    const old = j.source('old', file<Click>({ path: 'old.ndjson' }));
    const pages = j.table('pages', clicks, { key: 'page', asOf: 'latest', bootstrap: old, deleted: cel('row.ms == 0') });
    clicks
      .keyBy('user')
      .bootstrap(old)
      .machine({ initial: 'on', states: { on: {} } }, { tables: [pages] });
    clicks.enrich({ page: pages.lookup({ key: 'page' }) });
  }).build();
  expect(spec.stages).toEqual([
    expect.objectContaining({ name: 'clicks-machine', from: 'clicks', bootstrap: ['old'], keyBy: 'event.user', tables: ['pages'] }),
    { name: 'clicks-enrich', from: 'clicks', enrich: [{ table: 'pages', key: 'event.page', as: 'page' }] },
  ]);
});
