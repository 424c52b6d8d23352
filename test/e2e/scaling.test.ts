// A job follows its load by itself: eight times as much, and back; to sleep, and awake. And whoever sets the number of workers
// otherwise does so undisturbed. What was decided can be read afterwards.

import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { endCommands, runCommand, words } from '../support/command.ts';
import { heavyExpression } from '../support/heavy-expression.ts';
import { isReady, makeNamespace, pods, removeNamespace, status, story, untilCondition, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { freshName, kubectl, until } from './support/programs.ts';

const space = freshName('e2e-scaling');
const NAME = 'followed';
const LOW_PER_S = 30;
const HIGH_PER_S = 8 * LOW_PER_S;
const TARGET_LAG_S = 10;
const HELD_MS = 20_000;
const SETTLED_MS = 30_000;
let nats: ClusterNats;

beforeAll(async () => {
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
});

afterEach(endCommands);
afterAll(async () => {
  await removeNamespace(space);
  await nats.close();
});

function scaled(spec: Record<string, unknown>): void {
  const [source] = spec['sources'] as { nats: Record<string, unknown> }[];
  if (source !== undefined) source.nats['format'] = 'ndjson';
  const stages = spec['stages'] as { name: string; map?: Record<string, string> }[];
  const marked = stages.find(({ name }) => name === 'marked');
  if (marked?.map !== undefined) marked.map['mark'] = heavyExpression(22);
  spec['partitions'] = 8;
  spec['workers'] = { resources: { limits: { cpu: '300m' } } };
  spec['scaling'] = {
    mode: 'Apply',
    max: 4,
    targetLag: `${TARGET_LAG_S}s`,
    catchUp: '20s',
    idle: '20s',
    behavior: { scaleDown: { stabilization: '25s', period: '5s', percent: 100 } },
  };
}

const decisions = async (): Promise<readonly string[]> => (await status(space, NAME)).decisions ?? [];
const told = async (what: string, pattern: RegExp, timeoutMs: number): Promise<string> =>
  until(
    what,
    timeoutMs,
    async () => (await decisions()).find((sentence) => pattern.test(sentence)) ?? null,
    () => story(space, NAME),
  );
/** Of the decisions that were not there before. */
const sizesAfter = async (before: readonly string[]): Promise<readonly (readonly [number, number])[]> =>
  (await decisions()).flatMap((sentence) => {
    if (before.includes(sentence)) return [];
    const [, from, to] = /workers (\d+) → (\d+)/.exec(sentence) ?? [];
    return from === undefined || to === undefined ? [] : [[Number(from), Number(to)] as const];
  });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Told by the cluster, not by the job. */
const readyPods = async (): Promise<number> =>
  (await pods(space, NAME)).filter((pod) => pod.metadata.deletionTimestamp === undefined && isReady(pod)).length;
/** Results of all that was sent longer ago than the target. */
const caughtUp = async (sent: number, perS: number): Promise<boolean> => (await resultsOf(nats, NAME)).length >= sent - perS * TARGET_LAG_S;

test('eight times the load adds workers, less takes them away, none puts it to sleep, one event wakes it', async () => {
  await makeLoadStream(nats, NAME);
  await applyLoadJob(space, NAME, scaled);
  await untilReady(space, NAME);
  const low = new Sender(nats, { name: NAME, keys: 23, perSecond: LOW_PER_S, lines: 10 });
  low.start();
  await until(
    'results flow',
    150_000,
    async () => ((await resultsOf(nats, NAME)).length > 200 ? true : null),
    () => story(space, NAME),
  );
  const before = await decisions();

  low.change(HIGH_PER_S);
  const beganMs = performance.now();
  await told('workers are added', /workers \d → [234]: .*events\/s come/, 150_000);
  const outMs = performance.now() - beganMs;
  await until(
    'pods are added',
    150_000,
    async () => ((await readyPods()) > 1 ? true : null),
    () => story(space, NAME),
  );
  await pause(HELD_MS); // the load stays
  await until(
    'it has caught up',
    150_000,
    async () => ((await caughtUp(low.sent, HIGH_PER_S)) ? true : null),
    () => story(space, NAME),
  );
  console.log(
    `×8: workers asked for after ${Math.round(outMs / 1000)} s, lag under its target ${Math.round((performance.now() - beganMs) / 1000)} s after the step`,
  );

  low.change(LOW_PER_S);
  await told('workers are taken away', /workers \d → 1: at most \d needed for 25s/, 150_000);
  console.log((await decisions()).join('\n'));
  await pause(SETTLED_MS); // the low load stays, longer than what is looked back upon
  const steps = await sizesAfter(before);
  const turn = steps.findIndex(([from, to]) => to < from);
  expect(steps.slice(0, turn).every(([from, to]) => to > from)).toBe(true);
  expect(steps.slice(turn).every(([from, to]) => to < from)).toBe(true); // no worker comes again on the way back, nor then
  await until('one pod is left', 150_000, async () => ((await readyPods()) === 1 ? true : null));

  await low.stop();
  await told('it sleeps', /workers 1 → 0: no event came for 20s/, 150_000);
  await untilCondition(space, NAME, 'Ready', 'True Asleep');
  await until('no pod is left', 150_000, async () => ((await status(space, NAME)).replicas === 0 ? true : null));
  const wokenMs = performance.now();
  await low.send(1);
  await told('it wakes', /workers 0 → \d: \S+ events wait/, 150_000);
  console.log(`woken after ${Math.round(performance.now() - wokenMs)} ms`);
  await until(
    'the event is through',
    150_000,
    async () => ((await resultsOf(nats, NAME)).length >= low.sent ? true : null),
    () => story(space, NAME),
  );
  console.log(`its result was there after ${Math.round(performance.now() - wokenMs)} ms`);
  expect(await problemsOf(nats, NAME, low.counts())).toEqual([]);
}, 900_000);

test('kubectl scale is not followed while the load decides, and is when it does not', async () => {
  await kubectl(['scale', 'streamjob', NAME, '-n', space, '--replicas=3']);
  await told('it says that it does not follow', /spec.replicas went 1 → 3: not followed while scaling.mode is Apply/, 150_000);
  await kubectl(['patch', 'streamjob', NAME, '-n', space, '--type=merge', '-p', '{"spec":{"scaling":{"mode":"Off"}}}']);
  await kubectl(['patch', 'streamjob', NAME, '-n', space, '--subresource=scale', '--type=merge', '-p', '{"spec":{"replicas":2}}']);
  await until(
    'two workers',
    150_000,
    async () => ((await status(space, NAME)).readyReplicas === 2 ? true : null),
    () => story(space, NAME),
  );
  expect((await status(space, NAME)).scaling).toBeUndefined();
}, 900_000);

test('millrace explain prints what was decided, with its arithmetic, as the status has it', async () => {
  const args = ['explain', NAME, '-n', space, '--kubeconfig', inject('bed').kubeconfig];
  const { code, stdout, stderr } = await runCommand(args, { cwd: tmpdir() });
  expect([code, stderr]).toEqual([0, '']);
  console.log(stdout);
  const shown = words(stdout.slice(stdout.indexOf('Last decisions')));
  expect(shown).toBe(words(['Last decisions', ...(await decisions())].join(' ')));
  expect(shown).toMatch(/workers \d → [234]: \S+ events\/s come.*, a worker does \S+\/s, planned at 75 %/);
});
