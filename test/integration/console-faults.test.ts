// The console's page and whatever may answer it: another version, a proxy that has its own pages, figures that make no sense. It says
// so, what it can show it shows, and it comes back by itself.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundlePage } from '../../console/bundle-page.ts';
import { pageFiles, type PageFiles } from '../../console/page-files.ts';
import { findBrowser, keepPicture, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { textOf, view } from '../support/console-page.ts';

const program = await findBrowser();
let browser: OpenBrowser;
let files: PageFiles;
beforeAll(async () => {
  files = pageFiles(await bundlePage());
  if (program !== null) browser = await openBrowser(program);
});
afterAll(() => browser?.close());

const DECLARED = {
  id: 'd',
  ref: { namespace: '-', name: 'j' },
  description: null,
  text: 'kind: StreamJob',
  language: 'yaml',
  jaegerUrl: null,
  planText: 'a plan',
  stages: [{ id: 'rows', kind: 'source', partitionCount: 1, nodes: [], about: null, isDeadLetters: false }],
  edges: [],
  charts: [],
};
const STAGE = {
  id: 'rows',
  eventsIn: 7,
  eventsOut: 7,
  eventsInPerS: 0,
  lagEvents: 0,
  watermarkMs: null,
  isEnded: false,
  deadLetters: 0,
  late: 0,
  filtered: 0,
  isDone: false,
  load: null,
  partitions: [],
};
const LIVE = {
  atMs: 0,
  declaredId: 'd',
  phase: { name: 'Running', tone: 'good', message: null },
  progress: null,
  elapsedMs: 0,
  eventsPerS: 0,
  stages: [STAGE],
  edges: [],
  workers: [],
  machines: [],
  windows: [],
  deadLetters: 0,
  late: 0,
  recoveries: 0,
  commitP99Ms: null,
  endToEndP99Ms: null,
  timeline: [{ atMs: 1, kind: 'note', text: 'begins' }],
};
const LETTERS = { total: 0, open: 0, groups: [], note: null, readOnly: null };
const RIGHT: Answers = { '/api/jobs': [DECLARED.ref], '/api/jobs/-/j': DECLARED, live: LIVE, '/api/jobs/-/j/dead-letters': LETTERS };

/** By path; `live`: what the stream tells. A text is sent as it is. */
type Answers = Readonly<Record<string, unknown>>;
let answers: Answers;
let server: Server;

beforeEach(async () => {
  answers = RIGHT;
  server = createServer((request, response) => {
    const path = request.url ?? '/';
    const file = files.get(path === '/' ? '/index.html' : path);
    if (file !== undefined) {
      response.setHeader('content-type', file.type).end(file.text);
      return;
    }
    const isStream = path.endsWith('/stream');
    const told = answers[isStream ? 'live' : path];
    const text = typeof told === 'string' ? told : JSON.stringify(told);
    // A proxy that has lost who is behind it.
    if (text.startsWith('<')) {
      response.writeHead(502, { 'content-type': 'text/html' }).end(text);
      return;
    }
    if (!isStream) {
      response.setHeader('content-type', 'application/json').end(text);
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const tell = (): boolean => response.write(`data: ${text}\n\n`);
    tell();
    const telling = setInterval(() => (answers['live'] === told ? tell() : response.destroy()), 100);
    response.on('close', () => clearInterval(telling));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
});
afterEach(async () => {
  await browser?.page.goto('about:blank');
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

async function open(): Promise<void> {
  browser.problems.length = 0;
  await browser.page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
}

describe.skipIf(program === null)('whatever answers', () => {
  test.each([
    { fact: 'figures that are no JSON', live: '{"atMs": 1, "phase', says: 'is not understood' },
    { fact: 'figures of another form', live: { declaredId: 'd', stages: 'many' }, says: 'is not understood' },
    { fact: 'a page of a proxy', live: '<html>502 Bad Gateway</html>', says: 'What answers is no console: status 502' },
  ])('$fact: the page keeps what it had, says so, and comes back by itself', async ({ live, says }) => {
    const { page } = browser;
    await open();
    await page.waitForSelector('.dot.live');
    answers = { ...RIGHT, live };
    await page.locator('[role=alert]', { hasText: says }).waitFor();
    expect(await textOf(page, '[data-figure=stale]')).toMatch(/^as of /);
    expect(await page.locator('[data-stage=rows]').count()).toBe(1);
    answers = { ...RIGHT };
    await page.waitForSelector('.dot.live');
    expect(await page.locator('[role=alert], [data-figure=stale]').count()).toBe(0);
  });

  test('a view that cannot be shown is told of; the others go on, and it comes back', async () => {
    const { page } = browser;
    answers = { ...RIGHT, live: { ...LIVE, stages: [{ ...STAGE, eventsInPerS: null }] } };
    await open();
    await page.locator('main [role=alert]', { hasText: 'This view cannot be shown' }).waitFor();
    await keepPicture(page, 'view-broken');
    await view(page, 'timeline');
    expect(await page.locator('.timeline li').count()).toBe(1);
    answers = { ...RIGHT };
    await view(page, 'topology');
    await expect
      .poll(async () => {
        const again = page.getByRole('button', { name: 'Try again' });
        if ((await again.count()) > 0) await again.click();
        return page.locator('[data-stage=rows]').count();
      })
      .toBe(1);
  });

  test('dead letters of another form spoil their own view only', async () => {
    const { page } = browser;
    answers = { ...RIGHT, '/api/jobs/-/j/dead-letters': { total: 'many', groups: [{}] } };
    await open();
    await page.waitForSelector('.dot.live');
    await view(page, 'dead-letters');
    await page.locator('main .empty', { hasText: 'is not understood' }).waitFor();
    answers = { ...RIGHT };
    await page.locator('main .empty', { hasText: 'None: every event could be processed.' }).waitFor();
    expect(browser.problems).toEqual([]);
  });

  test('a kind of entry, a phase and a tone that the page has never heard of are shown as they are', async () => {
    const { page } = browser;
    const timeline = [{ atMs: 1e300, kind: 'eclipse', text: '\u001b[31m<b>dark</b>' }];
    answers = { ...RIGHT, live: { ...LIVE, phase: { name: 'Dreaming', tone: 'odd', message: null }, timeline } };
    await open();
    await view(page, 'timeline');
    await page.locator('.timeline .what', { hasText: 'eclipse' }).waitFor();
    expect(await textOf(page, '.timeline .text')).toBe('\u241b[31m<b>dark</b>');
    expect(await textOf(page, '[data-figure=phase]')).toBe('Dreaming');
    expect(browser.problems).toEqual([]);
  });
});
