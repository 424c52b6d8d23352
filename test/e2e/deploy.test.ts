// A TypeScript job with functions and a machine, deployed by the command line: no image is built. One changed function restarts one
// stage; code that does not load is rolled back by itself. Results are looked at each time.

import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { firstPartName } from '../../cli/deploy/object-labels.ts';
import { endCommands, runCommand, type Ended } from '../support/command.ts';
import { condition, makeNamespace, pods, removeNamespace, status, untilReady } from './support/jobs.ts';
import { claimedAnew, ownersOf } from './support/journals.ts';
import { adminOf, connectClusterNats, connectJobNats, type ClusterNats } from './support/nats.ts';
import { linesOf } from './support/payloads.ts';
import { list } from './support/objects.ts';
import { kubectl, until } from './support/programs.ts';

const space = 'e2e-deploy';
const identity = `${space}_doors`;
const FIXTURE = fileURLToPath(new URL('../fixtures/doors/job.ts', import.meta.url));
const [FLOORS, DOORS_OF_A_FLOOR] = [5, 3];

type Tally = { readonly floor: string; readonly n: number; readonly seen: number; readonly mark: string };
type Shut = { readonly door: string; readonly times: number };

let nats: ClusterNats;
/** Where the job's journal is. */
let own: ClusterNats;
let folder: string;
let text: string;
let sent = 0;

beforeAll(async () => {
  await makeNamespace(space);
  folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-deploy-'));
  text = await readFile(FIXTURE, 'utf8');
  nats = await connectClusterNats(await adminOf(space));
  own = await connectJobNats(space, 'doors');
  for (const stream of ['doors-moves', 'doors-tally', 'doors-shut']) await nats.jsm.streams.delete(stream).catch(() => false);
  await nats.jsm.streams.add({ name: 'doors-moves', subjects: ['doors.moves'], storage: 'file' as never, num_replicas: 1 });
});
afterEach(endCommands);
afterAll(async () => {
  await removeNamespace(space);
  await nats.close();
  await own.close();
  await rm(folder, { recursive: true, force: true });
});

/** `millrace deploy` of the fixture after `change`. */
async function deploy(change: (text: string) => string = (same) => same, ...options: readonly string[]): Promise<Ended> {
  const changed = change(text);
  await writeFile(join(folder, 'job.ts'), changed);
  const args = ['deploy', 'job.ts', '-n', space, '--kubeconfig', inject('bed').kubeconfig, '--wait', '5m', ...options];
  return runCommand(args, { cwd: folder, timeoutMs: 400_000 });
}

/** The tally marks its results so. */
const marking =
  (mark: string): ((text: string) => string) =>
  (before) => {
    expect(before).toContain("mark: 'a'");
    return before.replace("mark: 'a'", `mark: '${mark}'`);
  };

/** Opens and shuts each door once: DOORS_OF_A_FLOOR * 2 events a floor, numbered floor by floor. */
async function everyDoorOnce(): Promise<void> {
  const each = DOORS_OF_A_FLOOR * 2;
  for (let i = 0; i < each; i++) {
    for (let floor = 0; floor < FLOORS; floor++) {
      const move = {
        type: i % 2 === 0 ? 'open' : 'close',
        door: `${floor}.${Math.floor(i / 2)}`,
        floor: `floor${floor}`,
        n: sent * each + i,
      };
      await nats.js.publish('doors.moves', JSON.stringify(move));
    }
  }
  sent++;
}

/** Waits for the results of all events so far and holds them against what they must be; gives the marks of the tally, in order. */
async function resultsAreRight(): Promise<string> {
  const each = DOORS_OF_A_FLOOR * 2;
  const tally = await until('the tally is complete', 150_000, async () => {
    const found = await linesOf<Tally>(nats, 'doors-tally');
    return found.length >= sent * each * FLOORS ? found : null;
  });
  const shut = await until('all doors are shut', 150_000, async () => {
    const found = await linesOf<Shut>(nats, 'doors-shut');
    return found.length >= sent * DOORS_OF_A_FLOOR * FLOORS ? found : null;
  });
  const floors = Map.groupBy(tally, ({ floor }) => floor);
  expect(floors.size).toBe(FLOORS);
  for (const [floor, found] of floors)
    expect(
      found.map(({ n, seen }) => [n, seen]),
      floor,
    ).toEqual(Array.from({ length: sent * each }, (_, n) => [n, n + 1]));
  const doors = Map.groupBy(shut, (one) => one.door);
  expect(doors.size).toBe(FLOORS * DOORS_OF_A_FLOOR);
  for (const [door, found] of doors)
    expect(
      found.map(({ times }) => times),
      door,
    ).toEqual(Array.from({ length: sent }, (_, i) => i + 1));
  return [...(floors.get('floor0') ?? [])].map(({ mark }) => mark).join('');
}

/** Pods, and how often their containers began anew. */
async function lives(): Promise<readonly string[]> {
  const found = await pods(space, 'doors');
  return found.map(({ metadata, status: { containerStatuses } }) => `${metadata.uid} ${containerStatuses?.[0]?.restartCount}`).sort();
}

/** By an event of the job. */
async function untilTold(what: RegExp): Promise<void> {
  const told = (): Promise<string> => kubectl(['events', '-n', space, '--for', 'streamjob/doors']);
  await until(`it is told: ${what.source}`, 150_000, async () => (what.test(await told()) ? true : null), told);
}

test('a job of functions and a machine runs on the cluster, by one command', async () => {
  const beganMs = performance.now();
  const ended = await deploy();
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/✓ doors is ready \(Running\): revision 1: all \d+ tasks run/);
  console.log(`deployed and running after ${Math.round(performance.now() - beganMs)} ms`);
  await everyDoorOnce();
  expect(await resultsAreRight()).toBe('aaaaaa');
});

test('deployed again without a change nothing happens', async () => {
  const [pod, owners] = [await lives(), await ownersOf(own, identity)];
  expect(await deploy()).toMatchObject({ code: 0, stderr: '' });
  expect((await status(space, 'doors')).revision?.number).toBe(1);
  expect(claimedAnew(owners, await ownersOf(own, identity))).toEqual([]);
  expect(await lives()).toEqual(pod);
});

test('one changed function: its stage begins anew with its state, the machine and the source go on, no pod restarts', async () => {
  const [pod, owners] = [await lives(), await ownersOf(own, identity)];
  expect([...owners.keys()].sort()).toEqual(expect.arrayContaining(['doors.0', 'doors.1', 'moves.0', 'tally.0', 'tally.1']) as string[]);
  const beganMs = performance.now();
  const ended = await deploy(marking('b'));
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  console.log(`one function changed and running after ${Math.round(performance.now() - beganMs)} ms`);
  const after = await status(space, 'doors');
  expect([after.revision?.number, after.stableRevision?.number, after.phase]).toEqual([2, 2, 'Running']);
  await everyDoorOnce();
  expect(await resultsAreRight()).toBe('aaaaaabbbbbb');
  expect(claimedAnew(owners, await ownersOf(own, identity))).toEqual(['tally']);
  expect(await lives()).toEqual(pod);
  await untilTold(/Upgrading .*revision 2: tally begin anew with their state; \d+ stages go on untouched/);
});

test('code that throws where it is loaded is rolled back by itself: the command says so, and results go on all the while', async () => {
  const pod = await lives();
  const beganMs = performance.now();
  // On this machine it loads: only in a pod there is such a variable.
  const bad = (before: string): string =>
    `${marking('x')(before)}\nif (process.env['MILLRACE_JOB'] !== undefined) throw new RangeError('the moon is full');\n`;
  let isSending = true;
  const sending = (async () => {
    for (; isSending; await new Promise((resolve) => setTimeout(resolve, 100))) await everyDoorOnce();
  })();
  const ended = await deploy(bad);
  const tookMs = Math.round(performance.now() - beganMs);
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain('doors does not run (RolledBack)');
  console.log(`a bundle that throws was rolled back, and told, after ${tookMs} ms`);
  const found = await until('revision 2 runs again', 240_000, async () => {
    const now = await status(space, 'doors');
    return now.phase === 'Running' && now.revision?.hash === now.stableRevision?.hash ? now : null;
  });
  expect(condition(found, 'Stalled')).toBe('True RolledBack');
  expect(found.revision?.number).toBe(4);
  expect(found.rejectedHash).not.toBe(found.revision?.hash);
  await untilTold(/Warning +RolledBack .*revision 3 did not progress \(.*the moon is full.*revision 2 is run again, as 4/);
  isSending = false;
  await sending;
  await everyDoorOnce();
  expect(await resultsAreRight()).toMatch(/^a{6}b{18,}$/); // and none of what was rolled back
  expect(await lives()).toEqual(pod);
});

test('what was rolled back is not tried again; the next change is, and its code may be larger than a ConfigMap', async () => {
  await new Promise((resolve) => setTimeout(resolve, 6_000)); // a round and a half
  expect((await status(space, 'doors')).revision?.number).toBe(4);
  const pod = await lives();
  const ballast = `\nObject.assign(globalThis, { ballast: '${randomBytes(1_100_000).toString('hex')}' });\n`;
  expect(await deploy((before) => `${marking('c')(before)}${ballast}`)).toMatchObject({ code: 0, stderr: '' });
  await untilReady(space, 'doors');
  const after = await status(space, 'doors');
  expect([after.revision?.number, after.rejectedHash]).toEqual([5, undefined]);
  await everyDoorOnce();
  expect(await resultsAreRight()).toMatch(/^a{6}b{18,}c{6}$/);
  expect(await lives()).toEqual(pod);
});

test('of the bundles only those that may be needed are kept', async () => {
  const maps = await list<{ metadata: { name: string } }>('configmaps', space);
  const bundles = maps.map(({ metadata }) => metadata.name).filter((name) => name.includes('-code-'));
  expect(new Set(bundles.map(firstPartName)).size).toBeLessThanOrEqual(2);
  const { code } = (await kubectl(['get', 'streamjob', 'doors', '-n', space, '-o', 'json']).then((json) => JSON.parse(json).spec)) as {
    code: { configMap: string; more: string[] };
  };
  expect(code.more).toEqual([`${code.configMap}-2`]);
  expect(bundles).toEqual(expect.arrayContaining([code.configMap, ...code.more]));
});
