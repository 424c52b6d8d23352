// Why partitions do not read, in a real browser: each reason by its own name, readable on narrow pages too, and told in the timeline where
// somebody has to mend it.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MillraceError } from '../../runtime/base/errors.ts';
import { planOfSpec } from '../../runtime/testing/plan-of.ts';
import { findBrowser, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { lookAtAllViews, textOf, view } from '../support/console-page.ts';
import { type MadeUpJob, startMadeUpJob } from '../support/made-up-job.ts';

const program = await findBrowser();
const missing = new MillraceError('MR2111', {
  stream: 'ORDERS',
  consumer: 'MR_shop_orders_0a1b2c3d4e5f60718293a4b5',
  problem: 'consumer not found (10014)',
});

const plan = planOfSpec(
  {
    partitions: 2,
    sources: [
      { name: 'orders', nats: { subjects: ['a', 'b', 'c', 'd'] }, eventTime: { at: 'event.at' }, alignment: { maxDrift: '1m' } },
      { name: 'rates', nats: { subjects: ['rates'] }, eventTime: { at: 'event.at' } },
    ],
    tables: [{ name: 'now', from: 'rates', key: 'row.id' }],
    stages: [
      {
        name: 'priced',
        from: 'orders',
        keyBy: 'event.id',
        tables: ['now'],
        machine: { initial: 'one', unhandled: 'ignore', states: { one: {} } },
      },
    ],
    sinks: [{ name: 'out', from: 'orders', nats: { subject: 'out' } }],
  },
  { orders: 4 },
);

describe.skipIf(program === null)('why partitions do not read', () => {
  let browser: OpenBrowser;
  let job: MadeUpJob;
  beforeAll(async () => {
    const more = {
      'orders/0': { held: true as const, heldMs: 12_000 },
      'orders/1': { idle: true as const, heldMs: 0 },
      'orders/2': { stalled: missing.message, heldMs: 0 },
      'priced/0': { backPressure: true as const, backPressureMs: 3_000 },
      'priced/1': { backPressureMs: 700 },
    };
    job = await startMadeUpJob({ plan, workers: [undefined, undefined], more });
    browser = await openBrowser(program!);
  });
  afterAll(async () => {
    await browser?.close();
    await job?.close();
  });

  test('is said by a name for each reason, and in the timeline where somebody has to mend it', async () => {
    const { page } = browser;
    await page.goto(job.server.url);
    await view(page, 'partitions');
    const states = await page.$$eval('[data-task]', (rows) =>
      rows.map((row) => [row.getAttribute('data-task'), row.children[2]?.textContent]),
    );
    expect(Object.fromEntries(states)).toMatchObject({
      'orders/0': 'running, held by alignment (12 s so far)',
      'orders/1': 'running, idle',
      'orders/2': `running, stalled: ${missing.message}`,
      'orders/3': 'running',
      'priced/0': 'running, back-pressure (3 s so far)',
      'priced/1': 'running (back-pressure for 700 ms)',
    });
    await view(page, 'timeline');
    expect(await textOf(page, '.timeline')).toContain(`orders/2 reads nothing: ${missing.message}`);
  });

  test('in the dark and in the light, wide and narrow: axe has nothing to say, nor has the browser', async () => {
    const { page } = browser;
    browser.problems.length = 0;
    await page.goto(job.server.url);
    const looked = { name: 'reasons', key: 'key', views: ['partitions', 'timeline'], reload: () => page.reload() };
    expect(await lookAtAllViews(page, looked)).toEqual([]);
    expect(browser.problems).toEqual([]);
  });
});
