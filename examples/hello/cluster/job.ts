// The job of ../job.ts for a cluster: its file goes along in a ConfigMap, its results to a subject.
//   npm run millrace -- deploy examples/hello/cluster/job.ts
import { count, file, job, mean, tumbling } from 'millrace';

export const hello = job('hello', (j) => {
  const schema = { page: 'string', at: 'timestamp', seconds: 'double' } as const;
  const views = j.source('views', file({ path: '../data/views.ndjson', schema, eventTime: { at: 'at', maxOutOfOrder: '1m' } }));
  views
    .filter((view) => view.seconds >= 1)
    .keyBy('page')
    .window(tumbling('1m'))
    .aggregate({ views: count(), meanSeconds: mean((view) => view.seconds) })
    .toNats('hello.pages');
});
