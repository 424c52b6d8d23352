// The operator's console on the cluster, in a real browser, for the flights job while it runs: each view says what the API says, a
// transition is seen as it happens, and nobody is kept out by how they look.
//
// Pictures of all views lie in .artefacts/console afterwards.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Declared, Live, ShownDeadLetters, Story } from '../../console/api.ts';
import { feed } from '../../examples/flights/cluster/feed.ts';
import { artefactFolder, findBrowser, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { lookAtAllViews, signIn, textOf, view } from '../support/console-page.ts';
import { checkFlightFigures } from '../support/flights-figures.ts';
import { JANUARY } from '../support/flights-run.ts';
import { makeNamespace, removeNamespace, story, untilReady } from './support/jobs.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { PortForward } from './support/port-forward.ts';
import { kubectl, release, systemNamespace, until } from './support/programs.ts';
import { typed } from './support/readme.ts';

const space = 'e2e-console';
const EXAMPLE = resolve(import.meta.dirname, '../../examples/flights/cluster/stream-job.yaml');
const STREAMS = ['flights-in', ...['hourly', 'sliding', 'knock-on', 'lost', 'sessions'].map((name) => `flights_${name}`)];

const program = await findBrowser();
let browser: OpenBrowser;
let folder: string;
let nats: ClusterNats;
let console_: PortForward;
let token: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-console-'));
  await makeNamespace(space);
  const credentials = await adminOf(space);
  await writeFile(join(folder, 'admin.creds'), credentials);
  nats = await connectClusterNats(credentials);
  for (const stream of STREAMS) await nats.jsm.streams.delete(stream).catch(() => false);
  const forward = await PortForward.start({ namespace: systemNamespace, service: `${release}-nats`, port: 4222 });
  const fed = (): Promise<number> =>
    feed({ file: JANUARY, natsUrl: `nats://127.0.0.1:${forward.port}`, credentials: join(folder, 'admin.creds') }).then(
      ({ messages }) => messages,
      () => 0, // the port does not answer yet
    );
  await until('all flights are on the subject', 150_000, async () => ((await fed()) === 55 ? true : null));
  forward.stop();
  await deployFlights();
  await kubectl(['create', 'serviceaccount', 'viewer', '-n', space]);
  await kubectl(['create', 'rolebinding', 'viewer', '-n', space, '--clusterrole=view', `--serviceaccount=${space}:viewer`]);
  token = (await kubectl(['create', 'token', 'viewer', '-n', space])).trim();
  console_ = await PortForward.start({ namespace: systemNamespace, service: `${release}-console`, port: 80 });
  await until(
    'all flights are read',
    150_000,
    async () => {
      const live = await api<Live | null>('flights/live').catch(() => null);
      const isRead = live?.stages.some(({ id, eventsIn }) => id === 'flights' && eventsIn === 27_004) === true;
      return isRead && live.stages.every(({ lagEvents }) => (lagEvents ?? 0) === 0) ? true : null;
    },
    () => story(space, 'flights'),
  );
  if (program !== null) browser = await openBrowser(program);
}, 900_000);

afterAll(async () => {
  if (program !== null) console.log(`pictures of the console: ${artefactFolder()}`);
  await browser?.close();
  console_?.stop();
  await removeNamespace(space);
  for (const stream of STREAMS) await nats?.jsm.streams.delete(stream).catch(() => false);
  await nats?.close();
  await rm(folder, { recursive: true, force: true });
});

/** It goes on when all is read, and waits for four days of event time only. */
async function deployFlights(): Promise<void> {
  const example = await readFile(EXAMPLE, 'utf8');
  const endless = example.replace(', bounded: true', '').replaceAll('default: ../data/', `default: ${resolve(EXAMPLE, '../../data')}/`);
  expect(endless).not.toContain('bounded');
  await writeFile(join(folder, 'stream-job.yaml'), endless.replace('default: 366d', 'default: 4d'));
  await typed(`npm run millrace -- build ${folder}/stream-job.yaml -o ${folder}/out -n ${space}`);
  await typed(`kubectl apply --server-side -k ${folder}/out`);
  await untilReady(space, 'flights', 240_000);
}

async function api<T>(path: string): Promise<T> {
  const answer = await fetch(`http://localhost:${console_.port}/api/jobs/${space}/${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function open(): Promise<void> {
  const { page } = browser;
  await page.goto('about:blank');
  await page.goto(`http://localhost:${console_.port}/`);
  await signIn(page, token);
  await page.waitForSelector('main > section');
}

/** A flight of an aircraft, so many days after the last one of January. */
function flight(tailnum: string, afterDays: number): string {
  const row = { origin: 'JFK', dest: 'BOS', carrier: 'XX', flight: 1, tailnum, dep_time: 1, dep_delay: 0, arr_delay: 0, air_time: 60 };
  return JSON.stringify({ ...row, distance: 200, minute: 0, time_hour: new Date(Date.UTC(2013, 1, 1 + afterDays)).toISOString() });
}

describe.skipIf(program === null)('the flights job', () => {
  test('each view shows the figures of the API', async () => {
    await open();
    await checkFlightFigures(browser.page, await api<Declared>('flights'), () => api<Live>('flights/live'));
    const { readOnly } = await api<ShownDeadLetters>('flights/dead-letters');
    expect(readOnly).toContain('only reads'); // as the chart has it
  });

  test('a transition is seen as it happens, and the key that made it', async () => {
    const { page } = browser;
    await open();
    await view(page, 'machines');
    const actors = page.locator('.bar [data-figure=actors]');
    const actorsNow = async (): Promise<number> => (await api<Live>('flights/live')).machines[0]?.actorsTotal ?? 0;
    // Event time moves on behind all that was read, so that one flight more is one actor more.
    const before = await actorsNow();
    await nats.js.publish('flights.in', `${flight('FIRST', 20)}\n${flight('LATER', 40)}`);
    await expect.poll(actorsNow).toBeGreaterThan(before);
    await expect.poll(async () => (await actors.textContent()) === (await actorsNow()).toLocaleString('en-US')).toBe(true);
    const shown = (await actors.textContent()) ?? '';
    await nats.js.publish('flights.in', flight('SECOND', 42));
    const sentMs = performance.now();
    await nats.js.publish('flights.in', flight('LATER', 60));
    await actors.filter({ hasNotText: shown }).waitFor();
    console.log(`a transition was seen ${Math.round(performance.now() - sentMs)} ms after the event that let it happen was sent`);

    await view(page, 'key?node=aircraft&key=SECOND');
    await expect.poll(() => textOf(page, '[data-figure=state]')).toBe('flying');
    expect(await textOf(page, '[data-figure=state-text]')).toContain('"flight": "XX1"');
    expect(await api<Story>('flights/story?node=aircraft&key=SECOND')).toMatchObject({ kind: 'told', state: ['flying'] });
  });

  test('all views in the dark and in the light, wide and narrow: axe has nothing to say, nor has the browser', async () => {
    await open();
    browser.problems.length = 0;
    const key = 'key?node=aircraft&key=SECOND';
    expect(await lookAtAllViews(browser.page, { name: 'e2e', key, reload: open })).toEqual([]);
    // A page that nobody has told a token yet is refused, which the browser's console tells.
    expect(browser.problems.filter((problem) => !problem.includes('401'))).toEqual([]);
  });
});
