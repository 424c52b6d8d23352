// What `millrace/testing` gives to who tests a job.

import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hello } from '../../examples/hello/job.ts';
import { cel, count, file, job, nats, tumbling } from '../index.ts';
import { pause, runInMemory } from './index.ts';

const FLIGHTS = resolve(import.meta.dirname, '../../examples/hello/job.ts');
const view = (page: string, at: string, seconds = 2) => ({ page, at: `2026-03-01T10:${at}Z`, seconds });
const events = { views: [view('home', '00:05'), view('home', '00:40', 4), view('home', '00:50', 0.5), view('news', '01:10')] };

describe('a job in memory', () => {
  test('gives what its sinks are given', async () => {
    const { results, deadLetters } = await runInMemory(hello, { events });
    const [first, second] = [Date.UTC(2026, 2, 1, 10), Date.UTC(2026, 2, 1, 10, 1)];
    expect(results['views-aggregate-file']?.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual([
      { page: 'home', windowStartMs: first, windowEndMs: second, views: 2, meanSeconds: 3 },
      { page: 'news', windowStartMs: second, windowEndMs: second + 60_000, views: 1, meanSeconds: 2 },
    ]);
    expect(deadLetters).toEqual([]);
  });

  test('is found in its file, too', async () => {
    expect(await runInMemory(FLIGHTS, { events })).toEqual(await runInMemory(hello, { events }));
  });

  test('tells of events that are not as declared', async () => {
    const { deadLetters } = await runInMemory(hello, { events: { views: [{ page: 7, at: 'soon' }] } });
    expect(deadLetters).toMatchObject([{ code: 'MR3001', at: 'views', place: 'event 0', event: { page: 7, at: 'soon' } }]);
  });

  test('a letter of a transform tells the event that it is of by its place in the list, though it had to wait', async () => {
    const slow = job('slow', (j) => {
      j.source('clicks', nats({ subjects: ['clicks'], schema: { user: 'string' } }))
        .rateLimit(1, { burst: 1 })
        .map(cel('{"n": int(event.user)}'))
        .toFile('numbers.ndjson');
    });
    const users = ['1', 'ann', '3', 'bob'];
    const { deadLetters } = await runInMemory(slow, { events: { clicks: users.map((user) => ({ user })) } });
    expect(deadLetters).toMatchObject([
      { code: 'MR3002', place: 'event 1', event: { user: 'ann' } },
      { code: 'MR3002', place: 'event 3', event: { user: 'bob' } },
    ]);
  });

  test('time goes by in pauses: a window by the clock closes in one', async () => {
    const clicks = job('clicks', (j) => {
      j.source('clicks', nats({ subjects: ['clicks'], schema: { user: 'string' } }))
        .keyBy('user')
        .processingTime()
        .window(tumbling('1m'))
        .aggregate({ clicks: count() })
        .toFile('counts.ndjson');
    });
    const click = { user: 'ann' };
    const startMs = Date.UTC(2026, 0, 1);
    const { results } = await runInMemory(clicks, { events: { clicks: [click, click, pause('1m'), click] }, startMs });
    expect(Object.values(results)).toMatchObject([
      [
        { clicks: 2, windowStartMs: startMs },
        { clicks: 1, windowStartMs: startMs + 60_000 },
      ],
    ]);
  });

  test('what comes back goes round', async () => {
    const parts = job('parts', (j) => {
      const byId = j.source('parts', file({ path: 'parts.ndjson', schema: { id: 'string', size: 'int' } })).keyBy('id');
      const seen = byId.reduce<number, { id: string; size: number }>({
        init: () => 0,
        step: (count, event, context) => {
          context.emit(event);
          return count + 1;
        },
      });
      byId.feedback(seen.filter(({ size }) => size > 1).map(({ id, size }) => ({ id: `${id}${size}`, size: Math.floor(size / 2) })));
      seen.toFile('seen.ndjson');
    });
    const { results } = await runInMemory(parts, { events: { parts: [{ id: 'a', size: 5 }] } });
    expect(Object.values(results)).toEqual([
      [
        { id: 'a', size: 5 },
        { id: 'a5', size: 2 },
        { id: 'a52', size: 1 },
      ],
    ]);
  });

  test('lookups are answered by the test, tables have its rows', async () => {
    const priced = job('priced', (j) => {
      const products = j.table('products', file({ path: 'products.ndjson', schema: { id: 'string', price: 'int' } }), { key: 'id' });
      j.source('orders', nats({ subjects: ['orders'], schema: { id: 'string' } }))
        .enrich({ product: products.lookup({ key: 'id' }) })
        .keyBy('id')
        .lookup({ as: 'stock', http: { url: 'https://stock.example/', query: { id: (order) => order.id } }, retries: 1 })
        .toFile('priced.ndjson');
    });
    const tries: string[] = [];
    const stock = (question: object): unknown => {
      const { url } = question as { url: string };
      tries.push(url);
      if (tries.length === 1) throw new Error('busy');
      return { left: url.endsWith('a') ? 5 : 0 };
    };
    const [asking] = priced.build().spec.stages.filter((stage) => stage.lookup !== undefined);
    const { results, deadLetters } = await runInMemory(priced, {
      events: { orders: [{ id: 'a' }, pause('1h'), { id: 'b' }] },
      tables: { products: [{ id: 'a', price: 3 }] },
      lookups: { [asking!.name]: stock },
    });
    expect(Object.values(results)).toEqual([
      [
        { id: 'a', product: { id: 'a', price: 3 }, stock: { left: 5 } },
        { id: 'b', product: null, stock: { left: 0 } },
      ],
    ]);
    expect(tries).toEqual(['a', 'a', 'b'].map((id) => `https://stock.example/?id=${id}`));
    expect(deadLetters).toEqual([]);
  });

  test('fails as the job does', async () => {
    const picky = job('picky', (j) => {
      j.source('numbers', nats({ subjects: ['numbers'], schema: { n: 'int' } }))
        .map(({ n }) => {
          if (n === 2) throw new Error('never two');
          return { n };
        })
        .onError({ then: 'stopJob' })
        .toFile('out.ndjson');
    });
    await expect(runInMemory(picky, { events: { numbers: [{ n: 1 }, { n: 2 }] } })).rejects.toThrow(/never two/);
  });

  test('names that the job has not, and what it lacks, are told at once', async () => {
    const run = runInMemory(hello, { events: { view: [] }, tables: { countries: [] } });
    await expect(run).rejects.toMatchObject({
      issues: [
        { path: 'events.view', message: 'the job has nothing of that name', fix: 'one of views' },
        { path: 'tables.countries', message: 'the job has nothing of that name', fix: 'remove it' },
      ],
    });
  });

  test('what is no list, and what is no time, is refused: it would be run without end', async () => {
    for (const startMs of [Number.NaN, 1e18, 0.5, -1]) {
      const run = runInMemory(hello, { events: { views: { page: 'home' } as never }, startMs });
      await expect(run).rejects.toMatchObject({
        issues: [
          { path: 'events.views', message: 'must be a list' },
          { path: 'startMs', message: `must be whole ms since 1970, not ${startMs}` },
        ],
      });
    }
  });

  test('a pause that is no duration says so', () => expect(() => pause('1 hour')).toThrow(/pause takes a duration .* not "1 hour"/));
});
