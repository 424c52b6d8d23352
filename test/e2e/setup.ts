// What all e2e tests share: one cluster, our images on its nodes, the chart installed as it is. In CI all of it is taken down again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { writeImages, type WrittenImage } from '../../images/write-images.ts';
import { downCluster, upCluster, type Cluster } from '../cluster/cluster.ts';
import { HELM_LIMIT_MS, release, runWith, systemNamespace, wanted, type Bed } from './support/programs.ts';

const chart = resolve(import.meta.dirname, '../../charts/millrace');
/** Of the images that these tests make. */
const TAG = 'e2e';
const log = (line: string): void => console.log(`e2e: ${line}`);

export async function setup(project: TestProject): Promise<void> {
  const beganMs = performance.now();
  const cluster = await upCluster({ log });
  log(`the cluster is up (${since(beganMs)})`);
  await refuseForeignRelease(cluster);
  const images = await loadImages(cluster);
  log(`images are loaded (${since(beganMs)})`);
  const bed: Bed = {
    kind: cluster.kind,
    kubeconfig: cluster.kubeconfig,
    kubectl: cluster.tools.kubectl,
    helm3: cluster.tools.helm3,
    helm4: cluster.tools.helm4,
    env: cluster.env,
    nodes: await cluster.nodes(),
    helmValues: helmValues(images, { nats: await cluster.loadServerImage('nats'), jaeger: await cluster.loadServerImage('jaeger') }),
    dockerHost: cluster.env['DOCKER_HOST'] ?? null,
    keda: await kedaImages(cluster),
  };
  project.provide('bed', bed);
  await removeForeignKeys(bed);
  await install(bed);
  log(`the chart is installed (${since(beganMs)})`);
}

export async function teardown(): Promise<void> {
  if (process.env['CI'] !== undefined) await downCluster({ log });
}

async function loadImages(cluster: Cluster): Promise<readonly WrittenImage[]> {
  const out = await mkdtemp(join(tmpdir(), 'millrace-images-'));
  try {
    const images = await writeImages({ out, tag: TAG, names: ['operator', 'worker'] });
    for (const { path } of images) await cluster.loadImage(path);
    return images;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

/** Building them takes many minutes, so only who asks has them. */
async function kedaImages(cluster: Cluster): Promise<Bed['keda']> {
  if (process.env['MILLRACE_KEDA'] === undefined) return null;
  return { operator: await cluster.loadServerImage('keda'), adapter: await cluster.loadServerImage('keda-adapter') };
}

/** The tag stays the same: pods are started anew when what it names is another image. */
function helmValues(images: readonly WrittenImage[], servers: Readonly<Record<'nats' | 'jaeger', string>>): readonly string[] {
  const set = (name: string, value: string): readonly string[] => ['--set-string', `${name}=${value}`];
  const setImage = (name: string, reference: string): readonly string[] => [
    ...set(`${name}.image.repository`, reference.slice(0, reference.lastIndexOf(':'))),
    ...set(`${name}.image.tag`, reference.slice(reference.lastIndexOf(':') + 1)),
    ...set(`${name}.image.pullPolicy`, 'IfNotPresent'),
  ];
  const operator = images.find(({ name }) => name === 'operator');
  return [
    ...images.flatMap(({ name, reference }) => setImage(name, reference)),
    ...Object.entries(servers).flatMap(([name, reference]) => setImage(name, reference)),
    '--set',
    'jaeger.enabled=true',
    ...set('nats.storage.size', '2Gi'),
    ...set('operator.podAnnotations.millrace\\.dev/image', (operator?.imageId ?? '').slice(-16)),
  ];
}

/** On a cluster of somebody else a release that these tests did not install is in use: they would replace it. */
async function refuseForeignRelease({ kind, env, tools }: Cluster): Promise<void> {
  if (kind !== 'existing') return;
  const { code, stdout } = await runWith(env, tools.helm4, ['get', 'values', release, '-n', systemNamespace, '-o', 'json']);
  if (code !== 0) return; // There is none.
  const values = JSON.parse(stdout) as { readonly worker?: { readonly image?: { readonly tag?: string } } } | null;
  if (values?.worker?.image?.tag === TAG) return;
  throw new Error(
    `the release ${release} in ${systemNamespace} was not installed by these tests, which would replace it: nothing was changed`,
  );
}

/** A release that was installed by a checkout with other keys goes with them and with its volume: the operator would only say so. */
async function removeForeignKeys({ env, helm4, kubectl }: Bed): Promise<void> {
  const ask = (args: readonly string[]): ReturnType<typeof runWith> => runWith(env, kubectl, [...args, '-n', systemNamespace]);
  const keys = `secret/${release}-nats-keys`;
  const { stdout } = await ask(['get', keys, '--ignore-not-found', '-o', 'jsonpath={.data}']);
  if (stdout === '' || stdout.includes('"operator.seed"')) return;
  log('the keys of NATS are of another version: the release and its volume go');
  const args = ['uninstall', release, '-n', systemNamespace, '--wait', '--ignore-not-found'];
  wanted('helm', args, await runWith(env, helm4, args, { timeoutMs: HELM_LIMIT_MS }));
  const left = ['delete', keys, `pvc/data-${release}-nats-0`, '--ignore-not-found'];
  wanted('kubectl', left, await ask(left));
}

async function install({ env, helm4, helmValues: values }: Bed): Promise<void> {
  const args = [
    'upgrade',
    '--install',
    release,
    chart,
    '-n',
    systemNamespace,
    '--create-namespace',
    ...values,
    '--wait',
    '--timeout',
    '5m',
  ];
  wanted('helm', args, await runWith(env, helm4, args, { timeoutMs: HELM_LIMIT_MS }));
}

function since(beganMs: number): string {
  return `${Math.round((performance.now() - beganMs) / 1000)} s`;
}
