// The ways from one revision to the next that are not `last-state` (lifecycle.test.ts), and the way back from one that does not progress: each
// under load, and each time all results are looked at.

import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { condition, makeNamespace, pods, removeNamespace, status, story, untilReady } from './support/jobs.ts';
import { applyLoadJob, gapsOf, judge, makeLoadStream, problemsOf, resultsOf, Sender, type Result } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { get } from './support/objects.ts';
import { freshName, kubectl, until } from './support/programs.ts';
import { Truth } from './support/truth.ts';

const space = freshName('e2e-upgrades');
const WAIT_MS = 240_000;
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

async function running(name: string): Promise<Sender> {
  await makeLoadStream(nats, name);
  await applyLoadJob(space, name);
  await untilReady(space, name);
  told = await Truth.of(space, name);
  onTestFinished(() => told.stop());
  const sender = new Sender(nats, { name, keys: 23, perSecond: 150 });
  sender.start();
  await until(`results of ${name} flow`, 150_000, async () => ((await resultsOf(nats, name)).length > 100 ? true : null));
  return sender;
}

/** Results are marked with a `b` from then on. */
function changed(name: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  return applyLoadJob(space, name, (spec) => {
    const stages = spec['stages'] as { name: string; map?: Record<string, string> }[];
    const marked = stages.find((stage) => stage.name === 'marked');
    if (marked?.map !== undefined) marked.map['mark'] = "'b'";
    Object.assign(spec, change);
  });
}

async function untilStable(name: string, revision: number): Promise<void> {
  await until(
    `revision ${revision} is stable`,
    WAIT_MS,
    async () => ((await status(space, name)).stableRevision?.number === revision ? true : null),
    () => story(space, name),
  );
  await untilReady(space, name, WAIT_MS);
}

async function untilMarked(name: string, mark: string): Promise<void> {
  await until(`results are marked ${mark}`, WAIT_MS, async () => ((await resultsOf(nats, name)).at(-1)?.mark === mark ? true : null));
}

const uidsOf = async (name: string): Promise<readonly string[]> => (await pods(space, name)).map(({ metadata }) => metadata.uid).sort();

test('strategy savepoint: one is taken first, then all goes on with its state, and no pod restarts', async () => {
  const sender = await running('behind');
  const before = await uidsOf('behind');
  await changed('behind', { upgrade: { strategy: 'savepoint' } });
  await untilStable('behind', 2);
  await untilMarked('behind', 'b');
  const savepoint = await get<{ status?: { phase?: string } }>('streamsavepoint', space, 'behind-before-2');
  expect(savepoint?.status?.phase).toBe('Completed');
  expect(await uidsOf('behind')).toEqual(before);
  await sender.stop();
  expect(await problemsOf(nats, 'behind', sender.counts())).toEqual([]);
  expect(marksOf(await resultsOf(nats, 'behind'))).toEqual([]);
  expect(await told.lies()).toEqual([]);
  console.log(`upgraded behind a savepoint: ${await gapsOf(nats, 'behind')}`);
});

test('strategy stateless: workers stop, state is dropped, and all events are read again from the first one', async () => {
  const sender = await running('forgets');
  // Only this strategy allows it.
  await changed('forgets', { partitions: 6, upgrade: { strategy: 'stateless' } });
  await untilStable('forgets', 2);
  await untilMarked('forgets', 'b');
  await sender.stop();
  const total = [...sender.counts().values()].reduce((sum, count) => sum + count, 0);
  const later = await until('all events are there again', WAIT_MS, async () => {
    const found = (await resultsOf(nats, 'forgets')).filter(({ mark }) => mark === 'b');
    return found.length >= total ? found : null;
  });
  expect(judge(later, sender.counts())).toEqual([]);
  // What the first revision had told stays, and is a beginning of the same.
  const all = await resultsOf(nats, 'forgets');
  const first = all.filter(({ mark }) => mark === 'a');
  expect(judge(first, countsOf(first))).toEqual([]);
  expect(first.length).toBeGreaterThan(100);
  expect(marksOf(all)).toEqual([]);
  expect((await status(space, 'forgets')).stages?.find(({ name }) => name === 'seen')?.partitions).toBe(6);
  expect(await told.lies()).toEqual([]);
  console.log(`started over without state: ${await gapsOf(nats, 'forgets')}`);
});

test('a revision that no worker can run is rolled back after its progressDeadline, by itself, and no event is lost or doubled', async () => {
  const sender = await running('stuck');
  const { nodes } = inject('bed');
  const beganMs = performance.now();
  // No pod finds a node, and the one that there was is gone.
  for (const node of nodes) await kubectl(['cordon', node]);
  try {
    await kubectl(['delete', 'pod', '-n', space, '-l', 'millrace.dev/job=stuck', '--grace-period=0', '--force']);
    await changed('stuck', { upgrade: { progressDeadline: '15s' } });
    await until(
      'it is given up',
      WAIT_MS,
      async () => (await status(space, 'stuck')).rejectedHash ?? null,
      () => story(space, 'stuck'),
    );
    console.log(`given up ${Math.round((performance.now() - beganMs) / 1_000)} s after the worker was gone, with a deadline of 15 s`);
  } finally {
    for (const node of nodes) await kubectl(['uncordon', node]);
  }
  const back = await until(
    'revision 1 runs again',
    WAIT_MS,
    async () => {
      const found = await status(space, 'stuck');
      return condition(found, 'Stalled') === 'True RolledBack' && found.phase === 'Running' ? found : null;
    },
    () => story(space, 'stuck'),
  );
  expect(condition(back, 'Ready')).toBe('False RolledBack');
  expect(back.rejectedHash).toMatch(/^[0-9a-f]{16}$/);
  expect(back.revision?.number).toBe(3);
  const seen = (await resultsOf(nats, 'stuck')).length;
  await until('results go on', 150_000, async () => ((await resultsOf(nats, 'stuck')).length > seen + 100 ? true : null));
  await sender.stop();
  expect(await problemsOf(nats, 'stuck', sender.counts())).toEqual([]);
  expect((await resultsOf(nats, 'stuck')).at(-1)?.mark).toBe('a');
  await applyLoadJob(space, 'stuck');
  await untilReady(space, 'stuck', WAIT_MS);
  expect(await told.lies()).toEqual([]);
  console.log(`rolled back: ${await gapsOf(nats, 'stuck')}`);
});

/** Keys that had an `a` behind a `b`. */
function marksOf(results: readonly Result[]): readonly string[] {
  const marked = new Set<string>();
  const back = new Set<string>();
  for (const { key, mark } of results) {
    if (mark === 'b') marked.add(key);
    else if (marked.has(key)) back.add(key);
  }
  return [...back];
}

function countsOf(results: readonly Result[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of results) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
