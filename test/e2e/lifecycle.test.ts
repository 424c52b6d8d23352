// What becomes of a job that runs: scaled, suspended, upgraded, rolled back, kept and restored, deleted; always under load, and
// each time all results are looked at.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { condition, job, makeNamespace, pods, removeNamespace, status, story, untilPhase, untilReady } from './support/jobs.ts';
import { applyLoadJob, gapsOf, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, allStreams, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { get } from './support/objects.ts';
import { apply, kubectl, until, freshName } from './support/programs.ts';
import { Truth } from './support/truth.ts';

const space = freshName('e2e-lifecycle');
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

async function running(name: string, perSecond = 200): Promise<Sender> {
  await makeLoadStream(nats, name);
  await applyLoadJob(space, name);
  await untilReady(space, name);
  told = await Truth.of(space, name);
  onTestFinished(() => told.stop());
  const sender = new Sender(nats, { name, keys: 23, perSecond });
  sender.start();
  await until(`results of ${name} flow`, 150_000, async () => ((await resultsOf(nats, name)).length > 100 ? true : null));
  return sender;
}

/** Epoch of every task, from the last records of the journals. */
async function podUids(name: string): Promise<readonly string[]> {
  return (await pods(space, name)).map(({ metadata }) => metadata.uid).sort();
}

test('kubectl scale moves partitions under load; no event is lost, none doubled', async () => {
  const sender = await running('scaled');
  for (const replicas of [4, 2]) {
    await kubectl(['scale', 'streamjob', 'scaled', '-n', space, `--replicas=${replicas}`]);
    await until(`${replicas} workers`, 150_000, async () => {
      const { readyReplicas, replicas: there } = await status(space, 'scaled');
      return readyReplicas === replicas && there === replicas ? true : null;
    });
    await untilReady(space, 'scaled');
  }
  await sender.stop();
  expect(await problemsOf(nats, 'scaled', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  expect((await status(space, 'scaled')).decisions?.map((sentence) => sentence.replace(/^\S+ /, ''))).toEqual([
    'workers 1 → 4',
    'workers 4 → 2',
  ]);
  console.log(`scaled 1 → 4 → 2: ${await gapsOf(nats, 'scaled')}`);
});

test('suspend leaves no pod and keeps all state; resume goes on exactly there', async () => {
  const sender = await running('paused');
  await kubectl(['patch', 'streamjob', 'paused', '-n', space, '--type=merge', '-p', '{"spec":{"suspend":true}}']);
  await untilPhase(space, 'paused', 'Suspended');
  expect(await pods(space, 'paused')).toEqual([]);
  expect(condition(await status(space, 'paused'), 'Ready')).toBe('True Suspended');
  await sender.stop();
  await kubectl(['patch', 'streamjob', 'paused', '-n', space, '--type=merge', '-p', '{"spec":{"suspend":false}}']);
  await untilReady(space, 'paused');
  expect(await problemsOf(nats, 'paused', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
});

test('a change of one stage restarts that stage only, and no pod', async () => {
  const sender = await running('changed');
  const before = await podUids('changed');
  await applyLoadJob(space, 'changed', (spec) => {
    const stages = spec['stages'] as { name: string; map?: Record<string, string> }[];
    const marked = stages.find(({ name }) => name === 'marked');
    if (marked?.map !== undefined) marked.map['mark'] = "'b'";
  });
  await until('revision 2 is stable and runs', 150_000, async () => {
    const found = await status(space, 'changed');
    return found.stableRevision?.number === 2 && found.phase === 'Running' ? true : null;
  });
  await sender.stop();
  expect(await problemsOf(nats, 'changed', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  expect(await podUids('changed')).toEqual(before);
  const marks = (await resultsOf(nats, 'changed')).map(({ mark }) => mark).join('');
  expect(marks.includes('b')).toBe(true);
  console.log(`one stage upgraded: ${await gapsOf(nats, 'changed')}`);
});

test('a change that the state cannot follow is refused with the reason, and what ran goes on', async () => {
  const sender = await running('refused');
  await applyLoadJob(space, 'refused', (spec) => {
    const [, marked] = spec['stages'] as object[];
    spec['stages'] = [
      { name: 'seen', from: 'load', keyBy: 'event.key', aggregate: { n: { count: {} } } },
      { ...marked, from: 'seen', map: { key: 'event.key', n: 'event.n', seen: 'event.n', mark: "'x'" } },
    ];
  });
  const refused = await until(
    'the upgrade is refused',
    150_000,
    async () => {
      const found = await status(space, 'refused');
      return condition(found, 'Stalled') === 'True StateIncompatible' ? found : null;
    },
    () => story(space, 'refused'),
  );
  expect(refused.conditions?.find(({ type }) => type === 'Stalled')?.message).toContain('stage seen');
  expect(refused.revision?.number).toBe(1);
  await sender.stop();
  expect(await problemsOf(nats, 'refused', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
});

test('a savepoint outlives its job and starts one of another name with the same state', async () => {
  const sender = await running('kept');
  await apply(
    JSON.stringify({
      apiVersion: 'millrace.dev/v1alpha1',
      kind: 'StreamSavepoint',
      metadata: { name: 'monday', namespace: space },
      spec: { job: 'kept' },
    }),
  );
  await until('the savepoint is taken', 150_000, async () => {
    const found = await get<{ status?: { phase?: string; message?: string } }>('streamsavepoint', space, 'monday');
    if (found?.status?.phase === 'Failed') throw new Error(found.status.message);
    return found?.status?.phase === 'Completed' ? true : null;
  });
  await until('the job tells its savepoint', 150_000, async () => (await status(space, 'kept')).lastSavepoint ?? null);
  expect((await status(space, 'kept')).lastSavepoint?.name).toBe('monday');
  await sender.stop();
  expect(await problemsOf(nats, 'kept', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  await kubectl(['patch', 'streamjob', 'kept', '-n', space, '--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}']);
  await kubectl(['delete', 'streamjob', 'kept', '-n', space, '--timeout=200s']);
  await nats.jsm.streams.delete('out-heir').catch(() => false);
  // The heir has another name, reads the stream of the first job from where the savepoint was taken, and writes to a stream of its own.
  await applyLoadJob(space, 'heir', (spec) => {
    spec['restoreFrom'] = { savepoint: 'monday' };
    const [source] = spec['sources'] as { nats: { subjects: string[]; stream: string } }[];
    if (source !== undefined) source.nats = { subjects: ['load.kept'], stream: 'load-kept' };
  });
  await untilReady(space, 'heir');
  await sender.send(23 * 4);
  const isWhole = (found: Awaited<ReturnType<typeof resultsOf>>): boolean =>
    [...sender.counts()].every(([key, count]) => found.findLast((result) => result.key === key)?.n === count - 1);
  const heirs = await until(
    'results of the heir',
    150_000,
    async () => {
      const found = await resultsOf(nats, 'heir');
      return isWhole(found) ? found : null;
    },
    () => story(space, 'heir'),
  );
  // What was seen before counts: the first event of a key is not its first one, and each further one is its next.
  const next = new Map<string, number>();
  for (const { key, n, seen } of heirs) {
    expect([key, seen]).toEqual([key, n + 1]);
    expect([key, n]).toEqual([key, next.get(key) ?? n]);
    expect(n).toBeGreaterThan(0);
    next.set(key, n + 1);
  }
});

test('a deleted job leaves its state, and one of its name goes on from there; Delete leaves nothing', async () => {
  const sender = await running('deleted');
  await sender.stop();
  expect(await problemsOf(nats, 'deleted', sender.counts())).toEqual([]);
  expect(await told.lies()).toEqual([]);
  await kubectl(['delete', 'streamjob', 'deleted', '-n', space, '--timeout=200s']);
  await until('no pods', 150_000, async () => ((await pods(space, 'deleted')).length === 0 ? true : null));
  const streams = async (): Promise<number> => (await allStreams()).filter((name) => name.includes(`${space}_deleted`)).length;
  expect(await streams()).toBeGreaterThan(0);
  await applyLoadJob(space, 'deleted', (spec) => (spec['deletionPolicy'] = 'Delete'));
  await untilReady(space, 'deleted');
  await sender.send(46);
  expect(await problemsOf(nats, 'deleted', sender.counts())).toEqual([]);
  await kubectl(['delete', 'streamjob', 'deleted', '-n', space, '--timeout=200s']);
  expect(await job(space, 'deleted')).toBeNull();
  expect(await streams()).toBe(0);
});
