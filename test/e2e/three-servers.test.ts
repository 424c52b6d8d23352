// Three NATS servers of the chart, as pods: a release of its own, for its own namespace. Under load the server goes that leads the
// stream of a job's journal: its pod is deleted as a person deletes it, then its process is killed. The other two go on: no event is
// lost or doubled, and nothing is said meanwhile that is not so.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ToldConservation } from './support/conservation.ts';
import { condition, makeNamespace, pods, removeNamespace, status, untilCondition, untilReady, type PodObject } from './support/jobs.ts';
import { applyLoadJob, gapsOf, loadJob, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { liesOf, look, tasksOf } from './support/outside.ts';
import { killNats, untilRunsAnew } from './support/processes-of-pods.ts';
import { get, list } from './support/objects.ts';
import { kubectl, until } from './support/programs.ts';
import { deleteNamespace, installRelease, sharedOperator, uninstallRelease } from './support/second-release.ts';

const space = 'e2e-three';
const release = { name: 'three', namespace: space };
const installed = { namespace: space, fullname: 'three-millrace' };
const set = `statefulset/${installed.fullname}-nats`;
const JOURNAL = `MR_${space}_steady_seen`;

let nats: ClusterNats;
/** Where the job's journal is. */
let own: ClusterNats;
let sender: Sender;

beforeAll(async () => {
  await uninstallRelease(release);
  await deleteNamespace(space);
  await makeNamespace(space);
  await sharedOperator(0);
  const beganMs = performance.now();
  // The anti-affinity of the chart is preferred: three servers find room on two nodes.
  await installRelease(release, ['nats.replicas=3']);
  console.log(`helm install --wait with three servers: ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
});

afterAll(async () => {
  try {
    await sender?.stop();
    await removeNamespace(space);
    await nats?.close();
    await own?.close();
  } finally {
    await uninstallRelease(release);
    await sharedOperator(1);
    await deleteNamespace(space);
  }
});

test('three servers are ready on two nodes, one of them may go at a time, and each stream is on all three', async () => {
  const servers = await list<PodObject>('pods', space, 'app.kubernetes.io/component=nats');
  expect(servers.map(({ metadata }) => metadata.name).sort()).toEqual([0, 1, 2].map((i) => `${installed.fullname}-nats-${i}`));
  expect(new Set(servers.map(({ spec }) => spec.nodeName)).size).toBe(2);
  const budget = await get<{ status: object }>('poddisruptionbudget', space, `${installed.fullname}-nats`);
  expect(budget?.status).toMatchObject({ currentHealthy: 3, desiredHealthy: 2, disruptionsAllowed: 1 });

  nats = await connectClusterNats(await adminOf(space), { installed });
  await makeLoadStream(nats, 'steady', 3);
  await applyLoadJob(space, 'steady', (spec) => Object.assign(spec, { replicas: 2 }));
  await untilReady(space, 'steady');
  await untilCondition(space, 'steady', 'DurabilityDegraded', 'False Durable');
  own = await connectClusterNats(await adminOf(space, 'steady'), { installed });
  const copies: Record<string, number> = {};
  for (const { jsm } of [nats, own]) for await (const { config } of jsm.streams.list()) copies[config.name] = config.num_replicas;
  expect(Object.keys(copies)).toEqual(expect.arrayContaining([JOURNAL, 'load-steady', 'out-steady', `KV_MR_${space}_steady`]));
  expect(new Set(Object.values(copies))).toEqual(new Set([3]));

  sender = new Sender(nats, { name: 'steady', keys: 31, perSecond: 150 });
  sender.start();
  await until('results flow', 150_000, async () => ((await resultsOf(nats, 'steady')).length > 100 ? true : null));
});

/** What the job says from now on: of its durability and its readiness, each once; and what is not so by its journals and its pods. */
class Sayings {
  readonly said = new Set<string>();
  readonly lies = new Set<string>();
  #stopped = false;
  readonly #looking = this.#run();

  async #run(): Promise<void> {
    const tasks = tasksOf(JSON.stringify(loadJob(space, 'steady')), `${space}_steady`);
    while (!this.#stopped) {
      // The API server may be slow to answer beside all this; what it does not tell is no lie.
      const found = await status(space, 'steady').catch(() => null);
      if (found !== null)
        for (const type of ['DurabilityDegraded', 'Ready', 'Stalled', 'Degraded']) this.said.add(`${type} ${condition(found, type)}`);
      // While a leader is elected nobody is told who owns what.
      const seen = await look(own, space, 'steady').catch(() => null);
      for (const lie of seen === null ? [] : liesOf(seen, tasks)) this.lies.add(lie);
      await sleep(200);
    }
  }

  async stop(): Promise<this> {
    this.#stopped = true;
    await this.#looking;
    return this;
  }
}

const leaderOf = async (): Promise<string> =>
  until('the journal has a leader', 150_000, async () => {
    const info = await own.jsm.streams.info(JOURNAL).catch(() => null);
    return info?.cluster?.leader ?? null;
  });

/** More than are on their way when a server goes. */
async function untilResultsGoOn(seen: number): Promise<void> {
  await until(
    'results go on',
    150_000,
    async () => {
      const now = await resultsOf(nats, 'steady').catch(() => []); // who reads may have been on the server that went
      return now.length > seen + 300 ? true : null;
    },
    async () => sender.trouble,
  );
}

test.each([
  { how: 'deleted', end: ({ metadata }: PodObject) => kubectl(['delete', 'pod', metadata.name, '-n', space, '--wait=false']) },
  { how: 'killed', end: killNats },
])("the server that leads a job's journal is $how: results go on, none is lost or doubled, no condition lies", async ({ how, end }) => {
  const workers = (await pods(space, 'steady')).map(({ metadata }) => metadata.uid).sort();
  const told = new ToldConservation(space, 'steady');
  const sayings = new Sayings();
  const leader = await leaderOf();
  const before = await get<PodObject>('pod', space, leader);
  if (before === null) throw new Error(`no pod is named as the server that leads: ${leader}`);
  const [beganMs, seen] = [Date.now(), (await resultsOf(nats, 'steady')).length];
  try {
    await end(before);
    // Who is killed may be there again before the others elect one of them.
    if (how === 'deleted')
      await until('another server leads the journal', 150_000, async () => ((await leaderOf()) === leader ? null : true));
    await untilResultsGoOn(seen);
    const leads = await leaderOf();
    console.log(
      `${how}: ${leads === leader ? 'it leads again' : 'another one leads'}; results go on after ${Date.now() - beganMs} ms at most`,
    );
    await untilRunsAnew(before);
    await kubectl(['rollout', 'status', set, '-n', space, '--timeout=200s'], { timeoutMs: 220_000 });
    await untilReady(space, 'steady');
    await until('all servers are asked again', 150_000, async () =>
      condition(await status(space, 'steady'), 'DurabilityDegraded') === 'False Durable' ? true : null,
    );
  } finally {
    await sayings.stop();
  }
  console.log(`${how}: ${await gapsOf(nats, 'steady', beganMs)}; said: ${[...sayings.said].sort().join(', ')}`);
  expect([...sayings.lies]).toEqual([]);
  // Each server syncs each write, all the time.
  expect([...sayings.said].filter((one) => /^(DurabilityDegraded|Stalled|Degraded) True/.test(one))).toEqual([]);
  expect(await told.accusations()).toEqual([]);
  const after = await pods(space, 'steady');
  expect(after.map(({ metadata }) => metadata.uid).sort()).toEqual(workers);
  expect(after.map(({ status: { containerStatuses } }) => containerStatuses?.[0]?.restartCount)).toEqual([0, 0]);
});

test('while a server stays away for longer, results go on; whether all sync each write is then not known, and that is what is said', async () => {
  const sayings = new Sayings();
  const seen = (await resultsOf(nats, 'steady')).length;
  await kubectl(['scale', set, '-n', space, '--replicas=2']);
  try {
    await until('it is not known', 150_000, async () =>
      condition(await status(space, 'steady'), 'DurabilityDegraded') === 'Unknown ServersSilent' ? true : null,
    );
    await untilResultsGoOn(seen);
  } finally {
    await kubectl(['scale', set, '-n', space, '--replicas=3']);
  }
  await kubectl(['rollout', 'status', set, '-n', space, '--timeout=200s'], { timeoutMs: 220_000 });
  await until('it is known again', 150_000, async () =>
    condition(await status(space, 'steady'), 'DurabilityDegraded') === 'False Durable' ? true : null,
  );
  await untilReady(space, 'steady');
  await sayings.stop();
  console.log(`away: said: ${[...sayings.said].sort().join(', ')}`);
  expect([...sayings.lies]).toEqual([]);
  expect([...sayings.said].filter((one) => /^(DurabilityDegraded|Stalled|Degraded) True/.test(one))).toEqual([]);
});

test('all results are there, once and in order', async () => {
  await sender.stop();
  expect(await problemsOf(nats, 'steady', sender.counts())).toEqual([]);
  console.log(`${sender.sent} events`);
});
