// An operator for a list of namespaces: it has Roles there and nowhere else, runs the jobs of these namespaces to exact results on the NATS
// of its own namespace, and leaves a job in any other one alone.

import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { condition, job, makeNamespace, pods, removeNamespace, untilCondition, untilPhase, untilReady } from './support/jobs.ts';
import { applyLoadJob, makeLoadStream, problemsOf, Sender } from './support/load.ts';
import { adminOf, connectClusterNats, type ClusterNats } from './support/nats.ts';
import { list } from './support/objects.ts';
import { freshName, helm, kubectl, run, systemNamespace } from './support/programs.ts';
import { deleteNamespace, installRelease, sharedOperator, uninstallRelease } from './support/second-release.ts';

const home = 'e2e-listed';
const release = { name: 'listed', namespace: home };
const installed = { namespace: home, fullname: 'listed-millrace' };
const [orders, payments, unlisted] = [freshName('e2e-orders'), freshName('e2e-payments'), freshName('e2e-unlisted')];
const listed = [orders, payments];
const spaces = [home, ...listed, unlisted];

const opened: ClusterNats[] = [];

beforeAll(async () => {
  await uninstallRelease(release);
  await deleteNamespace(home);
  for (const space of spaces) await makeNamespace(space);
  await sharedOperator(0);
  const notes = await installRelease(release, [`namespaces={${listed.join(',')}}`]);
  expect(notes).toContain(`runs StreamJobs of ${orders}, ${payments} on 1 NATS server of its own`);
});

afterAll(async () => {
  try {
    for (const space of listed) await removeNamespace(space);
    for (const nats of opened) await nats.close();
  } finally {
    // Nobody has put a finalizer on these.
    for (const space of [home, unlisted]) await kubectl(['delete', 'streamjobs', '--all', '-n', space, '--wait=true', '--timeout=200s']);
    await uninstallRelease(release);
    await sharedOperator(1);
    for (const space of [home, unlisted]) await deleteNamespace(space);
  }
});

test('it has a Role in each listed namespace and one for its own objects, and nothing of the whole cluster', async () => {
  const selector = 'app.kubernetes.io/instance=listed';
  for (const kind of ['clusterroles', 'clusterrolebindings']) expect(await list(kind, home, selector), kind).toEqual([]);
  for (const kind of ['roles', 'rolebindings']) {
    const text = await kubectl(['get', kind, '--all-namespaces', '-l', selector, '-o', 'json']);
    const { items } = JSON.parse(text) as { items: readonly { metadata: { name: string; namespace: string } }[] };
    const found = items.map(({ metadata: { name, namespace } }) => `${namespace}/${name}`).filter((one) => !one.includes('helm-test'));
    const wanted = [`${home}/${installed.fullname}-operator`, ...listed.map((space) => `${space}/${installed.fullname}-jobs`)];
    expect(found.sort(), kind).toEqual(wanted.sort());
  }
});

test('what it may, by the API server: all that jobs need where they are listed, and not even to look elsewhere', async () => {
  const account = `system:serviceaccount:${home}:${installed.fullname}-operator`;
  const may = async (verb: string, what: string, ...where: readonly string[]): Promise<string> =>
    (await run(inject('bed').kubectl, ['auth', 'can-i', verb, what, '--as', account, ...where])).stdout.trim();
  const asked = [
    ['list', 'streamjobs.millrace.dev'],
    ['list', 'pods'],
    ['patch', 'deployments.apps'],
    ['patch', 'secrets'],
    ['patch', 'networkpolicies.networking.k8s.io'],
  ] as const;
  for (const [verb, what] of asked) {
    for (const space of listed) expect(await may(verb, what, '-n', space), `${verb} ${what} in ${space}`).toBe('yes');
    for (const where of [['-n', home], ['-n', unlisted], ['-n', 'default'], ['-n', systemNamespace], ['--all-namespaces']])
      expect(await may(verb, what, ...where), `${verb} ${what} ${where.join(' ')}`).toBe('no');
  }
});

test('it runs the jobs of both to exact results, one of them to its end; jobs elsewhere are left alone', async () => {
  // First, so that there was time to do something about them.
  for (const space of [unlisted, home]) await applyLoadJob(space, 'alone');
  for (const [space, name, bounded] of [
    [orders, 'ends', true],
    [payments, 'goes-on', false],
  ] as const) {
    const nats = await connectClusterNats(await adminOf(space), { installed });
    opened.push(nats);
    await makeLoadStream(nats, name);
    const sender = new Sender(nats, { name, keys: 7, perSecond: 100 });
    await sender.send(280);
    await applyLoadJob(space, name, ({ sources }) => Object.assign((sources as { nats: object }[])[0]?.nats ?? {}, { bounded }));
    const said = bounded ? await untilPhase(space, name, 'Completed') : await untilReady(space, name);
    expect(condition(said, 'Ready')).toBe(bounded ? 'True Completed' : 'True Running');
    await untilCondition(space, name, 'DurabilityDegraded', 'False Durable');
    if (!bounded) await sender.send(140);
    expect(await problemsOf(nats, name, sender.counts()), name).toEqual([]);
  }
  for (const space of [unlisted, home]) {
    const found = await job(space, 'alone');
    expect(found?.status, space).toBeUndefined();
    expect(found?.metadata, space).not.toHaveProperty('finalizers');
    expect(await pods(space, 'alone')).toEqual([]);
    for (const kind of ['deployments', 'networkpolicies', 'secrets', 'configmaps', 'poddisruptionbudgets'])
      expect(await list(kind, space, 'millrace.dev/job=alone'), `${kind} of ${space}`).toEqual([]);
  }
  expect(await list('secrets', unlisted)).toEqual([]);
});

test('it passes helm test', async () => {
  expect(await helm(['test', release.name, '-n', home, '--timeout', '5m'])).toMatch(/Phase:\s+Succeeded/);
});
