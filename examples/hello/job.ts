// How long people look at each page, minute by minute:  npm run millrace -- run examples/hello/job.ts
import { count, file, job, mean, tumbling } from 'millrace';

export const hello = job('hello', (j) => {
  const schema = { page: 'string', at: 'timestamp', seconds: 'double' } as const;
  const views = j.source('views', file({ path: 'data/views.ndjson', schema, eventTime: { at: 'at', maxOutOfOrder: '1m' } }));
  views
    .filter((view) => view.seconds >= 1)
    .keyBy('page')
    .window(tumbling('1m'))
    .aggregate({ views: count(), meanSeconds: mean((view) => view.seconds) })
    .toFile('pages.ndjson');
});
