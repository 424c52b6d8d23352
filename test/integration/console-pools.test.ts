// Pools in the console: locally, where every worker runs the stages of all of them, and as a cluster tells of them.

import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Live, LivePool } from '../../console/api.ts';
import { count } from '../../console/page/format.ts';
import { streamJobSchema } from '../../crds/stream-job/spec.ts';
import { toldPools } from '../../operator/console/told-pools.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import { browserAndServer } from '../support/browser-and-server.ts';
import { lookAtAllViews, textOf, view } from '../support/console-page.ts';
import { api, inDoorsJob } from '../support/console-run.ts';
import { type MadeUpJob, startMadeUpJob } from '../support/made-up-job.ts';

const WITH_POOLS = ['topology', 'partitions', 'timeline'];
const LOCAL = '  pools: [{ name: heavy, stages: [doors] }, { name: writers, stages: [out] }]\n';

const own = await browserAndServer();

/** Texts of one figure, by pool, as the page has them. */
async function shown(page: Page, figure: string): Promise<Readonly<Record<string, string | null>>> {
  const pairs = await page.$$eval(
    '[data-pool]',
    (cards, name) =>
      cards.map((card) => [card.getAttribute('data-pool') ?? '', card.querySelector(`[data-figure=${name}]`)?.textContent ?? null]),
    figure,
  );
  return Object.fromEntries(pairs) as Record<string, string | null>;
}

/** The same of the API's answer. */
function told<T>(pools: readonly LivePool[], of: (pool: LivePool) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(pools.map((pool) => [pool.name, of(pool)]));
}

const badges = (page: Page): Promise<Readonly<Record<string, string | null>>> =>
  page
    .$$eval('[data-stage]', (boxes) =>
      boxes.map((box) => [box.getAttribute('data-stage'), box.querySelector('.badge')?.textContent ?? null]),
    )
    .then((pairs) => Object.fromEntries(pairs) as Record<string, string | null>);

describe.skipIf(own.program === null)('pools', () => {
  test('of a local run: which stages each has, what waits for it, and that all workers run them', () =>
    inDoorsJob({ browser: own.browser, natsUrl: own.server.url, more: LOCAL }, async ({ page, local, send }) => {
      for (let n = 0; n < 20; n++) await send({ door: `d${n % 3}`, type: n % 2 === 0 ? 'open' : 'close', note: '' });
      const live = (): Promise<Live> => api<Live>(local, 'doors/live');
      await expect.poll(async () => (await live()).stages.find(({ id }) => id === 'doors')?.eventsIn).toBe(20);
      await view(page, 'topology');
      expect(await badges(page)).toEqual({ seen: 'default', doors: 'heavy', out: 'writers' });
      await page.getByRole('button', { name: 'Table' }).click();
      const columns = await page.$$eval('tbody tr', (rows) =>
        rows.map((row) => [row.children[0]?.textContent, row.children[1]?.textContent]),
      );
      expect(columns).toEqual([
        ['seen', 'default'],
        ['doors', 'heavy'],
        ['out', 'writers'],
      ]);
      await page.getByRole('button', { name: 'doors' }).click();
      expect(await textOf(page, '[data-panel] [data-figure=pool]')).toBe('2 workers');
      await page.keyboard.press('Escape');
      for (const one of ['partitions', 'timeline']) {
        await view(page, one);
        expect(await shown(page, 'size')).toEqual({ default: '2 workers', heavy: '2 workers', writers: '2 workers' });
        expect((await shown(page, 'stages'))['heavy']).toBe('doors');
        await expect.poll(async () => (await shown(page, 'waiting'))['heavy']).toBe('0');
        expect(await shown(page, 'decision')).toEqual({ default: null, heavy: null, writers: null });
      }
      expect(await page.locator('.worker .badge').count()).toBe(0); // they are of no pool
    }));

  test('of a job of one pool are not shown where nobody scales it', () =>
    inDoorsJob({ browser: own.browser, natsUrl: own.server.url }, async ({ page, local }) => {
      expect((await api<Live>(local, 'doors/live')).pools).toEqual([]);
      for (const one of WITH_POOLS) {
        await view(page, one);
        expect(await page.locator('[data-pool], .badge').count(), one).toBe(0);
      }
    }));
});

const plan = planJob(
  streamJobSchema.parse({
    apiVersion: 'millrace.dev/v1alpha1',
    kind: 'StreamJob',
    metadata: { name: 'pooled' },
    spec: {
      partitions: 4,
      sources: [
        {
          name: 'events',
          nats: { subjects: ['pooled'] },
          schema: { a: 'string', b: 'string', at: 'timestamp' },
          eventTime: { at: 'event.at' },
        },
      ],
      stages: [
        { name: 'sums', from: 'events', keyBy: 'event.a', dedupe: { ttl: '1h' } },
        { name: 'totals', from: 'sums', keyBy: 'event.b', dedupe: { ttl: '1h' } },
      ],
      sinks: [{ name: 'out', from: 'totals', nats: { subject: 'pooled.out' } }],
      pools: [
        { name: 'heavy', stages: ['sums'], replicas: 3 },
        { name: 'asleep', stages: ['totals'], replicas: 0 },
      ],
    },
  }),
  {},
  { deadLetterFile: false },
);
const SENTENCE = 'workers 1 → 4: 900 events/s come, 300 events/s a worker <img src=x onerror=alert(1)>';
const status = {
  replicas: 1,
  readyReplicas: 1,
  ready: '3/5',
  pools: [
    { name: 'heavy', replicas: 3, ready: '2/4', scaling: { replicas: 4, declared: 3, now: '12,000 events wait, 40 s of work' } },
    { name: 'asleep', replicas: 0, ready: '0/0' },
  ],
  decisions: ['2026-01-01T00:10:00Z pool asleep: workers 1 → 0: no event for 10 min', `2026-01-01T00:11:00Z pool heavy: ${SENTENCE}`],
};

describe.skipIf(own.program === null)('pools of a job on a cluster', () => {
  let job: MadeUpJob;
  beforeAll(async () => {
    job = await startMadeUpJob({ plan, workers: ['default', 'heavy', 'heavy'], told: toldPools(status) });
  });
  afterAll(() => job?.close());

  test('each says how many workers it is to have and has, what waits, what scaling sees and what it decided last', async () => {
    const { page } = own.browser;
    const live = async (): Promise<readonly LivePool[]> =>
      ((await (await fetch(`${job.server.url}api/jobs/-/pooled/live`)).json()) as Live).pools;
    await page.goto(job.server.url);
    for (const one of ['partitions', 'timeline']) {
      await view(page, one);
      expect(await shown(page, 'size')).toEqual({ default: '1 of 1 ready', heavy: '2 of 4 ready', asleep: 'no workers asked for' });
      expect(await shown(page, 'stages')).toEqual(told(await live(), ({ stages }) => stages.join(', ')));
      await expect
        .poll(
          async () =>
            JSON.stringify(await shown(page, 'waiting')) ===
            JSON.stringify(told(await live(), ({ lagEvents }) => (lagEvents === null ? '–' : count(lagEvents)))),
        )
        .toBe(true);
      expect((await shown(page, 'now'))['heavy']).toBe('12,000 events wait, 40 s of work');
      const decided = await shown(page, 'decision');
      expect(decided['heavy']).toContain(SENTENCE);
      expect(decided['asleep']).toContain('no event for 10 min');
      expect(decided['default']).toBeNull();
    }
    await view(page, 'partitions');
    expect(await page.$$eval('.worker .badge', (all) => all.map(({ textContent }) => textContent))).toEqual(['default', 'heavy', 'heavy']);
    expect(await page.locator('img').count()).toBe(0);
  });

  test('in the dark and in the light, wide and narrow: axe has nothing to say, nor has the browser', async () => {
    const { page } = own.browser;
    own.browser.problems.length = 0;
    await page.goto(job.server.url);
    const looked = { name: 'pools', key: 'key', views: WITH_POOLS, reload: () => page.reload() };
    expect(await lookAtAllViews(page, looked)).toEqual([]);
    expect(own.browser.problems).toEqual([]);
  });
});
