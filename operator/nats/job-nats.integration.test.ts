// What reconciling does in NATS, on a real server with keys, and workers as processes with the credentials that the operator makes.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import { callApi, type StreamInfo } from '../../runtime/adapters/nats/jetstream-api.ts';
import { openDirectory } from '../../runtime/adapters/nats/directory.ts';
import { oneConnection } from '../../runtime/adapters/nats/job-connections.ts';
import { Link } from '../../runtime/adapters/nats/link.ts';
import { NatsJournal } from '../../runtime/adapters/nats/nats-journal.ts';
import { decodeHeader } from '../../runtime/journal/record-codec.ts';
import { ID_HEADER } from '../../runtime/connectors/nats/result-id.ts';
import { systemClock } from '../../runtime/adapters/node/clock.ts';
import { systemRandom } from '../../runtime/adapters/node/random.ts';
import { startPod, type PodProcess } from '../../runtime/pod/pod-harness.ts';
import { readStreamJob } from '../../runtime/plan/check.ts';
import { planJob } from '../../runtime/plan/plan.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { NatsObserved } from '../lifecycle/observed.ts';
import type { SavepointProgress } from '../reconcile/nats-side.ts';
import { DurabilityLook } from './durability.ts';
import { JobNats, type JobNatsParts } from './job-nats.ts';
import { startKeyedServer, type KeyedServer } from './keyed-server-harness.ts';
import { roleCredentials } from './nats-keys.ts';
import { TenantNats } from './tenant-nats.ts';
import { WorkerReports } from './worker-reports.ts';

type Present = Extract<NatsObserved, { readonly kind: 'present' }>;

let server: KeyedServer;
/** In the account of the namespace. */
let connection: NatsConnection;
let link: Link;
let nats: TenantNats;
let folder: string;
let count = 0;
let identity = '';
let name = '';

beforeAll(async () => {
  server = await startKeyedServer();
  folder = await mkdtemp(join(tmpdir(), 'millrace-job-nats-'));
  connection = await server.operator();
  link = Link.of(connection);
  nats = open();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  name = `orders-${++count}`;
  identity = `shop_${name}`;
});

/** An operator that starts anew. */
function open(): TenantNats {
  return new TenantNats({
    accounts: server.accounts,
    connect: async ({ seed }) => {
      const made = await server.connect((await roleCredentials(seed, 'admin')).text);
      if (typeof made === 'string') throw new Error(made);
      return made;
    },
    open: (job) => jobNats(job, job.login),
    clock: systemClock,
    onTrouble: () => undefined,
  });
}

function jobNats(parts: Pick<JobNatsParts, 'connections' | 'savepoints'>, login: JobNatsParts['login']): JobNats {
  const reports = new WorkerReports(systemClock);
  reports.listen(parts.connections.job);
  const durability = new DurabilityLook({ kind: 'monitor', urls: server.monitorUrl }, systemClock);
  return new JobNats({ ...parts, reports, login, replicas: 1, durability, clock: systemClock, random: systemRandom });
}

/** As the operator, in the job's account. */
async function own(of = identity): Promise<Link> {
  return Link.of(await server.operator(of));
}

function plan(of = identity, subject = `${name}.in`, startFrom = 'earliest'): PhysicalPlan {
  const text = `
apiVersion: millrace.dev/v1alpha1
kind: StreamJob
metadata: { name: ${of.split('_')[1]} }
spec:
  sources:
    - { name: orders, nats: { subjects: ['${subject}'], startFrom: ${startFrom} }, schema: { shop: string, amount: double } }
  stages:
    - { name: sums, from: orders, keyBy: event.shop, aggregate: { total: { sum: event.amount } }, partitions: 2 }
  sinks:
    - { name: out, from: sums, nats: { subject: ${of.split('_')[1]}.out } }
`;
  return planJob(readStreamJob(text, { file: 'job', parameters: {} }), {}, { identity: of, deadLetterFile: false });
}

async function stream(streamName: string, subjects: readonly string[]): Promise<void> {
  expect((await callApi(link, `STREAM.CREATE.${streamName}`, { name: streamName, subjects })).kind).toBe('ok');
}

const remove = (on: Link, streamName: string): Promise<unknown> => callApi(on, `STREAM.DELETE.${streamName}`);

/** Of 0 … 19 by their rest when divided by five. */
const TOTALS = { s0: 30, s1: 34, s2: 38, s3: 42, s4: 46 };

const first = (): RevisionStatus => ({ number: 1, hash: 'abc', generation: 1 });

async function resolved(wanted = plan()): Promise<PhysicalPlan> {
  const answer = await nats.resolve(wanted.job, wanted);
  if (answer.kind !== 'resolved') throw new Error(JSON.stringify(answer));
  return answer.plan;
}

async function deploy(wanted: PhysicalPlan, restore: string | null = null): Promise<void> {
  expect(await nats.ensure(wanted.job, wanted)).toEqual({ kind: 'done' });
  const revision = { identity: wanted.job, revision: first(), plan: wanted, code: null, parameters: {}, workers: 1, runId: null, restore };
  expect(await nats.writeRevision({ ...revision, run: 'new' })).toEqual({ kind: 'done' });
}

async function observed(): Promise<Present> {
  const found = await nats.observe(identity);
  if (found.kind !== 'present') throw new Error(found.reason);
  return found;
}

/** Streams in the account of the job. */
async function namesIn(): Promise<readonly string[]> {
  const answer = await callApi<{ readonly streams: readonly string[] | null }>(await own(), 'STREAM.NAMES', {});
  if (answer.kind !== 'ok') throw new Error(JSON.stringify(answer));
  return answer.value.streams ?? [];
}

/** The first observation with which `holds`. */
async function until(holds: (found: Present) => boolean, withinMs = 10_000): Promise<Present> {
  for (const endMs = performance.now() + withinMs; ;) {
    const found = await observed();
    if (holds(found) || performance.now() > endMs) return found;
    await systemClock.sleep(200);
  }
}

describe('a deployment', () => {
  test('waits for the stream of its source, and says which', async () => {
    expect(await nats.resolve(identity, plan())).toMatchObject({
      kind: 'waiting',
      reasons: [expect.stringContaining(`no stream holds the subject "${name}.in"`) as string],
    });
    await stream(`IN-${count}`, [`${name}.in`]);
    expect((await nats.resolve(identity, plan())).kind).toBe('resolved');
  });

  test('of the same job with a stage in another pool is planned anew, though its state is the same', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const before = await resolved();
    const pooled = { ...plan(), stages: plan().stages.map((stage) => (stage.id === 'sums' ? { ...stage, pool: 'heavy' } : stage)) };
    expect(pooled.fingerprint).toBe(plan().fingerprint);
    expect((await resolved(pooled)).stages.map(({ id, pool }) => [id, pool])).toContainEqual(['sums', 'heavy']);
    expect(await resolved()).toEqual(before);
  });

  test.each(['*.shop_victim.>', '*.MR_shop_victim.job'])('cannot read another job of one account by the wildcard %s', async (subject) => {
    if ((await callApi(link, 'STREAM.INFO.VICTIM')).kind === 'error') await stream('VICTIM', ['victim.in']);
    const shared = jobNats({ connections: oneConnection(connection), savepoints: () => Promise.resolve(connection) }, { kind: 'none' });
    const victim = plan('shop_victim', 'victim.in');
    const found = await shared.resolve(victim.job, victim);
    if (found.kind !== 'resolved') throw new Error(JSON.stringify(found));
    expect(await shared.ensure(victim.job, found.plan)).toEqual({ kind: 'done' });
    expect(await shared.resolve(identity, plan(identity, subject))).toMatchObject({
      kind: 'waiting',
      reasons: [expect.stringContaining('no stream holds') as string],
    });
  });

  test('makes its streams, and what is observed of it is what was written', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    expect(await observed()).toMatchObject({ record: null, hasLanes: false, lost: [], drift: [], durability: { kind: 'durable' } });
    await deploy(await resolved());
    expect(await observed()).toMatchObject({
      record: { revision: 1 },
      revision: first(),
      kept: [1],
      failure: null,
      completed: false,
      lost: [],
      drift: [],
    });
  });

  test('that ended between its streams and its record has lost nothing', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await nats.ensure(identity, wanted);
    expect(await observed()).toMatchObject({ record: null, hasLanes: false });
    const lanes = await own();
    await lanes.request(`mr.${identity}.sums.0`, 'a record', { timeoutMs: 60_000 });
    await remove(lanes, `KV_MR_${identity}`);
    expect(await until(({ hasLanes }) => hasLanes)).toMatchObject({ record: null, hasLanes: true });
  });
});

describe('drift', () => {
  beforeEach(async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    await deploy(await resolved());
  });

  test('a journal that is gone is lost, after a moment, and not made anew by looking', async () => {
    await remove(await own(), `MR_${identity}_sums`);
    expect(await until(({ lost }) => lost.length > 0)).toMatchObject({ lost: [`the journal MR_${identity}_sums is gone`] });
  });

  test.each([
    ['the blobs', (): string => `MR_${identity}_blobs`, own],
    ['the stream of the dead letters', (): string => `${identity}_dead-letters`, own],
    ['the stream of a sink', (): string => `${name}_out`, (): Promise<Link> => Promise.resolve(link)],
  ])('%s is made again', async (_what, streamName, where) => {
    const on = await where();
    await remove(on, streamName());
    const found = await until(({ drift }) => drift.length > 0);
    expect(found).toMatchObject({ lost: [], drift: [expect.stringContaining(`${streamName()}`) as string] });
    await nats.ensure(identity, found.record!.plan as PhysicalPlan);
    expect(await until(({ drift }) => drift.length === 0)).toMatchObject({ drift: [] });
    expect((await callApi(on, `STREAM.INFO.${streamName()}`)).kind).toBe('ok');
  });

  test('settings that lose records are set back', async () => {
    const lane = `MR_${identity}_sums`;
    await until(({ drift }) => drift.length === 0);
    const lanes = await own();
    const info = await callApi<StreamInfo>(lanes, `STREAM.INFO.${lane}`);
    if (info.kind !== 'ok') throw new Error('no lane');
    const changed = { ...info.value.config, max_age: 3_600_000_000_000, discard: 'old' };
    expect((await callApi(lanes, `STREAM.UPDATE.${lane}`, changed)).kind).toBe('ok');
    const found = await until(({ drift }) => drift.length > 0);
    expect(found.drift).toEqual([`stream ${lane}: discard is "old", must be "new", max_age is 3600000000000, must be 0`]);
    expect(await nats.ensure(identity, found.record!.plan as PhysicalPlan)).toEqual({ kind: 'done' });
    const mended = await callApi<StreamInfo>(lanes, `STREAM.INFO.${lane}`);
    expect(mended).toMatchObject({ value: { config: { max_age: 0, discard: 'new', deny_delete: true } } });
    expect((await observed()).drift).toEqual([]);
  });

  test('a server that was away and recovers says nothing false', async () => {
    const told: NatsObserved[] = [];
    let ended = false;
    const watching = (async () => {
      while (!ended) {
        told.push(await nats.observe(identity));
        await systemClock.sleep(20);
      }
    })();
    await server.kill();
    await until(() => true).catch(() => undefined);
    await server.start();
    while (told.at(-1)?.kind !== 'present' || !told.some(({ kind }) => kind === 'absent')) await systemClock.sleep(20);
    await systemClock.sleep(1_000);
    ended = true;
    await watching;
    expect(told.some(({ kind }) => kind === 'absent')).toBe(true);
    expect(told.flatMap((found) => (found.kind === 'present' ? [...found.lost, ...found.drift] : []))).toEqual([]);
  });

  test('removed state leaves nothing, and no other job loses anything', async () => {
    const other = `${identity}x`;
    await stream(`INX-${count}`, [`${name}x.in`]);
    await deploy(await resolvedOf(other));
    expect(await nats.removeState(identity, 'run')).toEqual({ kind: 'done' });
    expect(await namesIn()).toEqual([`${identity}_dead-letters`]);
    expect(await nats.removeState(identity, 'job')).toEqual({ kind: 'done' });
    expect(await nats.removeState(identity, 'job')).toEqual({ kind: 'done' });
    expect(await namesIn()).toEqual([]);
    expect(await observed()).toMatchObject({ record: null, hasLanes: false });
    expect(await nats.observe(other)).toMatchObject({ kind: 'present', record: { revision: 1 }, lost: [] });
  });
});

describe('revisions', () => {
  const revision = (number: number): RevisionStatus => ({ number, hash: `hash-${number}`, generation: number });

  test('five are kept; an earlier one runs again under a new number, in the same run', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await deploy(wanted);
    const { runId } = (await observed()).record!;
    for (let number = 2; number <= 7; number++) {
      const write = { identity, revision: revision(number), plan: wanted, code: null, parameters: {}, workers: 1, runId, restore: null };
      expect(await nats.writeRevision({ ...write, run: 'continued' })).toEqual({ kind: 'done' });
    }
    expect(await observed()).toMatchObject({ kept: [3, 4, 5, 6, 7], revision: revision(7), record: { runId, revision: 7 } });
    expect(await nats.restoreRevision(identity, 2, revision(8))).toMatchObject({ kind: 'refused' });
    expect(await nats.restoreRevision(identity, 4, revision(8))).toEqual({ kind: 'done' });
    expect(await observed()).toMatchObject({ kept: [4, 5, 6, 7, 8], revision: revision(8), record: { runId, revision: 8 } });
  });

  test('what workers say of their end is heard at once, and a failure can be cleared', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    await deploy(await resolved());
    const heard = new Promise<string>((resolve) => nats.onChange((of) => (of === identity ? resolve(of) : undefined)));
    const failure = { code: 'MR2105', message: 'm', fix: 'f', task: 'sums/0', revision: 1 };
    await (await openDirectory((await own()).nc, identity)).put('failure', failure);
    expect(await heard).toBe(identity);
    expect(await observed()).toMatchObject({ failure });
    await nats.clearFailure(identity);
    expect(await observed()).toMatchObject({ failure: null });
  });
});

function resolvedOf(other: string): Promise<PhysicalPlan> {
  return resolved(plan(other, `${other.split('_')[1]}.in`));
}

describe('workers with the credentials of their job', () => {
  const pods: PodProcess[] = [];
  afterEach(async () => {
    await Promise.all(pods.splice(0).map((pod) => pod.end('SIGTERM')));
  });

  async function work(of: PhysicalPlan): Promise<void> {
    const credentials = await nats.credentials(of.job, of);
    const mounted = join(folder, of.job);
    await mkdir(mounted, { recursive: true });
    const path = join(mounted, 'nats.creds');
    await writeFile(path, credentials!.text);
    pods.push(startPod({ natsUrl: server.url, job: of.job, worker: `${of.job.split('_')[1]}-w`, credentials: path }));
  }

  async function feed(amounts: readonly number[], subject = `${name}.in`): Promise<void> {
    for (const amount of amounts) await link.request(subject, JSON.stringify({ shop: `s${amount % 5}`, amount }), { timeoutMs: 60_000 });
  }

  /** Waits until the last total that the sink wrote of each shop is as it is to be. */
  async function expectTotals(of: string, wanted: Readonly<Record<string, number>>): Promise<void> {
    const found: Record<string, number> = {};
    const endMs = performance.now() + 20_000;
    for (let sequence = 1; !isDeepStrictEqual(found, wanted) && performance.now() < endMs;) {
      const answer = await callApi<{ message: { data: string } }>(link, `STREAM.MSG.GET.${of}_out`, { seq: sequence });
      if (answer.kind === 'ok') {
        const result = JSON.parse(Buffer.from(answer.value.message.data, 'base64').toString()) as { shop: string; total: number };
        found[result.shop] = result.total;
        sequence++;
      } else await systemClock.sleep(100);
    }
    expect(found, pods.map(({ lines }) => JSON.stringify(lines)).join('; ')).toEqual(wanted);
  }

  test('run; their figures are heard, and known again when they are fresh', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await deploy(wanted);
    const bus = (await own()).nc;
    for (const text of ['{', 'null', '{"worker":"w","revision":1,"tasks":[{}]}']) bus.publish(`mr.${identity}.bus.report`, text);
    await bus.flush();
    expect(nats.figures(identity, wanted)).toBeNull();
    await work(wanted);
    await feed(numbers(0, 20));
    await expectTotals(name, TOTALS);
    const names = wanted.stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, p) => `${id}/${p}`));
    while (nats.figures(identity, wanted)?.tasks.size !== names.length) await systemClock.sleep(100);
    expect([...nats.figures(identity, wanted)!.tasks.keys()].sort()).toEqual(names.sort());
  });

  test('that begin at the latest and die before the first event leave to others where they began', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    await feed([1_000, 2_000]);
    const wanted = await resolved(plan(identity, `${name}.in`, 'latest'));
    await deploy(wanted);
    await work(wanted);
    const source = wanted.stages.find(({ kind }) => kind === 'source')!;
    const journal = new NatsJournal(await own());
    const stored = async (): Promise<unknown> => {
      const record = await journal.last(source.stream, `${source.subjectPrefix}.0`);
      return record === null ? null : decodeHeader(record.bytes).source;
    };
    await expect.poll(stored, { timeout: 90_000 }).toMatchObject({ sequence: 2 });
    await pods.at(-1)!.end('SIGKILL');
    await feed(numbers(0, 20));
    await work(wanted);
    await expectTotals(name, TOTALS);
  });

  test('killed in the midst of it again and again, count each event once and write each result once', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await deploy(wanted);
    const total: Record<string, number> = {};
    for (let round = 0; round < 3; round++) {
      await work(wanted);
      const amounts = numbers(round * 200, round * 200 + 200);
      for (const amount of amounts) total[`s${amount % 5}`] = (total[`s${amount % 5}`] ?? 0) + amount;
      await Promise.all([feed(amounts), systemClock.sleep(2_000 + 300 * round)]);
      await pods.pop()?.end('SIGKILL');
    }
    await work(wanted);
    await expectTotals(name, total);
    const ids = new Set<string>();
    const last = await callApi<StreamInfo>(link, `STREAM.INFO.${name}_out`);
    const written = last.kind === 'ok' ? last.value.state.last_seq : 0;
    for (let sequence = 1; sequence <= written; sequence++) {
      const answer = await callApi<{ message: { hdrs: string } }>(link, `STREAM.MSG.GET.${name}_out`, { seq: sequence });
      const headers = answer.kind === 'ok' ? Buffer.from(answer.value.message.hdrs, 'base64').toString().split('\r\n') : [];
      ids.add(headers.find((header) => header.startsWith(ID_HEADER)) ?? 'none');
    }
    expect([ids.size, written > 0]).toEqual([written, true]);
  });

  test('hand in a savepoint, from which another job goes on', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await deploy(wanted);
    await work(wanted);
    await feed(numbers(0, 20));
    await expectTotals(name, TOTALS);

    let progress: SavepointProgress = { kind: 'working', message: '' };
    const told = new Set<string>();
    for (let step = 0; progress.kind === 'working'; step++) {
      // Each step by an operator that has just started.
      if (step % 3 === 2) nats = open();
      progress = await nats.advanceSavepoint(`shop_kept-${count}`, identity);
      if (progress.kind === 'working') told.add(progress.message);
      await systemClock.sleep(100);
    }
    expect(progress).toMatchObject({ kind: 'done', manifest: { job: identity, revision: 1 } });
    expect([...told]).toEqual(expect.arrayContaining(['sources pause', 'workers store their tasks', 'all tasks are stored']));
    const directory = await openDirectory((await own()).nc, identity);
    for (const key of ['pause', 'savepoint']) expect(await directory.get(key)).toBeNull();

    // It goes on itself; the savepoint does not know of it.
    await feed([100]);
    await expectTotals(name, { ...TOTALS, s0: 130 });
    await Promise.all(pods.splice(0).map((pod) => pod.end('SIGTERM')));
    expect(await nats.removeState(identity, 'job')).toEqual({ kind: 'done' });

    const other = `${identity}-again`;
    const again = await resolved(plan(other, `${name}.in`));
    await nats.ensure(other, again);
    expect(await nats.prepareRestore(`shop_kept-${count}`, other)).toEqual({ kind: 'done' });
    await deploy(again, `kept-${count}`);
    await work(again);
    // It reads on behind the twentieth: the one with 100 comes again, the first twenty count by the state only.
    await expectTotals(`${name}-again`, { s0: 130 });
    expect(await nats.removeSavepoint(`shop_kept-${count}`, identity)).toEqual({ kind: 'done' });
    expect(await nats.advanceSavepoint(`shop_kept-${count}`, identity)).toMatchObject({ kind: 'failed' });
  });

  test('a savepoint that is deleted while it is taken lets sources go on', async () => {
    await stream(`IN-${count}`, [`${name}.in`]);
    const wanted = await resolved();
    await deploy(wanted);
    expect(await nats.advanceSavepoint(`shop_gone-${count}`, identity)).toMatchObject({ kind: 'working' });
    const directory = await openDirectory((await own()).nc, identity);
    expect(await directory.get('pause')).not.toBeNull();
    expect(await nats.removeSavepoint(`shop_gone-${count}`, identity)).toEqual({ kind: 'done' });
    expect(await directory.get('pause')).toBeNull();
  });
});

function numbers(from: number, count_: number): readonly number[] {
  return Array.from({ length: count_ }, (_, index) => from + index);
}
