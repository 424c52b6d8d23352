// A job under load whose operator is killed at its writes to the API server: before they get there, and after they were carried out but
// before it is told so. The job ends as one whose operator lives, and its events never notice.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { withoutTimes } from '../operator/support/life-of-a-job.ts';
import type { When } from '../operator/support/write-proxy.ts';
import { condition, job, makeNamespace, pods, removeNamespace, status, story, untilPhase, untilReady } from './support/jobs.ts';
import { gapsOf, loadJob, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, allStreams, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { OutsideOperator } from './support/outside-operator.ts';
import { get } from './support/objects.ts';
import { apply, freshName, kubectl, until } from './support/programs.ts';
import { sharedOperator } from './support/second-release.ts';

const NAME = 'slain';
/** Of a whole step, in which operators die one after the other; a machine may have other work. */
const WAIT_MS = 240_000;
/** The first has an operator that lives; in the second one it dies. */
const spaces = ['e2e-unharmed', 'e2e-slain'].map(freshName) as [string, string];
const admins = new Map<string, ClusterNats>();
let operator: OutsideOperator;
/** How the first job was at its rests. */
const expected = new Map<Step, string>();
const steps = ['deployed', 'upgraded', 'scaled', 'suspended', 'resumed', 'deleted'] as const;
type Step = (typeof steps)[number];
/** Which one a job is on its way to. */
let step: Step = 'deployed';
/** Of the first job, in their order: what the second one's operator dies of. */
const writes: { readonly step: Step; readonly kind: string }[] = [];

beforeAll(async () => {
  for (const space of spaces) {
    await makeNamespace(space);
    admins.set(space, await connectClusterNats(await adminOf(space)));
  }
  await sharedOperator(0);
  operator = await OutsideOperator.start(spaces);
}, 900_000);

afterAll(async () => {
  await operator?.stop();
  await sharedOperator(1);
  for (const space of spaces) await removeNamespace(space);
  for (const nats of admins.values()) await nats.close();
}, 900_000);

test('a job is deployed, upgraded, scaled, suspended, resumed and deleted by an operator outside the cluster', async () => {
  operator.killAt((write) => {
    writes.push({ step, kind: kindOf(write) });
    return null;
  });
  await live(spaces[0], async (rest) => {
    expected.set(rest, await restOf(spaces[0]));
  });
  console.log(`${writes.length} writes:\n${steps.map((at) => `  ${at}: ${told(writes.filter((write) => write.step === at))}`).join('\n')}`);
  expect(writes.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['PATCH streamjobs', 'PATCH streamjobs/status', 'PATCH deployments', 'PATCH networkpolicies']),
  );
}, 900_000);

test('killed at each of its writes, before or after it in turn, as often in each step as the first job had writes of that kind (verb, resource, subresource), under load, it ends the same; no event and no pod notices', async () => {
  const deaths: Death[] = [];
  operator.killAt((write) => {
    const kind = kindOf(write);
    const when = whenToDie(deaths, kind);
    if (when !== null) deaths.push({ step, kind, when });
    return when;
  });
  const beganMs = performance.now();
  await live(spaces[1], async (rest) => {
    const wanted = expected.get(rest) ?? '';
    let seen = '';
    await until(
      `${rest} as it was without a kill:\n${wanted}`,
      WAIT_MS,
      async () => ((seen = await restOf(spaces[1])) === wanted ? true : null),
      async () => `seen:\n${seen}\n${operator.story()}`,
    );
  });
  const killed = steps.map((at) => `  ${at}: ${told(deaths.filter((death) => death.step === at))}`).join('\n');
  console.log(`${deaths.length} operators killed in ${Math.round((performance.now() - beganMs) / 1_000)} s:\n${killed}`);
  const kinds = [...new Set(writes.map(({ kind }) => kind))];
  for (const when of ['before', 'after'])
    expect(kinds.filter((kind) => !deaths.some((death) => death.kind === kind && death.when === when))).toEqual([]);
  expect([...new Set(deaths.map((death) => death.step))]).toEqual(steps);
  expect(operator.processes.length - 1).toBe(deaths.length);
}, 900_000);

type Death = { readonly step: Step; readonly kind: string; readonly when: When };

/** The other way than the last time; each kind both ways, though there be one write of it. */
function whenToDie(deaths: readonly Death[], kind: string): When | null {
  const isSame = (one: { readonly step: Step; readonly kind: string }): boolean => one.step === step && one.kind === kind;
  const before = deaths.filter((death) => death.kind === kind);
  if (before.length >= 2 && before.filter(isSame).length >= writes.filter(isSame).length) return null;
  return before.at(-1)?.when === 'before' ? 'after' : 'before';
}

/** `2 × PATCH deployments, 1 × …`. */
function told(found: readonly { readonly kind: string }[]): string {
  const kinds = Map.groupBy(found, ({ kind }) => kind);
  return [...kinds].map(([kind, all]) => `${all.length} × ${kind}`).join(', ');
}

/** `PATCH streamjobs/status` of `PATCH /apis/GROUP/VERSION/namespaces/NS/streamjobs/NAME/status`. */
function kindOf(write: string): string {
  const [, verb = '', resource = '', subresource = ''] = /^(\w+) .*?\/namespaces\/[^/]+\/([^/]+)(?:\/[^/]+(\/\w+)?)?$/.exec(write) ?? [];
  return resource === '' ? write : `${verb} ${resource}${subresource}`;
}

/** From its first word to its end, under load. At each rest `atRest` looks. */
async function live(space: string, atRest: (rest: Step) => Promise<void>): Promise<void> {
  const nats = admins.get(space) as ClusterNats;
  const tell = async (): Promise<string> => `${await story(space, NAME)}\n${operator.story()}`;
  await makeLoadStream(nats, NAME);
  const sender = new Sender(nats, { name: NAME, keys: 23, perSecond: 150 });
  sender.start();
  try {
    await declare('deployed', space, {});
    await ready(space, 1, 1, tell);
    await until('results flow', WAIT_MS, async () => ((await resultsOf(nats, NAME)).length > 100 ? true : null), tell);
    await atRest(step);
    const first = await podsOf(space);
    await declare('upgraded', space, { mark: "'b'" });
    await ready(space, 2, 1, tell);
    await atRest(step);
    expect(await podsOf(space)).toEqual(first);
    await declare('scaled', space, { mark: "'b'", replicas: 2 });
    await ready(space, 2, 2, tell);
    await atRest(step);
    expect(await podsOf(space)).toEqual(expect.arrayContaining([...first]));
    expect(await podsOf(space)).toHaveLength(2);
    await declare('suspended', space, { mark: "'b'", replicas: 2, suspend: true });
    await untilPhase(space, NAME, 'Suspended', WAIT_MS);
    await atRest(step);
    await declare('resumed', space, { mark: "'b'", replicas: 2 });
    await ready(space, 2, 2, tell);
    await atRest(step);
  } finally {
    await sender.stop();
  }
  expect(await problemsOf(nats, NAME, sender.counts())).toEqual([]);
  expect((await resultsOf(nats, NAME)).at(-1)?.mark).toBe('b');
  await until(
    'ConservationOK',
    WAIT_MS,
    async () => (condition(await status(space, NAME), 'ConservationOK') === 'True Conserved' ? true : null),
    tell,
  );
  console.log(`${space}: ${await gapsOf(nats, NAME)}`);
  step = 'deleted';
  await kubectl(['delete', 'streamjob', NAME, '-n', space, '--wait=false']);
  await until('the job is gone', WAIT_MS, async () => ((await job(space, NAME)) === null ? true : null), tell);
  await until('its pods are gone', WAIT_MS, async () => ((await pods(space, NAME)).length === 0 ? true : null), tell);
  expect((await allStreams()).filter((stream) => stream.includes(`${space}_${NAME}`))).toEqual([]);
}

async function declare(
  next: Step,
  space: string,
  { mark = "'a'", ...change }: { readonly mark?: string; readonly replicas?: number; readonly suspend?: boolean },
): Promise<void> {
  step = next;
  const declared = loadJob(space, NAME, (spec) => {
    const stages = spec['stages'] as { name: string; map?: object }[];
    const stagesMarked = stages.map((stage) => (stage.name === 'marked' ? { ...stage, map: { ...stage.map, mark } } : stage));
    Object.assign(spec, { replicas: 1, suspend: false, deletionPolicy: 'Delete', stages: stagesMarked }, change);
  });
  await apply(JSON.stringify(declared));
}

async function ready(space: string, revision: number, replicas: number, tell: () => Promise<string>): Promise<void> {
  await untilReady(space, NAME, WAIT_MS);
  const isThere = async (): Promise<true | null> => {
    const found = await status(space, NAME);
    const is = [found.phase, found.stableRevision?.number, found.replicas, found.readyReplicas, condition(found, 'Ready').split(' ')[0]];
    return is.join() === ['Running', revision, replicas, replicas, 'True'].join() ? true : null;
  };
  await until(`revision ${revision} with ${replicas} workers`, WAIT_MS, isThere, tell);
}

/** Uids; a container that was started again is another one. */
async function podsOf(space: string): Promise<readonly string[]> {
  const there = (await pods(space, NAME)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return there.map(
    ({ metadata, status: { containerStatuses } }) => `${metadata.uid} ${containerStatuses?.map(({ restartCount }) => restartCount).join()}`,
  );
}

type Child = {
  readonly metadata: { readonly labels?: object; readonly annotations?: object };
  readonly spec?: object;
  readonly data?: object;
};

/** What stays the same from one job to the next, of it and of all that the operator made for it. */
async function restOf(space: string): Promise<string> {
  const { phase, replicas, readyReplicas, revision, stableRevision, conditions = [] } = await status(space, NAME);
  const parts: Record<string, unknown> = {
    status: {
      phase,
      replicas,
      readyReplicas,
      revision,
      stableRevision,
      conditions: conditions.map(({ type, status: is, reason }) => ({ type, status: is, reason })),
    },
  };
  for (const kind of ['deployment', 'poddisruptionbudget', 'networkpolicy']) {
    const child = await get<Child>(kind, space, `${NAME}-worker`);
    parts[kind] = child === null ? null : { spec: child.spec, labels: child.metadata.labels, annotations: child.metadata.annotations };
  }
  const secret = await get<Child>('secret', space, `${NAME}-nats`);
  parts['secret'] = secret === null ? null : Object.keys(secret.data ?? {});
  return JSON.stringify(parts, withoutTimes, 1).replaceAll(space, 'NS');
}
