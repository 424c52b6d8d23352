// The console in a real browser: what each view says is what the API says, a transition is seen as it happens, what events hold
// stays text, a server that goes away is told of and found again, and nobody is kept out by how they look or point.
//
// Pictures of all views lie in .artefacts/console afterwards.

import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { LocalConsole } from '../../cli/run/local-console.ts';
import type { RunRequest } from '../../cli/run/run-job.ts';
import { startConsoleServer } from '../../console/console-server.ts';
import { bundlePage } from '../../console/bundle-page.ts';
import { pageFiles } from '../../console/page-files.ts';
import type { Declared, Live, ShownDeadLetters, Story } from '../../console/api.ts';
import { accessibilityProblems, artefactFolder, findBrowser, keepPicture, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { lookAtAllViews, tabbedThrough, textOf, view, VIEWS } from '../support/console-page.ts';
import { checkFlowingTopology, keepAnswers } from '../support/drawn-answer.ts';
import { api, type InJob, inDoorsJob, showConsole, type ShownConsole } from '../support/console-run.ts';
import { checkFlightFigures } from '../support/flights-figures.ts';
import { FLIGHTS_JOB, withFolder } from '../support/flights-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

const WAIT = { timeout: 60_000, interval: 50 };

const program = await findBrowser();
let browser: OpenBrowser;
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  if (program !== null) browser = await openBrowser(program);
});
afterAll(async () => {
  if (program !== null) console.log(`pictures of the console: ${artefactFolder()}`);
  await browser?.close();
  await server.stop();
});

const withConsole = (
  file: string,
  folder: string,
  options: Partial<RunRequest>,
  use: (shown: ShownConsole) => Promise<void>,
): Promise<void> => showConsole({ browser, natsUrl: server.url, file, folder, options }, use);

describe.skipIf(program === null)('the flights job', () => {
  const FLIGHTS = { natsUrl: null, parameters: { 'out-of-order': '4d' } };

  test(
    'all views while it runs, in the dark and in the light, wide and narrow: axe has nothing to say, nor has the browser',
    () =>
      withFolder((folder) =>
        // An hour of its flights takes 0.3 s: it goes on for minutes, and is interrupted when all was seen.
        withConsole(FLIGHTS_JOB, folder, { ...FLIGHTS, speed: 12_000 }, async ({ page, local }) => {
          await vi.waitFor(async () => expect((await api<Live>(local, 'flights/live')).machines[0]?.actorsTotal).toBeGreaterThan(0), WAIT);
          const key = 'key?node=aircraft&key=N14228';
          expect(await lookAtAllViews(page, { name: 'flights', key, reload: () => page.reload() })).toEqual([]);
          expect(browser.problems).toEqual([]);
        }),
      ),
    170_000,
  );

  test(
    'while it runs, the topology shows rates, what waits, watermarks and how time goes as the answer says that it drew',
    () =>
      withFolder(async (folder) => {
        const own = await openBrowser(program ?? '');
        try {
          await keepAnswers(own.page);
          const run = { browser: own, natsUrl: server.url, file: FLIGHTS_JOB, folder, options: { ...FLIGHTS, speed: 4_000 } };
          await showConsole(run, async ({ page }) => {
            await checkFlowingTopology(page, 'aircraft', ({ stages }) => {
              const aircraft = stages.find(({ id }) => id === 'aircraft');
              return aircraft !== undefined && aircraft.eventsInPerS > 0 && aircraft.watermarkMs !== null && aircraft.load !== null;
            });
            expect(own.problems).toEqual([]);
          });
        } finally {
          await own.close();
        }
      }),
    400_000,
  );

  test(
    'when it is complete, each view shows the figures of the API',
    () =>
      withFolder((folder) =>
        withConsole(FLIGHTS_JOB, folder, FLIGHTS, async ({ page, local, outcome }) => {
          expect((await outcome).ending).toBe('completed');
          await vi.waitFor(async () => expect(await textOf(page, '[data-figure=phase]')).toBe('Completed'), WAIT);
          await checkFlightFigures(page, await api<Declared>(local, 'flights'), () => api<Live>(local, 'flights/live'));
          expect((await api<ShownDeadLetters>(local, 'flights/dead-letters')).readOnly).toContain('has ended');
          expect(browser.problems).toEqual([]);
        }),
      ),
    170_000,
  );
});

test('a port that is taken is told before anything starts; other names, and writes, are refused', async () => {
  const local = await LocalConsole.start({ port: 0, file: FLIGHTS_JOB, isolation: 'thread' });
  try {
    const port = Number(new URL(local.url).port);
    await expect(LocalConsole.start({ port, file: FLIGHTS_JOB, isolation: 'thread' })).rejects.toThrow(
      /MR1011 ConsolePortTaken: .* at port \d+/,
    );
    expect((await fetch(local.url, { method: 'POST' })).status).toBe(405);
    expect(await statusFor(port, 'elsewhere.example')).toBe(421);
    expect(await statusFor(port, 'localhost')).toBe(200);
    expect((await fetch(`${local.url}api/jobs/-/nothing`)).status).toBe(404);
  } finally {
    await local.close();
  }
});

/** Of a request by that name: a browser sends the one that its user was led to. */
function statusFor(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/', headers: { host } }, (response) => (response.resume(), resolve(response.statusCode))).on(
      'error',
      reject,
    );
  });
}

describe.skipIf(program === null)('a job that waits for events', () => {
  const HOSTILE =
    '<img src=x onerror="alert(1)"><script>alert(2)</script> \u001b[31mred\u001b[0m \u202Egnp.exe\r\n2026-01-01 INFO all is well';
  test(
    'shows a transition as it happens, the key that made it, and keeps what it holds as text',
    () =>
      inJob(async ({ page, local, send }) => {
        await view(page, 'machines');
        await send({ door: 'first', type: 'open', note: '' });
        await page.waitForSelector('[data-state="opened.ajar"]');
        await vi.waitFor(async () => expect(await textOf(page, '[data-state="opened.ajar"] [data-figure=actors]')).toBe('1'), WAIT);
        const sentMs = performance.now();
        await send({ door: 'first', type: 'push', note: '' });
        await page.locator('[data-state="opened.wide"] [data-figure=actors]', { hasText: /^1$/ }).waitFor({ timeout: 60_000 });
        console.log(`a transition was seen ${Math.round(performance.now() - sentMs)} ms after its event was sent`);

        await send({ door: HOSTILE, type: 'open', note: HOSTILE });
        await send({ door: HOSTILE, type: HOSTILE, note: HOSTILE });
        await page.click('nav >> text=One key');
        await page.fill('[aria-label=Key]', 'first');
        await page.click('text=Look');
        await vi.waitFor(async () => expect(await textOf(page, '[data-figure=state]')).toBe('opened › opened.wide'), WAIT);
        expect(await page.getAttribute('[data-state="opened.wide"]', 'class')).toContain('lit');
        expect(await page.getAttribute('[data-state="closed"]', 'class')).not.toContain('lit');
        expect(await textOf(page, '[data-figure=state-text]')).toContain('"times": 1');
        const story = await api<Story>(local, 'doors/story?node=doors&key=first');
        expect(story).toMatchObject({ kind: 'told', state: ['opened', 'opened.wide'] });
        await send({ door: 'first', type: 'close', note: '' });
        await vi.waitFor(async () => expect(await textOf(page, '[data-figure=state]')).toBe('closed'), WAIT);
        expect(await textOf(page, '.story')).toContain('"type":"close"'); // among what came since somebody looks

        const key = encodeURIComponent(HOSTILE);
        await view(page, `key?node=doors&key=${key}`);
        await vi.waitFor(async () => expect(await textOf(page, '[data-figure=state-text]')).toContain('<img src=x onerror='), WAIT);
        expect(await textOf(page, '[data-figure=state-text]')).toContain('\u27e8U+202E\u27e9gnp.exe');
        await keepPicture(page, 'hostile-key');
        await view(page, 'dead-letters');
        await vi.waitFor(async () => expect(await textOf(page, '.cause')).toContain('<script>alert(2)</script>'), WAIT);
        await keepPicture(page, 'hostile-dead-letters');
        for (const unseen of ['\u001b', '\u202e', '\r']) expect(await textOf(page, 'main')).not.toContain(unseen);
        expect(await page.locator('main img, main script').count()).toBe(0);
        expect(browser.problems).toEqual([]);
      }),
    120_000,
  );

  test('one key\u2019s story links to the traces of its last events, where traces are looked at', async () => {
    const collector = await OtlpReceiver.start();
    const options = { tracing: { endpoint: collector.url, sampling: 1, environment: {} } };
    try {
      await inDoorsJob({ browser, natsUrl: server.url, jaegerUrl: 'http://jaeger.test', options }, async ({ page, send }) => {
        await view(page, 'key?node=doors&key=traced');
        await page.waitForSelector('[data-figure=owner]'); // events are noted from the first look on
        await send({ door: 'traced', type: 'open', note: '' });
        const link = page.locator('.story a[href^="http://jaeger.test/trace/"]').first();
        await link.waitFor();
        const traceId = (await link.getAttribute('href'))?.split('/').at(-1);
        expect(traceId).toMatch(/^[0-9a-f]{32}$/);
        await expect.poll(() => collector.spans.filter((span) => span.traceId === traceId).length).toBeGreaterThan(0);
        expect(await accessibilityProblems(page)).toEqual([]);
        await keepPicture(page, 'key-traces');
      });
    } finally {
      await collector.stop();
    }
  });

  test(
    'says that the server is away, and finds it again',
    () =>
      inJob(async ({ page, local }) => {
        const port = Number(new URL(local.url).port);
        await page.waitForSelector('.dot.live');
        await local.close();
        await page.waitForSelector('[role=alert]');
        expect(await textOf(page, '[role=alert]')).toContain('The server does not answer');
        expect(await page.locator('[data-stage=doors]').count()).toBe(1); // what was seen last is still there
        expect(await textOf(page, '[data-figure=stale]')).toMatch(/^as of \d\d:\d\d:\d\d$/);
        expect(await page.locator('.page.stale').count()).toBe(1);
        await keepPicture(page, 'server-away');
        const again = await startConsoleServer({
          source: local,
          page: pageFiles(await bundlePage()),
          host: '127.0.0.1',
          port,
          hostNames: ['localhost'],
          tickMs: 250,
        });
        try {
          await page.waitForSelector('.dot.live', { timeout: 60_000 });
          expect(await page.locator('[role=alert], [data-figure=stale], .page.stale').count()).toBe(0);
        } finally {
          await again.close();
        }
      }),
    120_000,
  );

  test(
    'can be used by keys alone',
    () =>
      inJob(async ({ page, local, send }) => {
        await page.keyboard.press('6');
        await page.waitForSelector('[aria-label="Partitions"]');
        await page.keyboard.press('1');
        await page.waitForSelector('[data-stage=doors]');
        await page.keyboard.press('?');
        await page.waitForSelector('dialog[open]');
        expect(await accessibilityProblems(page)).toEqual([]);
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
        await page.keyboard.press('t');
        expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
        await page.locator('.react-flow__node').first().focus();
        await page.keyboard.press('Enter');
        await page.waitForSelector('[data-panel]');
        expect(await accessibilityProblems(page)).toEqual([]);
        await keepPicture(page, 'stage-panel');
        expect(await page.evaluate('document.activeElement.hasAttribute("data-panel")')).toBe(true);
        await page.keyboard.press('Escape');
        await page.waitForSelector('[data-panel]', { state: 'detached' });
        expect(await page.evaluate('document.activeElement.classList.contains("react-flow__node")')).toBe(true); // where it was
        await send({ door: 'a', type: 'shout', note: '' }); // a dead letter, with all that can be done about it
        await expect.poll(async () => (await api<ShownDeadLetters>(local, 'doors/dead-letters')).total).toBe(1);
        for (const name of VIEWS) {
          await view(page, name === 'key' ? 'key?node=doors&key=a' : name);
          if (name === 'dead-letters') await page.waitForSelector('.deciding');
          expect(await tabbedThrough(page), name).toEqual({ isMissed: [], isUnseen: [] });
        }
        await page.evaluate('localStorage.clear()');
      }),
    120_000,
  );

  const inJob = (use: (given: InJob) => Promise<void>): Promise<void> => inDoorsJob({ browser, natsUrl: server.url }, use);
});
