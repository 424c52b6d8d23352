// A job of the cluster in the console while it runs and much happens to it: an upgrade, scaling by hand and by its load, workers that go
// and come, a spec that is refused, a revision that is rolled back. The timeline tells what the API tells, in its order and words; the
// figures of the topology are those of the answer that the page drew.
//
// Pictures of the timeline lie in .artefacts/console afterwards.
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Live, TimelineEntry } from '../../console/api.ts';
import { endPods, startPod } from '../../runtime/pod/pod-harness.ts';
import { findBrowser, openBrowser, type OpenBrowser } from '../support/browser.ts';
import { lookAtAllViews, signIn, view } from '../support/console-page.ts';
import { checkFlowingTopology, checkTimeline, keepAnswers } from '../support/drawn-answer.ts';
import { heavyExpression } from '../support/heavy-expression.ts';
import { until } from '../support/until.ts';
import { JOB, jobPath } from './support/control-plane.ts';
import { type ConsolePlace, consolePlace, tokenOf } from './support/console-place.ts';
import { operatedNamespace } from './support/operated-namespace.ts';

const namespace = 'told';
const waitMs = 180_000;
const program = await findBrowser();
let place: ConsolePlace;
let browser: OpenBrowser;
let token: string;

beforeAll(async () => {
  place = await consolePlace();
});
const bed = operatedNamespace(namespace, () => place.environment);
beforeAll(async () => {
  token = await tokenOf(bed.plane.api, { namespace, verbs: 'get' });
  if (program === null) return;
  browser = await openBrowser(program);
  await keepAnswers(browser.page);
});
afterAll(async () => {
  await browser?.close();
  await place?.remove();
});

const FLOWS = {
  sources: [
    {
      name: 'load',
      nats: { subjects: ['load'], stream: 'load' },
      schema: { key: 'string', at: 'timestamp' },
      eventTime: { at: 'event.at' },
    },
  ],
  stages: [
    { name: 'sums', from: 'load', keyBy: 'event.key', aggregate: { n: { count: {} } } },
    { name: 'paced', from: 'sums', rateLimit: { perSecond: 2, burst: 1 } },
  ],
  sinks: [{ name: 'out', from: 'paced', journal: {} }],
  replicas: 1,
};

/** The API server takes it: only a plan tells that it cannot be. */
const UNPLANNED = FLOWS.stages.map((stage) => ('keyBy' in stage ? { ...stage, keyBy: 'event.nothing' } : stage));

/** One worker is far too few for what `feed` gives it, on any machine. */
const FOLLOWED = {
  sources: FLOWS.sources,
  stages: [
    { name: 'sums', from: 'load', keyBy: 'event.key', aggregate: { n: { count: {} } } },
    { name: 'heavy', from: 'sums', map: { n: 'event.n', mark: heavyExpression(44) } },
  ],
  sinks: [{ name: 'out', from: 'heavy', journal: {} }],
  partitions: 4,
  replicas: 1,
  scaling: { mode: 'Apply', max: 3, targetLag: '2s' },
};

describe.skipIf(program === null)('a job of the cluster to which much happens', () => {
  test('while it runs, the topology shows rates, what waits, watermarks and how time goes as the answer says that it drew', async () => {
    await bed.plane.apply(namespace, FLOWS);
    worker('w1');
    await isRunning(1);
    await open();
    const stop = feed();
    const flows = ({ stages }: Live): boolean => {
      const sums = stages.find(({ id }) => id === 'sums');
      return sums !== undefined && (sums.lagEvents ?? 0) > 0 && sums.eventsInPerS > 0 && sums.watermarkMs !== null && sums.load !== null;
    };
    try {
      await checkFlowingTopology(browser.page, 'sums', flows);
      await checkFlowingTopology(browser.page, 'load', flows);
    } finally {
      await stop();
    }
  }, 400_000);

  test('the timeline shows the entries of the API, in order, in their words', async () => {
    await view(browser.page, 'timeline');
    await browser.page.waitForSelector('.timeline');
    await sees('start', /^Deployed: revision 1 is deployed/);

    await bed.plane.apply(namespace, { ...FLOWS, replicas: 2 });
    await sees('scaling', /^workers 1 → 2$/);

    await bed.plane.apply(namespace, { ...FLOWS, replicas: 2, stages: UNPLANNED });
    await sees('failure', /^InvalidSpec: .*event has no field nothing.*; revision 1 goes on as it was/);

    await endPods();
    worker('w2');
    await sees('moved', /^w2 took over .* from w1/);

    const more = [...FLOWS.sinks, { name: 'more', from: 'paced', journal: {} }];
    await bed.plane.apply(namespace, { ...FLOWS, replicas: 2, sinks: more });
    await sees('upgrade', /^Upgrading: revision 2: sums begin anew with their state/);
    await isRunning(2);
    await sees('upgrade', /^Upgraded: /);

    await endPods(); // nobody runs the next one
    const most = [...more, { name: 'most', from: 'paced', journal: {} }];
    await bed.plane.apply(namespace, { ...FLOWS, replicas: 2, sinks: most, upgrade: { progressDeadline: '5s' } });
    await sees('failure', /^RolledBack: revision 3 did not progress .*; revision 2 is run again, as 4/);
    worker('w3');

    const timeline = await told();
    const place = (text: RegExp): number => timeline.findIndex((entry) => text.test(entry.text));
    const inTurn = [/^RolledBack/, /^Upgraded/, /^Upgrading: revision 2/, /^w2 took over/, /^InvalidSpec/, /^workers 1 → 2/, /^Deployed/];
    expect(inTurn.map(place)).toEqual(inTurn.map(place).toSorted((a, b) => a - b));
    expect(inTurn.map(place)).not.toContain(-1); // also what was seen under an earlier revision
  }, 600_000);

  test('of one kind it shows those of the kind', async () => {
    const { page } = browser;
    for (const kind of ['scaling', 'failure', 'upgrade']) {
      await page.getByLabel('Kind').selectOption(kind);
      const wanted = async (): Promise<readonly string[]> =>
        (await api()).timeline.filter((one) => one.kind === kind).map(({ text }) => text);
      await expect
        .poll(async () => JSON.stringify(await page.locator('.timeline li .text').allTextContents()) === JSON.stringify(await wanted()))
        .toBe(true);
    }
    await page.getByLabel('Kind').selectOption('all');
  });

  test('in the dark and in the light, wide and narrow: axe has nothing to say, nor has the browser', async () => {
    browser.problems.length = 0;
    const looked = { name: 'happened', key: 'key', views: ['topology', 'timeline'], reload: open };
    expect(await lookAtAllViews(browser.page, looked)).toEqual([]);
    expect(browser.problems.filter((problem) => !problem.includes('401'))).toEqual([]); // a page that has no token yet
  });

  test('what scaling decides by the load stands there as the status has it, with its arithmetic', async () => {
    await endPods();
    const path = jobPath(namespace, 'followed');
    const object = { apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name: 'followed', namespace }, spec: FOLLOWED };
    await bed.plane.create(dirname(path), object);
    worker('f1', 'followed');
    await isRunning(1, 'followed');
    await open();
    await browser.page.getByLabel('Job').selectOption(`${namespace}/followed`);
    await view(browser.page, 'timeline');
    const stop = feed(20);
    try {
      await sees(
        'scaling',
        /^workers 1 → [23]: \S+ events\/s come.*, a worker does \S+\/s, planned at 75 %; \S+ wait \(.*\), to clear in 1m$/,
      );
    } finally {
      await stop();
    }
    let both: unknown;
    const areTheSame = async (): Promise<boolean> => {
      const scaling = (await told()).filter(({ kind }) => kind === 'scaling').toReversed();
      const shown = scaling.map(({ atMs, text }) => `${new Date(atMs).toISOString()} ${text}`);
      const decisions = (await bed.plane.get(path))?.status?.decisions;
      both = { shown, decisions };
      return isDeepStrictEqual(shown, decisions);
    };
    await until('the timeline has the decisions of the status', waitMs, areTheSame, () => JSON.stringify(both, null, 1));
  }, 600_000);
});

/** Until the page shows such an entry; whatever it shows until then is what the answer says. */
async function sees(kind: string, text: RegExp): Promise<void> {
  let last: readonly TimelineEntry[] = [];
  const isThere = async (): Promise<boolean> => {
    last = await told();
    return last.some((entry) => entry.kind === kind && text.test(entry.text));
  };
  await until(`the timeline tells ${String(text)}`, waitMs, isThere, () => `${JSON.stringify(last, null, 1)}\n${bed.operator.log}`);
}

async function told(): Promise<readonly TimelineEntry[]> {
  return (await checkTimeline(browser.page)).timeline;
}

async function api(): Promise<Live> {
  const path = `${place.url}api/jobs/${namespace}/${JOB}/live`;
  return (await (await fetch(path, { headers: { authorization: `Bearer ${token}` } })).json()) as Live;
}

function worker(name: string, job = JOB): void {
  startPod({ natsUrl: bed.plane.nats.url, job: `${namespace}_${job}`, worker: name });
}

async function isRunning(revision: number, job = JOB): Promise<void> {
  const isSo = async (): Promise<boolean> => {
    const status = (await bed.plane.get(jobPath(namespace, job)))?.status;
    return status?.phase === 'Running' && status.revision?.number === revision;
  };
  await until(`revision ${revision} runs`, waitMs, isSo, () => bed.operator.log);
}

/** More than the job takes, so that events wait: so many at once. Resolves when the last one is stored. */
function feed(atOnce = 1): () => Promise<void> {
  let isOver = false;
  const fed = (async () => {
    const event = (n: number): object => ({ key: `k${n % 7}`, at: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString() });
    for (let n = 0; !isOver; n += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, (_, i) => bed.plane.send(namespace, event(n + i))));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  fed.catch(() => undefined);
  return () => ((isOver = true), fed);
}

async function open(): Promise<void> {
  await browser.page.goto('about:blank');
  await browser.page.goto(place.url);
  await signIn(browser.page, token);
  await browser.page.waitForSelector('main > section');
}
