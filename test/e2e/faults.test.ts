// A job under load while its pods, its node, its operator and its NATS server are taken away. Whatever happens, the results are
// those of a run in which nothing did, its own account of its events (ConservationOK) is never wrong, and what else it says is so (truth.ts).

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { condition, isReady, makeNamespace, pods, removeNamespace, status, untilReady, type PodObject } from './support/jobs.ts';
import { applyLoadJob, gapsOf, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, connectJobNats, type ClusterNats } from './support/nats.ts';
import { killNats, killOperator, operatorProcess, untilRunsAnew } from './support/processes-of-pods.ts';
import { get, list } from './support/objects.ts';
import { kubectl, release, systemNamespace, until, freshName } from './support/programs.ts';
import { Truth } from './support/truth.ts';

const space = freshName('e2e-faults');
let nats: ClusterNats;
/** Of the job of the test that runs. */
let told: Truth;

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
});

afterAll(async () => {
  await removeNamespace(space);
  await nats.close();
});

async function running(name: string, replicas: number, standbyReplicas: 0 | 1 = 0): Promise<Sender> {
  await makeLoadStream(nats, name);
  const state = standbyReplicas === 0 ? {} : { state: { memory: '1', disk: '100Mi' } };
  await applyLoadJob(space, name, (spec) => Object.assign(spec, { replicas, standbyReplicas, ...state }));
  await untilReady(space, name);
  told = await Truth.of(space, name);
  onTestFinished(() => told.stop());
  const sender = new Sender(nats, { name, keys: 31, perSecond: 200 });
  sender.start();
  await until(`results of ${name} flow`, 150_000, async () => ((await resultsOf(nats, name)).length > 100 ? true : null));
  return sender;
}

/** The stages of a load with another mark. */
function marked(spec: Record<string, unknown>, mark: string): { readonly stages: object } {
  const stages = spec['stages'] as { name: string; map?: object }[];
  return { stages: stages.map((stage) => (stage.name === 'marked' ? { ...stage, map: { ...stage.map, mark } } : stage)) };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.each([
  { what: 'pods', name: 'killed', standbyReplicas: 0 as const },
  { what: 'pods whose partitions others follow, with state on their disks,', name: 'followed', standbyReplicas: 1 as const },
])('$what that are killed at random cost time, never events', async ({ name, standbyReplicas }) => {
  const sender = await running(name, 3, standbyReplicas);
  const unfollowed = async (): Promise<readonly number[]> =>
    ((await status(space, name)).stages ?? []).flatMap(({ standbys, partitions }) => (standbys === undefined ? [] : partitions - standbys));
  if (standbyReplicas === 1)
    await until('each partition with state could be taken over at once', 150_000, async () => {
      const missing = await unfollowed();
      return missing.length > 0 && missing.every((count) => count === 0) ? true : null;
    });
  for (let round = 0; round < 4; round++) {
    const there = (await pods(space, name)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const victim = there[(round * 7) % there.length]?.metadata.name ?? '';
    await kubectl(['delete', 'pod', victim, '-n', space, '--grace-period=0', '--force', '--wait=false']);
    await pause(4_000);
  }
  await untilReady(space, name);
  await sender.stop();
  expect(await problemsOf(nats, name, sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  console.log(`3 workers, ${standbyReplicas} standbys, 4 kills without grace: ${await gapsOf(nats, name)}`);
});

test('a node that is drained hands its partitions over', async () => {
  const sender = await running('drained', 2);
  const node = (await pods(space, 'drained'))[0]?.spec.nodeName ?? '';
  await kubectl([
    'drain',
    node,
    '--ignore-daemonsets',
    '--delete-emptydir-data',
    '--pod-selector',
    'millrace.dev/job=drained',
    '--timeout=200s',
  ]);
  await kubectl(['uncordon', node]);
  await untilReady(space, 'drained');
  await sender.stop();
  expect(await problemsOf(nats, 'drained', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  console.log(`node drained: ${await gapsOf(nats, 'drained')}`);
});

test('without its operator a job goes on, a killed worker is replaced, and the operator that returns restarts nobody', async () => {
  const sender = await running('orphan', 2);
  const operator = `deployment/${release}-operator`;
  await kubectl(['scale', operator, '-n', systemNamespace, '--replicas=0']);
  await until('the operator is gone', 150_000, async () =>
    (await list('pods', systemNamespace, 'app.kubernetes.io/component=operator')).length === 0 ? true : null,
  );
  const [victim] = await pods(space, 'orphan');
  await kubectl(['delete', 'pod', victim?.metadata.name ?? '', '-n', space, '--grace-period=0', '--force', '--wait=false']);
  await until('another worker', 150_000, async () => {
    const there = await pods(space, 'orphan');
    return there.filter(isReady).length === 2 && there.every(({ metadata }) => metadata.uid !== victim?.metadata.uid) ? true : null;
  });
  const before = (await pods(space, 'orphan')).map(({ metadata }) => metadata.uid).sort();
  const seen = (await resultsOf(nats, 'orphan')).length;
  await until('results go on', 150_000, async () => ((await resultsOf(nats, 'orphan')).length > seen ? true : null));
  await kubectl(['scale', operator, '-n', systemNamespace, '--replicas=1']);
  await kubectl(['rollout', 'status', operator, '-n', systemNamespace, '--timeout=200s']);
  await pause(5_000);
  await untilReady(space, 'orphan');
  expect((await pods(space, 'orphan')).map(({ metadata }) => metadata.uid).sort()).toEqual(before);
  await sender.stop();
  expect(await problemsOf(nats, 'orphan', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
});

test('an operator that is killed while it scales and upgrades a job ends where it would have, and the job never notices', async () => {
  const sender = await running('beheaded', 1);
  const acts = [
    { diesAfterMs: 100, act: () => kubectl(['scale', 'streamjob', 'beheaded', '-n', space, '--replicas=3']) },
    { diesAfterMs: 300, act: () => applyLoadJob(space, 'beheaded', (spec) => Object.assign(spec, { replicas: 3 }, marked(spec, "'b'"))) },
    { diesAfterMs: 600, act: () => kubectl(['scale', 'streamjob', 'beheaded', '-n', space, '--replicas=2']) },
  ];
  for (const { diesAfterMs, act } of acts) {
    const killed = await operatorProcess();
    await act();
    await pause(diesAfterMs);
    await killOperator();
    await until('another process is the operator', 150_000, async () => {
      const found = await operatorProcess();
      return found.isReady && found.startedAt !== killed.startedAt ? true : null;
    });
    await untilReady(space, 'beheaded');
  }
  const { readyReplicas, stableRevision } = await until('two workers', 150_000, async () => {
    const found = await status(space, 'beheaded');
    return found.replicas === 2 ? found : null;
  });
  expect([readyReplicas, stableRevision?.number]).toEqual([2, 2]);
  await sender.stop();
  expect(await problemsOf(nats, 'beheaded', sender.counts())).toEqual([]);
  expect((await resultsOf(nats, 'beheaded')).at(-1)?.mark).toBe('b');
  expect(await told.accusations()).toEqual([]);
  console.log(`operator killed in 3 acts: ${await gapsOf(nats, 'beheaded')}`);
}, 900_000);

test('a NATS server that is killed is waited for', async () => {
  const sender = await running('restarted', 2);
  const server = await get<PodObject>('pod', systemNamespace, `${release}-nats-0`);
  if (server === null) throw new Error('the release has no pod of NATS');
  await killNats(server);
  await untilRunsAnew(server);
  await kubectl(['rollout', 'status', `statefulset/${release}-nats`, '-n', systemNamespace, '--timeout=200s']);
  await pause(3_000);
  await untilReady(space, 'restarted');
  await sender.stop();
  expect(await problemsOf(nats, 'restarted', sender.counts(), 120_000)).toEqual([]);
  expect(await told.lies()).toEqual([]);
  console.log(`NATS killed: ${await gapsOf(nats, 'restarted')}`);
});

test('children that somebody deletes or edits are mended', async () => {
  const sender = await running('drifting', 1);
  const child = 'drifting-worker';
  for (const kind of ['networkpolicy', 'poddisruptionbudget', 'deployment']) {
    await kubectl(['delete', kind, child, '-n', space, '--wait=true']);
    await until(`${kind} is back`, 150_000, async () => {
      const text = await kubectl(['get', kind, child, '-n', space, '--ignore-not-found', '-o', 'name']);
      return text.trim() === '' ? null : true;
    });
  }
  await kubectl(['patch', 'deployment', child, '-n', space, '--type=merge', '-p', '{"spec":{"replicas":3}}']);
  await until('replicas are as declared', 150_000, async () => {
    const text = await kubectl(['get', 'deployment', child, '-n', space, '-o', 'jsonpath={.spec.replicas}']);
    return text === '1' ? true : null;
  });
  await kubectl(['delete', 'secret', 'drifting-nats', '-n', space]);
  await until('the credentials are back', 150_000, async () =>
    (await kubectl(['get', 'secret', 'drifting-nats', '-n', space, '--ignore-not-found', '-o', 'name'])).trim() === '' ? null : true,
  );
  const own = await connectJobNats(space, 'drifting');
  await own.jsm.streams.delete(`MR_${space}_drifting_blobs`);
  await until('the stream of checkpoints is back', 150_000, async () =>
    own.jsm.streams.info(`MR_${space}_drifting_blobs`).then(
      () => true,
      () => null,
    ),
  );
  const [consumer = ''] = (await nats.jsm.consumers.list('load-drifting').next()).map(({ name }) => name);
  expect(consumer).toMatch(new RegExp(`^MR_${space}_drifting_`));
  await nats.jsm.consumers.delete('load-drifting', consumer);
  await until('the consumer of the split is back', 150_000, async () =>
    nats.jsm.consumers.info('load-drifting', consumer).then(
      () => true,
      () => null,
    ),
  );
  await own.jsm.streams.delete(`KV_MR_${space}_drifting`);
  await until('the bucket of the directory is back', 150_000, async () =>
    own.jsm.streams.info(`KV_MR_${space}_drifting`).then(
      () => true,
      () => null,
    ),
  );
  await own.close();
  await untilReady(space, 'drifting');
  await sender.stop();
  expect(await problemsOf(nats, 'drifting', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
});

test('a journal that somebody deletes is not made anew silently: the job says that it is lost', async () => {
  const sender = await running('robbed', 1);
  await sender.stop();
  const own = await connectJobNats(space, 'robbed');
  await own.jsm.streams.delete(`MR_${space}_robbed_seen`);
  await own.close();
  const lost = await until('the loss is told', 150_000, async () => {
    const found = await status(space, 'robbed');
    return condition(found, 'Stalled') === 'True JournalLost' ? found : null;
  });
  expect(lost.phase).toBe('Failed');
  expect(lost.conditions?.find(({ type }) => type === 'Stalled')?.message).toContain(`MR_${space}_robbed_seen`);
});
