import { expect, test } from 'vitest';
import { pause, runInMemory } from 'millrace/testing';
import { hello } from './job.ts';

test('views of less than a second do not count', async () => {
  const { results, deadLetters } = await runInMemory(hello, {
    events: {
      views: [
        { page: 'home', at: '2026-03-01T10:00:05Z', seconds: 2 },
        { page: 'home', at: '2026-03-01T10:00:50Z', seconds: 0.5 },
        pause('1m'),
        { page: 'home', at: 'at ten', seconds: 4 },
      ],
    },
  });
  expect(results['views-aggregate-file']).toMatchObject([{ page: 'home', views: 1, meanSeconds: 2 }]);
  expect(deadLetters).toMatchObject([{ code: 'MR3001', place: 'event 3' }]);
});
