// The operator's console in a real browser, with a real API server, NATS and a worker: who may not look is told why, each view says
// what the API says, a transition is seen as it happens, and an operator that is gone is told of and found again.
//
// Pictures of all views lie in .artefacts/console afterwards.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { freePort } from '../../cli/local/server-process.ts';
import type { DecideRequest, Declared, Live, ShownDeadLetters, Story } from '../../console/api.ts';
import { bundlePage } from '../../console/bundle-page.ts';
import { count } from '../../console/page/format.ts';
import { endPods, startPod } from '../../runtime/pod/pod-harness.ts';
import { accessibilityProblems, findBrowser, keepPicture, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { lookAtAllViews, signIn, textOf, view } from '../support/console-page.ts';
import { until } from '../support/until.ts';
import { ControlPlane } from './support/control-plane.ts';
import { OperatorProcess } from './support/operator-process.ts';
import { WriteProxy } from './support/write-proxy.ts';

const WAIT = { timeout: 120_000, interval: 50 };
const program = await findBrowser();
let browser: OpenBrowser;
let plane: ControlPlane;
let proxy: WriteProxy;
let operator: OperatorProcess;
let folder: string;
let port: number;
const tokens = { viewer: '', editor: '', stranger: '' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-console-'));
  const { script, style } = await bundlePage();
  await writeFile(join(folder, 'page.js'), script);
  await writeFile(join(folder, 'page.css'), style);
  plane = await ControlPlane.start();
  proxy = await WriteProxy.start(plane.api);
  for (const namespace of ['seen', 'hidden']) await plane.makeNamespace(namespace);
  await makeAccounts();
  port = await freePort();
  operator = await startOperator('operator-0');
  for (const namespace of ['seen', 'hidden']) await plane.apply(namespace, DOORS);
  for (const namespace of ['seen', 'hidden'])
    await until(
      `the job of ${namespace} is deployed`,
      180_000,
      async () => (await plane.readiness(namespace)) === 'ScaledToZero 1',
      () => operator.log,
    );
  startPod({ natsUrl: plane.nats.url, job: 'seen_counted', worker: 'seen-pod' });
  await until('its worker runs it', 120_000, async () => {
    const { stages } = await api<Live>('seen/counted/live');
    return stages.length > 0 && stages.every(({ partitions }) => partitions.every(({ state }) => state === 'running'));
  });
  if (program !== null) browser = await openBrowser(program);
});
afterAll(async () => {
  await browser?.close();
  await endPods();
  await operator?.end();
  await proxy?.stop();
  await plane?.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each([
  { fact: 'without a token', token: () => null, path: '', status: 401, says: 'Say who you are' },
  { fact: 'with a token of nobody', token: () => 'nobody', path: '', status: 401, says: 'knows nobody by this token' },
  {
    fact: 'with a token without rights',
    token: () => tokens.stranger,
    path: '',
    status: 403,
    says: 'seen:stranger may not get streamjobs in any',
  },
  {
    fact: 'of a namespace where one has no rights',
    token: () => tokens.viewer,
    path: '/hidden/counted',
    status: 403,
    says: 'namespace hidden',
  },
  { fact: 'of what is not there, where one has no rights', token: () => tokens.viewer, path: '/hidden/no', status: 403, says: 'hidden' },
  { fact: 'of a job that is not there', token: () => tokens.viewer, path: '/seen/no', status: 404, says: 'there is no job no here' },
])('$fact: $status', async ({ token, path, status, says }) => {
  const answer = await ask(`/api/jobs${path}`, token());
  expect(answer.status).toBe(status);
  expect(await answer.text()).toContain(says);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('a list has what one may see, and nothing can be written', async () => {
  expect(await (await ask('/api/jobs', tokens.viewer)).json()).toEqual([{ namespace: 'seen', name: 'counted' }]);
  expect((await ask('/api/jobs', tokens.viewer, 'POST')).status).toBe(405);
});

test('dead letters are decided about by who may change the job, and by nobody where the chart does not let them', async () => {
  await plane.send('seen', { key: 'refused', n: 'no number' });
  await expect.poll(async () => (await letters()).groups).toMatchObject([{ at: 'load', count: 1, open: 1 }]);
  const { groups, readOnly } = await letters();
  expect(readOnly).toContain('seen:viewer may not update streamjobs');
  const which = { cause: groups[0]!.id };
  const dry: DecideRequest = { what: 'redrive', which, reason: '', dryRun: true, through: null };
  expect((await decide(null, dry)).status).toBe(401);
  expect((await decide(tokens.stranger, dry)).status).toBe(403);
  expect((await decide(tokens.viewer, dry)).status).toBe(403);
  expect(await (await decide(tokens.editor, dry)).json()).toMatchObject({ count: 1, refused: [] });
  await operator.end('SIGKILL');
  operator = await startOperator('operator-read-only', { MILLRACE_CONSOLE_REDRIVE: '' });
  const answer = await decide(tokens.editor, { ...dry, dryRun: false });
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain('console.allowRedrive');
  await operator.end('SIGKILL');
  operator = await startOperator('operator-again');
  await expect.poll(async () => (await letters()).groups).toMatchObject([{ count: 1, open: 1 }]); // nothing was done
}, 400_000);

describe.skipIf(program === null)('in a browser', () => {
  test('who may not look is told why, and what to do', async () => {
    const { page } = browser;
    await page.goto(url());
    await page.waitForSelector('.token');
    expect(await textOf(page, '.token')).toContain('kubectl create token');
    expect(await accessibilityProblems(page)).toEqual([]);
    await keepPicture(page, 'cluster-who-looks');
    await signIn(page, tokens.stranger);
    await page.waitForSelector('.token >> text=You may not see this');
    expect(await textOf(page, '.token')).toContain('system:serviceaccount:seen:stranger may not get streamjobs');
    expect(await textOf(page, '.token')).toContain('kubectl create rolebinding');
    expect(await accessibilityProblems(page)).toEqual([]);
    await keepPicture(page, 'cluster-may-not');
    await open();
    expect(await page.locator('header select').count()).toBe(0); // hidden/counted is not there to be chosen
    expect(await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])')).not.toContain('eyJ');
  }, 400_000);

  test('a transition is seen as it happens; each view shows the figures of the API', async () => {
    const { page } = browser;
    await open();
    await view(page, 'machines');
    const actorsIn = (state: string) => page.locator(`[data-state="${state}"] [data-figure=actors]`);
    await plane.send('seen', { key: 'first', n: 1 });
    await actorsIn('opened').filter({ hasText: /^1$/ }).waitFor();
    const sentMs = performance.now();
    await plane.send('seen', { key: 'first', n: 2 });
    await actorsIn('closed').filter({ hasText: /^1$/ }).waitFor();
    console.log(`a transition was seen ${Math.round(performance.now() - sentMs)} ms after its event was stored`);

    const key = 'key?node=doors&key=first';
    await view(page, key);
    await vi.waitFor(async () => expect(await textOf(page, '[data-figure=state]')).toBe('closed'), WAIT);
    expect(await textOf(page, '[data-figure=owner]')).toBe('seen-pod');
    expect(await api<Story>('seen/counted/story?node=doors&key=first')).toMatchObject({ kind: 'told', state: ['closed'] });

    await view(page, 'dead-letters');
    await vi.waitFor(async () => expect(await textOf(page, '[data-figure=total]')).toBe('1'), WAIT);
    const { id } = (await letters()).groups[0]!;
    // Who may only look is told the command instead.
    expect(await textOf(page, '.cause > pre')).toBe(
      `millrace dlq redrive seen/counted --cause ${id} --nats nats://127.0.0.1:4222 --credentials admin.creds`,
    );
    expect(await page.locator('.deciding').count()).toBe(0);

    const declared = await api<Declared>('seen/counted');
    // The worker tells its figures now and then: until the last of the three events is told of, they differ from look to look.
    const live = await vi.waitFor(async () => {
      const found = await api<Live>('seen/counted/live');
      expect(found.stages.map(({ eventsIn }) => eventsIn)).toEqual(expect.arrayContaining([3, 2]));
      expect(found.stages.every(({ lagEvents }) => lagEvents === 0 || lagEvents === null)).toBe(true);
      return found;
    }, WAIT);
    expect(declared.jaegerUrl).toBe('http://jaeger.test');
    await view(page, 'topology');
    await page.click('text=Table');
    const rows = () =>
      page.$$eval('section table tbody tr', (all) => all.map((row) => [row.children[0]?.textContent, row.children[2]?.textContent]));
    const shown = live.stages.filter(({ id }) => declared.stages.some((stage) => stage.id === id && !stage.isDeadLetters));
    await vi.waitFor(async () => expect(await rows()).toEqual(shown.map(({ id, eventsIn }) => [id, count(eventsIn)])), WAIT);
    await view(page, 'partitions');
    const tasks = () =>
      page.$$eval('[data-task]', (all) => all.map((row) => [row.getAttribute('data-task'), row.children[4]?.textContent]));
    const told = live.stages.flatMap(({ id, partitions }) =>
      partitions.map(({ partition, eventsIn }) => [`${id}/${partition}`, count(eventsIn)]),
    );
    await vi.waitFor(async () => expect(await tasks()).toEqual(told), WAIT);
    await view(page, 'timeline');
    await vi.waitFor(async () => {
      const { timeline } = await api<Live>('seen/counted/live'); // Events may come yet
      expect(timeline.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^Deployed/));
      expect(await page.locator('.timeline li').count()).toBe(timeline.length);
    }, WAIT);
    await view(page, 'job');
    expect(await textOf(page, '[data-figure=text]')).toBe(declared.text.trimEnd());
    expect(declared.text).toContain('kind: StreamJob');
    await page.click('text=Plan');
    expect(await textOf(page, '[data-figure=text]')).toBe(declared.planText.trimEnd());
    browser.problems.length = 0; // a refused token is told on the browser's console, too
    expect(await lookAtAllViews(page, { name: 'cluster', key, reload: () => open() })).toEqual([]);
    expect(browser.problems.filter((problem) => !problem.includes('401'))).toEqual([]);
  }, 600_000);

  test('who may change the job puts a letter in again, and drops what comes of it', async () => {
    const { page } = browser;
    await open(tokens.editor);
    await view(page, 'dead-letters');
    await page.locator('.cause > .deciding button').first().click();
    await page.locator('dialog h2', { hasText: 'Put 1 dead letter in again?' }).waitFor();
    await page.locator('dialog button.main').click();
    await page.locator('[data-figure=decided]', { hasText: '1 dead letter was put in again' }).waitFor();
    await expect.poll(async () => (await letters()).groups).toMatchObject([{ count: 2, open: 1, redriven: 1 }]); // it is no number still
    await page.locator('.cause > .deciding button', { hasText: 'Drop' }).click();
    await page.locator('dialog input').fill('junk of a test');
    await page.locator('dialog button.main').click();
    await page.locator('[data-figure=decided]', { hasText: '1 dead letter is marked as done' }).waitFor();
    await expect.poll(async () => (await letters()).groups).toMatchObject([{ count: 2, open: 0, redriven: 1, dropped: 1 }]);
  }, 400_000);

  test('what an upgrade does is told on the timeline', async () => {
    const { page } = browser;
    await open();
    await view(page, 'timeline');
    await plane.apply('seen', { ...DOORS, sinks: [{ name: 'kept', from: 'doors.shut', journal: {} }] });
    await page.locator('.timeline li.upgrade').first().waitFor({ timeout: 180_000 });
    await view(page, 'job');
    await vi.waitFor(async () => expect(await textOf(page, '[data-figure=text]')).toContain('name: kept'), WAIT);
  }, 400_000);

  test('an operator that is gone is told of, and found again without asking anew who looks', async () => {
    const { page } = browser;
    await open();
    await operator.end('SIGKILL');
    await page.waitForSelector('[role=alert]');
    expect(await textOf(page, '[role=alert]')).toContain('The server does not answer since');
    expect(await page.locator('[data-stage=doors]').count()).toBe(1); // what was seen last is still there
    expect(await textOf(page, '[data-figure=stale]')).toMatch(/^as of /);
    await keepPicture(page, 'cluster-operator-away');
    operator = await startOperator('operator-1');
    await page.waitForSelector('.dot.live', { timeout: 180_000 });
    await page.waitForSelector('[data-stage=doors]');
    expect(await page.locator('.token, [data-figure=stale]').count()).toBe(0);
  }, 400_000);

  async function open(token = tokens.viewer): Promise<void> {
    await browser.page.goto('about:blank');
    await browser.page.goto(url());
    await signIn(browser.page, token);
    await browser.page.waitForSelector('main > section');
  }
});

const DOORS = {
  sources: [{ name: 'load', nats: { subjects: ['load'], stream: 'load' }, schema: { key: 'string', n: 'int' } }],
  stages: [
    {
      name: 'doors',
      from: 'load',
      keyBy: 'event.key',
      machine: {
        eventType: "'push'",
        initial: 'new',
        states: {
          new: { on: { push: 'opened' } },
          opened: { on: { push: { target: 'closed', actions: [{ emit: { output: 'shut', value: { key: 'key' } } }] } } },
          closed: { on: { push: 'opened' } },
        },
      },
    },
  ],
  sinks: [{ name: 'out', from: 'doors.shut', journal: {} }],
};

function url(): string {
  return `http://localhost:${port}/`;
}

function ask(path: string, token: string | null, method = 'GET'): Promise<Response> {
  return fetch(`http://localhost:${port}${path}`, { method, headers: token === null ? {} : { authorization: `Bearer ${token}` } });
}

/** As who may see the namespace `seen`. */
async function api<T>(path: string): Promise<T> {
  const answer = await ask(`/api/jobs/${path}`, tokens.viewer);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) ?? { stages: [] }) as T;
}

function letters(): Promise<ShownDeadLetters> {
  return api('seen/counted/dead-letters');
}

function decide(token: string | null, request: DecideRequest): Promise<Response> {
  return fetch(`http://localhost:${port}/api/jobs/seen/counted/dead-letters`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(request),
  });
}

async function startOperator(pod: string, more: Record<string, string> = {}): Promise<OperatorProcess> {
  const environment = {
    MILLRACE_WATCH_NAMESPACES: 'seen,hidden',
    MILLRACE_CONSOLE_PORT: String(port),
    MILLRACE_CONSOLE_PAGE: folder,
    MILLRACE_JAEGER_URL: 'http://jaeger.test/',
    MILLRACE_CONSOLE_REDRIVE: 'true',
    ...more,
  };
  const started = await OperatorProcess.start({
    server: plane.api,
    apiUrl: proxy.url,
    natsUrl: plane.nats.url,
    namespace: 'seen',
    pod,
    environment,
  });
  await until(
    'its console listens',
    120_000,
    () => Promise.resolve(started.log.includes('the console listens')),
    () => started.log,
  );
  return started;
}

async function makeAccounts(): Promise<void> {
  const rulesOf = (...verbs: string[]) => [{ apiGroups: ['millrace.dev'], resources: ['streamjobs'], verbs }];
  await kubectl(
    ['create', '-f', '-'],
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        ...['viewer', 'editor', 'stranger'].map((name) => ({
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name, namespace: 'seen' },
        })),
        { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name: 'looks' }, rules: rulesOf('get') },
        {
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'ClusterRole',
          metadata: { name: 'changes' },
          rules: rulesOf('get', 'update'),
        },
      ],
    }),
  );
  await kubectl(['create', 'rolebinding', 'viewer', '--clusterrole=looks', '--serviceaccount=seen:viewer', '--namespace', 'seen']);
  await kubectl(['create', 'rolebinding', 'editor', '--clusterrole=changes', '--serviceaccount=seen:editor', '--namespace', 'seen']);
  for (const account of ['viewer', 'editor', 'stranger'] as const)
    tokens[account] = (await kubectl(['create', 'token', account, '--namespace', 'seen'])).trim();
}

async function kubectl(args: readonly string[], input?: string): Promise<string> {
  const ended = await plane.api.kubectl(args, input);
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}
