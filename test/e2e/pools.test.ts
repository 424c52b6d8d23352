// A job with two pools: only the pool that has the work grows, and a stage moves to another pool while events flow.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Live } from '../../console/api.ts';
import { makeNamespace, pods, removeNamespace, status, story, untilReady } from './support/jobs.ts';
import { applyLoadJob, gapsOf, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { PortForward } from './support/port-forward.ts';
import { get, list } from './support/objects.ts';
import { freshName, kubectl, release, systemNamespace, until } from './support/programs.ts';

const space = freshName('e2e-pools');
const NAME = 'pooled';
const LOW_PER_S = 30;
/** More than one worker does, on a machine with nothing else to do, too: about 280 a second. */
const HIGH_PER_S = 16 * LOW_PER_S;
const numbers = `[${Array.from({ length: 22 }, (_, i) => i).join(',')}]`;
/** About a millisecond of work an event; a worker has a third of a processor. */
const HEAVY = `${numbers}.all(x, ${numbers}.all(y, ${numbers}.all(z, x + y + z + event.n >= 0))) ? 'a' : 'b'`;
let nats: ClusterNats;
let sender: Sender;

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
});

afterAll(async () => {
  await sender?.stop();
  await removeNamespace(space);
  await nats.close();
});

/** The stage `seen` has the work, and is in a pool of that name. */
function inPool(pool: string, heavy: string): (spec: Record<string, unknown>) => void {
  return (spec) => {
    const [source] = spec['sources'] as { nats: Record<string, unknown> }[];
    if (source !== undefined) source.nats['format'] = 'ndjson';
    const marked = (spec['stages'] as { name: string; map?: Record<string, string> }[]).find(({ name }) => name === 'marked');
    if (marked?.map !== undefined) marked.map['mark'] = heavy;
    spec['partitions'] = 8;
    const scaling = { mode: 'Apply', max: 3, targetLag: '10s', catchUp: '20s' };
    spec['scaling'] = scaling;
    spec['workers'] = { resources: { limits: { cpu: '300m' } } };
    spec['pools'] = [{ name: pool, stages: ['seen'], scaling }];
  };
}

const decisions = async (): Promise<readonly string[]> => (await status(space, NAME)).decisions ?? [];
/** Of the workers of a pool; of the default pool without a name. */
const uidsOf = async (pool?: string): Promise<readonly string[]> => {
  const deployment = pool === undefined ? `${NAME}-worker` : `${NAME}-worker-${pool}`;
  const own = (await pods(space, NAME)).filter(({ metadata }) => new RegExp(`^${deployment}-[^-]+-[^-]+$`).test(metadata.name));
  return own.map(({ metadata }) => metadata.uid).sort();
};

test('only the pool that has the work grows', async () => {
  await makeLoadStream(nats, NAME);
  await applyLoadJob(space, NAME, inPool('heavy', HEAVY));
  await untilReady(space, NAME);
  sender = new Sender(nats, { name: NAME, keys: 23, perSecond: LOW_PER_S, lines: 10 });
  sender.start();
  await until(
    'results flow',
    150_000,
    async () => ((await resultsOf(nats, NAME)).length > 100 ? true : null),
    () => story(space, NAME),
  );
  const own = await uidsOf();
  sender.change(HIGH_PER_S);
  const beganMs = performance.now();
  await until(
    'workers are added to the pool',
    150_000,
    async () => (await decisions()).find((sentence) => /pool heavy: workers \d → [23]: .*events\/s come/.test(sentence)) ?? null,
    () => story(space, NAME),
  );
  await until('they are there', 150_000, async () => ((await uidsOf('heavy')).length >= 2 ? true : null));
  console.log(`the pool had more workers ${Math.round((performance.now() - beganMs) / 1000)} s after the step`);
  expect(await uidsOf()).toEqual(own);
  expect((await decisions()).filter((sentence) => sentence.includes('pool default:'))).toEqual([]);
  expect((await status(space, NAME)).scaling?.replicas).toBe(1);
}, 900_000);

test('the console and the metrics say what each pool has', async () => {
  await kubectl(['create', 'serviceaccount', 'viewer', '-n', space]);
  await kubectl(['create', 'rolebinding', 'viewer', '-n', space, '--clusterrole=view', `--serviceaccount=${space}:viewer`]);
  const authorization = `Bearer ${(await kubectl(['create', 'token', 'viewer', '-n', space])).trim()}`;
  const forward = await PortForward.start({ namespace: systemNamespace, service: `${release}-console`, port: 80 });
  const live = (): Promise<Live | null> =>
    fetch(`http://localhost:${forward.port}/api/jobs/${space}/${NAME}/live`, { headers: { authorization } })
      .then((answer) => answer.json() as Promise<Live | null>)
      .catch(() => null); // the port does not answer yet
  try {
    const shown = await until(
      'the console shows workers of both pools',
      150_000,
      async () => {
        const now = await live();
        const heavy = now?.pools.find(({ name }) => name === 'heavy');
        const isWhole = (heavy?.ready ?? 0) >= 2 && (heavy?.workers ?? 0) >= 2 && now?.workers.some(({ pool }) => pool === 'default');
        return isWhole === true ? now : null;
      },
      async () => JSON.stringify((await live())?.pools),
    );
    const heavy = shown.pools.find(({ name }) => name === 'heavy');
    expect(heavy).toMatchObject({ stages: ['seen'], lagEvents: expect.any(Number) });
    expect(heavy?.wanted).toBeGreaterThanOrEqual(2);
    expect(heavy?.decision?.text).toMatch(/^workers \d → [23]: /);
    expect(shown.pools.find(({ name }) => name === 'default')).toMatchObject({ ready: 1, wanted: 1, decision: null });
    expect(new Set(shown.workers.map(({ pool }) => pool))).toEqual(new Set(['default', 'heavy']));
  } finally {
    forward.stop();
  }
  const told = await operatorMetrics();
  const workers = (pool: string): number =>
    Number(new RegExp(`^millrace_job_wanted_workers\\{job="${space}_${NAME}",pool="${pool}"\\} (\\d+)$`, 'm').exec(told)?.[1]);
  expect(workers('default')).toBe(1);
  expect(workers('heavy')).toBeGreaterThanOrEqual(2);
}, 900_000);

/** Of the operator that leads. */
async function operatorMetrics(): Promise<string> {
  const operators = await list<{ readonly metadata: { readonly name: string } }>(
    'pods',
    systemNamespace,
    'app.kubernetes.io/component=operator',
  );
  const all = await Promise.all(
    operators.map(({ metadata }) =>
      kubectl(['get', '--raw', `/api/v1/namespaces/${systemNamespace}/pods/${metadata.name}:8080/proxy/metrics`]),
    ),
  );
  return all.join('\n');
}

test('a stage moves to another pool while events flow: nothing is lost, and no other pod is touched', async () => {
  sender.change(LOW_PER_S);
  const own = await uidsOf();
  const before = await status(space, NAME);
  const movedMs = Date.now();
  await applyLoadJob(space, NAME, inPool('other', HEAVY));
  await until(
    'the pool that was left is gone, and the other one runs the stage',
    150_000,
    async () => {
      const now = await status(space, NAME);
      const isNew = now.stableRevision?.number === (before.revision?.number ?? 0) + 1;
      const names = now.pools?.map(({ name }) => name).join();
      return isNew && names === 'other' && (await get('deployment', space, `${NAME}-worker-heavy`)) === null ? true : null;
    },
    () => story(space, NAME),
  );
  await untilReady(space, NAME);
  expect(await uidsOf()).toEqual(own);
  await sender.stop();
  expect(await problemsOf(nats, NAME, sender.counts(), 120_000)).toEqual([]);
  console.log(`a stage moved: ${await gapsOf(nats, NAME, movedMs)}`);
}, 900_000);
