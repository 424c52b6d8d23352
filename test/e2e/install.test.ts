// The chart as it is: installed, tested, upgraded by both versions of Helm, uninstalled, installed again. A second release that may only see
// its own namespace stands beside the one that all other tests use.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { job, makeNamespace, pods, removeNamespace, status, untilReady, type PodObject } from './support/jobs.ts';
import { applyLoadJob, loadJob, makeLoadStream, problemsOf, resultsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, operatorSeed, type ClusterNats } from './support/nats.ts';
import { chart, makeOldChart } from './support/old-chart.ts';
import { deleteNamespace, installRelease, sharedOperator, uninstallRelease, valuesOf } from './support/second-release.ts';
import { get, list } from './support/objects.ts';
import { HELM_LIMIT_MS, apply, helm, kubectl, release, run, systemNamespace, until, wanted } from './support/programs.ts';

/** By the other version of Helm. */
async function helm3(args: readonly string[]): Promise<string> {
  return wanted('helm3', args, await run(inject('bed').helm3, args, { timeoutMs: HELM_LIMIT_MS }));
}

/** Which pods there are, and how often they began anew. */
async function lives(namespace: string, selector: string): Promise<readonly string[]> {
  const found = await list<PodObject>('pods', namespace, selector);
  return found
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, status: { containerStatuses } }) => `${metadata.uid} ${containerStatuses?.[0]?.restartCount}`)
    .sort();
}

const since = (beganMs: number): string => `${((performance.now() - beganMs) / 1000).toFixed(1)} s`;
const names = async (kind: string, namespace: string, selector = ''): Promise<readonly string[]> =>
  (await list<{ metadata: { name: string } }>(kind, namespace, selector)).map(({ metadata }) => metadata.name).sort();

describe('a release for one namespace', () => {
  const space = 'e2e-install';
  const installed = { namespace: space, fullname: 'second-millrace' };
  const second = { name: 'second', namespace: space };
  let nats: ClusterNats | null = null;
  let sender: Sender;

  const there = (): ClusterNats => {
    if (nats === null) throw new Error('the release was not installed');
    return nats;
  };
  const install = (): Promise<string> => installRelease(second);

  /** Jobs that are left wait for an operator: `afterwards` brings the other one back. */
  async function removeRelease(afterwards: () => Promise<unknown> = async () => undefined): Promise<void> {
    await uninstallRelease(second);
    await afterwards();
    await deleteNamespace(space);
  }

  beforeAll(async () => {
    await removeRelease();
    await makeNamespace(space);
    // It runs the jobs of all namespaces, and of one namespace only one operator should.
    await sharedOperator(0);
  });

  afterAll(async () => {
    try {
      await sender?.stop();
      await nats?.close();
      await removeNamespace(space);
    } finally {
      await removeRelease(() => sharedOperator(1));
    }
  });

  test('is there with one command; operator and NATS are ready, under restricted Pod Security', async () => {
    const beganMs = performance.now();
    const notes = await install();
    console.log(`helm install --wait: ${since(beganMs)}`);
    expect(notes).toContain(`runs StreamJobs of ${space} on 1 NATS server of its own`);
    const found = await list<PodObject & { status: { phase: string } }>('pods', space);
    expect(
      found.map(({ metadata, status: { phase, containerStatuses } }) => [metadata.name, phase, containerStatuses?.[0]?.ready]),
    ).toEqual([
      [`${installed.fullname}-nats-0`, 'Running', true],
      [expect.stringContaining(`${installed.fullname}-operator-`) as string, 'Running', true],
    ]);
  });

  test('has no right outside of its namespace', async () => {
    const selector = 'app.kubernetes.io/instance=second';
    for (const kind of ['clusterroles', 'clusterrolebindings']) expect(await names(kind, space, selector), kind).toEqual([]);
    const account = `system:serviceaccount:${space}:${installed.fullname}-operator`;
    const may = async (verb: string, what: string, ...where: readonly string[]): Promise<string> => {
      const { stdout } = await run(inject('bed').kubectl, ['auth', 'can-i', verb, what, '--as', account, ...where]);
      return stdout.trim();
    };
    for (const what of ['streamjobs.millrace.dev', 'pods', 'deployments.apps', 'secrets']) {
      expect(await may('list', what, '-n', space), `list ${what} of its own namespace`).toBe('yes');
      for (const where of [['-n', 'default'], ['-n', systemNamespace], ['--all-namespaces']])
        expect(await may('list', what, ...where), `list ${what} ${where.join(' ')}`).toBe('no');
    }
    for (const [verb, what] of [
      ['create', 'pods'],
      ['get', 'nodes'],
      ['list', 'customresourcedefinitions.apiextensions.k8s.io'],
      ['create', 'rolebindings.rbac.authorization.k8s.io'],
      ['impersonate', 'users'],
    ] as const)
      expect(await may(verb, what, '-n', space), `${verb} ${what}`).toBe('no');
  });

  test('runs the jobs of its namespace', async () => {
    nats = await connectClusterNats(await adminOf(space), { installed });
    await makeLoadStream(nats, 'small');
    const beganMs = performance.now();
    await applyLoadJob(space, 'small');
    await untilReady(space, 'small');
    console.log(`a job is ready ${since(beganMs)} after apply`);
    sender = new Sender(nats, { name: 'small', keys: 7, perSecond: 50 });
    await sender.send(140);
    expect(await problemsOf(nats, 'small', sender.counts())).toEqual([]);
  });

  test('passes helm test', async () => {
    const beganMs = performance.now();
    const told = await helm(['test', 'second', '-n', space, '--timeout', '5m']);
    expect(told).toMatch(/Phase:\s+Succeeded/);
    console.log(`helm test of the release for one namespace: ${since(beganMs)}`);
    expect(await names('streamjobs', space)).toEqual(['small']);
  });

  test('is upgraded by Helm 3: the operator begins anew, NATS and workers do not', async () => {
    const [worker, server] = [await lives(space, 'millrace.dev/job=small'), await lives(space, 'app.kubernetes.io/component=nats')];
    const operator = await lives(space, 'app.kubernetes.io/component=operator');
    const beganMs = performance.now();
    await helm3(['upgrade', 'second', chart, '-n', space, ...valuesOf(), '--set', 'operator.resources.requests.cpu=60m', '--wait']);
    console.log(`helm3 upgrade --wait: ${since(beganMs)}`);
    await until('the operator is another one', 150_000, async () => {
      const now = await lives(space, 'app.kubernetes.io/component=operator');
      return now.length === 1 && now[0] !== operator[0] ? true : null;
    });
    await sender.send(70);
    expect(await problemsOf(there(), 'small', sender.counts())).toEqual([]);
    await untilReady(space, 'small');
    expect(await lives(space, 'millrace.dev/job=small')).toEqual(worker);
    expect(await lives(space, 'app.kubernetes.io/component=nats')).toEqual(server);
  });

  test('uninstalled, it leaves definitions, jobs, the volume and the keys; installed again, it goes on with them', async () => {
    const [before, keys] = [await job(space, 'small'), await operatorSeed(installed)];
    const worker = await lives(space, 'millrace.dev/job=small');
    await helm(['uninstall', 'second', '-n', space, '--wait', '--timeout', '5m']);
    await until('its pods are gone', 150_000, async () =>
      (await names('pods', space, 'app.kubernetes.io/instance=second')).length === 0 ? true : null,
    );
    expect(await kubectl(['get', 'crd', '-o', 'name'])).toMatch(/streamjobs\.millrace\.dev[\s\S]*streamsavepoints\.millrace\.dev/);
    expect((await job(space, 'small'))?.metadata.uid).toBe(before?.metadata.uid);
    expect(await names('persistentvolumeclaims', space)).toEqual([`data-${installed.fullname}-nats-0`]);
    expect(await operatorSeed(installed)).toBe(keys);
    expect(await names('deployments', space)).toEqual(['small-worker']);

    const beganMs = performance.now();
    await install();
    await untilReady(space, 'small');
    console.log(`installed again, and its job ready: ${since(beganMs)}`);
    await sender.send(70);
    expect(await problemsOf(there(), 'small', sender.counts())).toEqual([]);
    expect((await status(space, 'small')).revision?.number).toBe(1);
    expect((await lives(space, 'millrace.dev/job=small')).map((life) => life.split(' ')[0])).toEqual(
      worker.map((life) => life.split(' ')[0]),
    );
  });
});

describe('the release of all namespaces', () => {
  const space = 'e2e-upgrade';
  const FIELD = 'priorityClassName';
  let nats: ClusterNats;
  let folder: string;
  let sender: Sender;

  beforeAll(async () => {
    await makeNamespace(space);
    folder = await mkdtemp(join(tmpdir(), 'millrace-e2e-chart-'));
    nats = await connectClusterNats(await adminOf(space));
    await makeLoadStream(nats, 'steady');
    await applyLoadJob(space, 'steady');
    await untilReady(space, 'steady');
    sender = new Sender(nats, { name: 'steady', keys: 7, perSecond: 50 });
    sender.start();
  });

  afterAll(async () => {
    await sender.stop();
    // Whatever happened: the tests that follow need the chart as it is.
    await upgradeTo(chart);
    await kubectl(['delete', 'priorityclass', 'e2e-late', '--ignore-not-found']);
    await removeNamespace(space);
    await nats.close();
    await rm(folder, { recursive: true, force: true });
  });

  function upgradeTo(path: string): Promise<string> {
    return helm(['upgrade', release, path, '-n', systemNamespace, ...inject('bed').helmValues, '--wait', '--timeout', '5m']);
  }

  const withPriority = (): string => JSON.stringify(loadJob(space, 'steady', (spec) => (spec['workers'] = { [FIELD]: 'e2e-late' })));

  /** Why the API server would not take the field; empty: it would. */
  async function refusal(): Promise<string> {
    const args = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'];
    return (await run(inject('bed').kubectl, args, { input: withPriority() })).stderr;
  }

  test('passes helm test: a small job to its end', async () => {
    const beganMs = performance.now();
    const told = await helm(['test', release, '-n', systemNamespace, '--timeout', '5m']);
    expect(told).toMatch(/Phase:\s+Succeeded/);
    console.log(`helm test: ${since(beganMs)}`);
    expect(await names('streamjobs', systemNamespace)).toEqual([]);
    await until('its pod is gone', 150_000, async () =>
      (await names('pods', systemNamespace, 'app.kubernetes.io/component=helm-test')).length === 0 ? true : null,
    );
  });

  test('upgraded from the version before, it serves a field that is new; what ran goes on, nobody restarts', async () => {
    const all = async (): Promise<unknown> => [
      await lives(space, 'millrace.dev/job=steady'),
      await lives(systemNamespace, 'app.kubernetes.io/component=nats'),
      await lives(systemNamespace, 'app.kubernetes.io/component=operator'),
    ];
    const before = await all();
    await upgradeTo(await makeOldChart(folder, FIELD));
    await until(
      'the version before does not know the field',
      150_000,
      async () => ((await refusal()).includes(`.spec.workers.${FIELD}: field not declared in schema`) ? true : null),
      refusal,
    );
    const explained = async (): Promise<boolean> =>
      (await run(inject('bed').kubectl, ['explain', `streamjob.spec.workers.${FIELD}`])).code === 0;
    // What `kubectl explain` reads is published a little later than what is served.
    await until('kubectl does not explain it', 150_000, async () => ((await explained()) ? null : true));
    const version = await kubectl(['get', 'crd', 'streamjobs.millrace.dev', '-o', 'jsonpath={.metadata.resourceVersion}']);

    const beganMs = performance.now();
    await upgradeTo(chart);
    console.log(`helm upgrade --wait: ${since(beganMs)}`);
    await until('the field is served', 150_000, async () => ((await refusal()) === '' ? true : null), refusal);
    await until('kubectl explains it', 150_000, async () => ((await explained()) ? true : null));
    expect(await kubectl(['get', 'crd', 'streamjobs.millrace.dev', '-o', 'jsonpath={.metadata.resourceVersion}'])).not.toBe(version);
    expect(await all()).toEqual(before);
    const seen = (await resultsOf(nats, 'steady')).length;
    await until('results go on', 150_000, async () => ((await resultsOf(nats, 'steady')).length > seen ? true : null));
  });

  test('the new field has its effect on the job that ran all the time, and no result is lost', async () => {
    await apply(
      JSON.stringify({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name: 'e2e-late' },
        value: 10,
        description: 'e2e',
      }),
    );
    await apply(withPriority());
    await until('its pod has the priority', 150_000, async () => {
      const [first, ...more] = await list<{ spec: { priorityClassName?: string } }>('pods', space, 'millrace.dev/job=steady');
      return more.length === 0 && first?.spec.priorityClassName === 'e2e-late' ? true : null;
    });
    await untilReady(space, 'steady');
    await sender.stop();
    expect(await problemsOf(nats, 'steady', sender.counts())).toEqual([]);
    expect((await pods(space, 'steady')).length).toBe(1);
    expect((await get<{ spec: object }>('deployment', space, 'steady-worker'))?.spec).toMatchObject({
      template: { spec: { priorityClassName: 'e2e-late' } },
    });
  });
});
