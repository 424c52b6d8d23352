// The flights example on the cluster, by the commands of its README: the results are those of a local run, byte for byte. And whatever is
// said of a job on its way is held against what is so.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runFlights } from '../support/flights-run.ts';
import { startTestServer, type TestServer } from '../support/nats.ts';
import { isWhole } from '../support/jaeger-query.ts';
import { readPayloads } from '../support/subject-payloads.ts';
import { workerImage } from './support/images.ts';
import { condition, job, makeNamespace, pods, removeNamespace, status, story, untilPhase, untilReady } from './support/jobs.ts';
import { loadJob, makeLoadStream } from './support/load.ts';
import { adminOf, connectClusterNats, connectJobNats, type ClusterNats } from './support/nats.ts';
import { liesOf, look, tasksOf, Watch } from './support/outside.ts';
import { payloadsOf } from './support/payloads.ts';
import { list } from './support/objects.ts';
import { apply, kubectl, release, run, systemNamespace, until } from './support/programs.ts';
import { connectClusterJaeger } from './support/jaeger.ts';
import { commandOf, commandsOf, typed } from './support/readme.ts';

const space = 'e2e-flights';
const README = fileURLToPath(new URL('../../examples/flights/cluster/README.md', import.meta.url));
const FEEDER = 'examples/flights/cluster/feeder.yaml';
const RESULTS = ['hourly', 'sliding', 'knock-on', 'lost', 'sessions'];
/** The streams of the example: what an earlier run left would be there already. */
const STREAMS = ['flights-in', ...RESULTS.map((name) => `flights_${name}`)];

let nats: ClusterNats;
/** Where the journals of the two jobs are. */
let flights: ClusterNats;
let truthful: ClusterNats;
let folder: string;
let local: TestServer;
let commands: readonly (readonly string[])[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-flights-'));
  await mkdir(join(folder, 'out'));
  await makeNamespace(space);
  nats = await connectClusterNats(await adminOf(space));
  [flights, truthful] = [await connectJobNats(space, 'flights'), await connectJobNats(space, 'truthful')];
  for (const stream of STREAMS) await nats.jsm.streams.delete(stream).catch(() => false);
  local = await startTestServer();
  commands = commandsOf(await readFile(README, 'utf8'));
});

afterAll(async () => {
  await forgetFeeder();
  await removeNamespace(space);
  for (const stream of STREAMS) await nats.jsm.streams.delete(stream).catch(() => false);
  for (const opened of [nats, flights, truthful]) await opened.close();
  await local.stop();
  await rm(folder, { recursive: true, force: true });
});

function forgetFeeder(): Promise<string> {
  const things = ['job/flights-feeder', 'configmap/flights-feeder', 'configmap/flights-rows'];
  return kubectl(['delete', '-n', space, ...things, '--ignore-not-found']);
}

/** The command of the README that begins so, with our names for namespaces and folders. */
function command(beginning: string): string {
  return commandOf(commands, beginning)
    .replaceAll('-n millrace ', `-n ${systemNamespace} `)
    .replaceAll(/-n demo\b/g, `-n ${space}`)
    .replaceAll(/\bout\//g, `${folder}/out/`)
    .replaceAll(FEEDER, join(folder, 'feeder.yaml'));
}

/** `kubectl get sj NAME`: heading and cells. */
async function columns(namespace: string, name: string): Promise<Readonly<Record<string, string>>> {
  const [heading = '', row = ''] = (await kubectl(['get', 'sj', name, '-n', namespace])).trimEnd().split('\n');
  const names = heading.split(/ {2,}/);
  return Object.fromEntries(row.split(/ {2,}/).map((cell, i) => [names[i], cell]));
}

/** Between keys of different partitions no order is promised (protocol J12): each key's results, in order. */
function byKey(payloads: readonly string[]): ReadonlyMap<string, string> {
  const groups = Map.groupBy(payloads, (payload) => /^\{"(?:origin|tailnum)":"([^"]*)"/.exec(payload)?.[1] ?? payload);
  return new Map([...groups].map(([key, found]) => [key, found.join('\n')]));
}

describe('the flights of January 2013', () => {
  test('the feeder fills the subject', async () => {
    const feeder = await readFile(join(README, '../feeder.yaml'), 'utf8');
    const ours = feeder.replace(/image: millrace\/worker:\S+/, `image: ${workerImage()}`);
    expect(ours).not.toBe(feeder);
    const there = ours.replace('nats://millrace-nats.millrace:', `nats://millrace-nats.${systemNamespace}:`);
    expect(there).not.toBe(ours);
    await writeFile(join(folder, 'feeder.yaml'), there);
    await forgetFeeder();
    await typed(command('npx esbuild'));
    await typed(command('kubectl create configmap flights-feeder'));
    await typed(command('kubectl create configmap flights-rows'));
    await typed(command('kubectl apply -n demo -f'));
    await typed(command('kubectl wait -n demo --for=condition'));
    expect(await kubectl(['logs', '-n', space, 'job/flights-feeder'])).toContain('55 of 55 messages stored');
    expect((await nats.jsm.streams.info('flights-in')).state.messages).toBe(55);
  });

  test('the job runs to its end, and nothing that is said of it on its way is untrue', async () => {
    const beganMs = performance.now();
    expect(await typed(command('npm run millrace -- build'))).toContain('Next: kubectl apply --server-side -k');
    const tasks = tasksOf(await readFile(join(folder, 'out/flights/stream-job.yaml'), 'utf8'), `${space}_flights`);
    expect(tasks.length).toBeGreaterThan(30);
    const appliedMs = performance.now();
    await typed(command('kubectl apply --server-side -k'));
    const watch = new Watch(flights, space, 'flights');
    await typed(command('kubectl wait -n demo --for=jsonpath')).catch(async (error: unknown) => {
      await watch.stop();
      throw new Error(`${String(error)}\n${await story(space, 'flights')}`);
    });
    const completedMs = performance.now();
    // Counted as soon as it is said to be complete: nothing comes after that.
    const counts = await Promise.all(RESULTS.map(async (name) => (await nats.jsm.streams.info(`flights_${name}`)).state.messages));
    const samples = [...(await watch.stop()), await look(flights, space, 'flights')];
    expect(samples.flatMap((sample) => liesOf(sample, tasks))).toEqual([]);
    const phases = samples.map(({ status: { phase } }) => phase).filter((phase, i, all) => phase !== undefined && phase !== all[i - 1]);
    // Not ready again for a moment, when the machine stalls for longer than workers may be silent.
    expect(phases.filter((phase) => phase !== 'Pending').join()).toMatch(/^(Starting,(Running,)?)+Completed$/);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await Promise.all(RESULTS.map(async (name) => (await nats.jsm.streams.info(`flights_${name}`)).state.messages))).toEqual(counts);
    console.log(
      `flights: built in ${Math.round(appliedMs - beganMs)} ms, completed ${Math.round(completedMs - appliedMs)} ms after apply; ${samples.length} looks: ${phases.join(' → ')}`,
    );
  });

  test('for each key the results are those of a local run, byte for byte; applications can read them', async () => {
    const here = await runFlights(join(folder, 'local'), { natsUrl: local.url });
    expect(here.outcome.ending).toBe('completed');
    await typed(command('kubectl get secret -n demo'));
    const app = await connectClusterNats(await readFile(join(folder, 'out/app.creds'), 'utf8'));
    try {
      for (const name of RESULTS) {
        const [found, expected] = [await payloadsOf(app, `flights_${name}`), await readPayloads(local.url, `flights.${name}`)];
        expect(expected.length, name).toBeGreaterThan(10);
        expect(found.length, name).toBe(expected.length);
        expect(byKey(found), name).toEqual(byKey(expected));
      }
    } finally {
      await app.close();
    }
  });

  test("its traces are whole in the chart's Jaeger: one root, every parent is there, no span twice, and they reach the sinks", async () => {
    const jaeger = await connectClusterJaeger();
    try {
      const traces = await jaeger.query.settledTraces(
        `${space}_flights/flights`,
        1_000,
        (found) => found.every(isWhole) && found.some(({ spans }) => spans.some(({ name }) => name.startsWith('send hourly'))),
      );
      expect(traces.some(({ spans }) => spans.some(({ name }) => name.startsWith('send hourly')))).toBe(true);
      for (const { traceId, spans } of traces) {
        const ids = spans.map(({ id }) => id);
        expect(new Set(ids).size, traceId).toBe(ids.length);
        expect(
          spans.filter(({ parent }) => parent === null).map(({ name }) => name),
          traceId,
        ).toEqual(['receive flights']);
        for (const { name, parent } of spans) expect(parent === null || ids.includes(parent), `${traceId} ${name}`).toBe(true);
      }
      const services = new Set(traces.flatMap(({ spans }) => spans.map(({ service }) => service)));
      expect([...services]).toEqual(expect.arrayContaining(['flights', 'aircraft', 'hourly'].map((stage) => `${space}_flights/${stage}`)));
      const aircraft = traces.flatMap(({ spans }) => spans.filter(({ name }) => name === 'process aircraft'));
      expect(aircraft.some(({ logs }) => logs.some((log) => String(log['millrace.actor.timers.set']).includes('in 172800000 ms')))).toBe(
        true,
      );
      console.log(`jaeger: ${traces.length} traces of flights, services ${[...services].sort().join(', ')}`);
    } finally {
      jaeger.close();
    }
  });

  test('completed, it has no pod, and every way of asking says the same', async () => {
    await until('no pods', 150_000, async () => ((await pods(space, 'flights')).length === 0 ? true : null));
    const { AGE, ...cells } = await until('all is counted', 150_000, async () => {
      const found = await columns(space, 'flights');
      return found['READY'] === '0/0' ? found : null;
    });
    expect(cells).toEqual({
      NAME: 'flights',
      PHASE: 'Completed',
      READY: '0/0',
      LAG: '0',
      WATERMARK: 'ended',
      RATE: '0',
      REPLICAS: '1',
    });
    expect(AGE).toMatch(/^\d+[sm]/);
    await kubectl(['wait', '-n', space, '--for=condition=Ready', 'streamjob/flights', '--timeout=100s']);
    const described = await kubectl(['describe', 'sj', 'flights', '-n', space]);
    expect(described).toContain('all input was processed and all results are written');
    expect(described).toMatch(/Normal +Deployed [\s\S]*revision 1 is deployed[\s\S]*Normal +Completed /);
    expect(described.slice(described.indexOf('Events:'))).not.toContain('Warning');
    const told = await typed(command('npm run millrace -- status'));
    expect(told).toContain('Completed');
  });

  test('deployed by the command line over what kubectl applied, nothing changes', async () => {
    const before = await job(space, 'flights');
    const said = await typed(command('npm run millrace -- deploy'));
    expect(said).toContain('✓ flights is ready (Completed)');
    const after = await job(space, 'flights');
    expect([after?.metadata.generation, after?.status?.revision]).toEqual([before?.metadata.generation, before?.status?.revision]);
    expect(await pods(space, 'flights')).toEqual([]);
  });
});

describe('a job that does not end', () => {
  const name = 'truthful';
  const nowhere = { nodeSelector: { 'example.com/there-is': 'none' } };
  const manifest = (workers: object = {}): string => JSON.stringify(loadJob(space, name, (spec) => (spec['workers'] = workers)));
  const tasks = tasksOf(manifest(), `${space}_${name}`);

  test('while the stream that it reads is not there it waits, says for what, and no pod runs', async () => {
    for (const stream of [`load-${name}`, `out-${name}`]) await nats.jsm.streams.delete(stream).catch(() => false);
    await apply(manifest(nowhere));
    const found = await untilPhase(space, name, 'Pending');
    expect(condition(found, 'Reconciling')).toBe('True Waiting');
    expect(found.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(`load-${name}`);
    const waited = await run(inject('bed').kubectl, ['wait', '-n', space, '--for=condition=Ready', `sj/${name}`, '--timeout=2s']);
    expect([waited.code, waited.stderr]).toEqual([1, expect.stringContaining('timed out') as string]);
    const { AGE: _, ...cells } = await columns(space, name);
    expect(cells).toEqual({
      NAME: name,
      PHASE: 'Pending',
      READY: '0/1',
      LAG: 'Unknown',
      WATERMARK: 'Unknown',
      RATE: 'Unknown',
      REPLICAS: '1',
    });
    expect(await pods(space, name)).toEqual([]);
  });

  test('while its pod has no node it is not ready, and Degraded says why', async () => {
    await makeLoadStream(nats, name);
    const found = await until('it is degraded', 150_000, async () => {
      const said = await status(space, name);
      return condition(said, 'Degraded') === 'True PodsNotStarting' ? said : null;
    });
    expect(found.phase).toBe('Starting');
    expect(condition(found, 'Ready')).toBe('False Starting');
    expect(found.conditions?.find(({ type }) => type === 'Degraded')?.message).toMatch(/has no node: .*node affinity\/selector/);
    expect((await columns(space, name))['READY']).toBe('0/1');
    expect((await look(truthful, space, name)).owners.size).toBe(0);
  });

  test('kubectl wait for Ready ends when all partitions have an owner that lives, and not before', async () => {
    const watch = new Watch(truthful, space, name);
    const beganMs = performance.now();
    try {
      await Promise.all([kubectl(['wait', '-n', space, '--for=condition=Ready', `sj/${name}`, '--timeout=200s']), apply(manifest())]);
    } finally {
      await watch.stop();
    }
    const tookMs = Math.round(performance.now() - beganMs);
    const after = await look(truthful, space, name);
    const { samples } = watch;
    expect([...samples, after].flatMap((sample) => liesOf(sample, tasks))).toEqual([]);
    expect([...after.owners.keys()].sort()).toEqual([...tasks].sort());
    expect(after.readyPods.length).toBe(1);
    expect(samples.some(({ status: said }) => condition(said, 'Ready').startsWith('False'))).toBe(true);
    console.log(`ready ${tookMs} ms after its pod may have a node; ${samples.length} looks`);
    const {
      AGE: _,
      RATE: rate,
      LAG: lag,
      ...cells
    } = await until('figures are told', 150_000, async () => {
      const found = await columns(space, name);
      return found['LAG'] === 'Unknown' ? null : found;
    });
    expect(cells).toEqual({ NAME: name, PHASE: 'Running', READY: '1/1', WATERMARK: 'none yet', REPLICAS: '1' });
    expect([lag, rate]).toEqual(['0', '0']);
  });

  test('when its only pod is killed it soon is not ready, and is again when another one owns all partitions', async () => {
    const [victim] = await pods(space, name);
    const killedMs = performance.now();
    await kubectl(['delete', 'pod', victim?.metadata.name ?? '', '-n', space, '--grace-period=0', '--force', '--wait=false']);
    await until('it is not ready', 150_000, async () => (condition(await status(space, name), 'Ready').startsWith('False') ? true : null));
    const toldMs = Math.round(performance.now() - killedMs);
    await untilReady(space, name);
    const after = await look(truthful, space, name);
    expect(liesOf(after, tasks)).toEqual([]);
    expect([...after.owners.values()].every(({ pod }) => pod !== victim?.metadata.name)).toBe(true);
    console.log(`not ready ${toldMs} ms after its pod was killed, ready again after ${Math.round(performance.now() - killedMs)} ms`);
  });

  test('while NATS is away nothing is claimed: Ready and figures are unknown, and no pod is restarted for it', async () => {
    const before = (await pods(space, name)).map(({ metadata }) => metadata.uid);
    const set = `statefulset/${release}-nats`;
    await kubectl(['scale', set, '-n', systemNamespace, '--replicas=0']);
    try {
      const found = await until('Ready is unknown', 150_000, async () => {
        const said = await status(space, name);
        return condition(said, 'Ready') === 'Unknown NatsUnreachable' ? said : null;
      });
      expect(condition(found, 'DurabilityDegraded')).toBe('Unknown NatsUnreachable');
      // One of them may be unknown from before: the worker has only just begun.
      await until('figures are unknown', 150_000, async () => {
        const { LAG, WATERMARK, RATE } = await columns(space, name);
        return [LAG, WATERMARK, RATE].every((cell) => cell === 'Unknown') ? true : null;
      });
      await new Promise((resolve) => setTimeout(resolve, 15_000));
    } finally {
      await kubectl(['scale', set, '-n', systemNamespace, '--replicas=1']);
    }
    await kubectl(['rollout', 'status', set, '-n', systemNamespace, '--timeout=200s']);
    await untilReady(space, name);
    expect(liesOf(await look(truthful, space, name), tasks)).toEqual([]);
    const after = await pods(space, name);
    expect(after.map(({ metadata }) => metadata.uid)).toEqual(before);
    expect(after[0]?.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test('suspended it is ready without a pod, and says that it is suspended', async () => {
    await kubectl(['patch', 'sj', name, '-n', space, '--type=merge', '-p', '{"spec":{"suspend":true}}']);
    await kubectl(['wait', '-n', space, `--for=jsonpath={.status.phase}=Suspended`, `sj/${name}`, '--timeout=200s']);
    expect(await list('pods', space, `millrace.dev/job=${name}`)).toEqual([]);
    // What its workers reported last is fresh for some seconds.
    const { AGE: _, ...cells } = await until('old figures are forgotten', 150_000, async () => {
      const now = await columns(space, name);
      return now['LAG'] === 'Unknown' && now['WATERMARK'] === 'Unknown' ? now : null;
    });
    expect(cells).toEqual({
      NAME: name,
      PHASE: 'Suspended',
      READY: '0/0',
      LAG: 'Unknown',
      WATERMARK: 'Unknown',
      RATE: '0',
      REPLICAS: '1',
    });
    const described = await kubectl(['describe', 'sj', name, '-n', space]);
    expect(described).toMatch(/Waiting [\s\S]*Deployed [\s\S]*Suspended /);
  });
});
