// KEDA in the cluster, as its own manifests have it, but for its webhooks: they check what people write, and scale nothing.

import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { moduleFolder } from '../../cluster/programs.ts';
import { kubectl, runWith, until, wanted } from './programs.ts';

const MODULE = 'github.com/kedacore/keda/v2';
const FILES = ['crd', 'general', 'rbac/role.yaml', 'rbac/role_binding.yaml', 'manager', 'metrics-server', 'service_account'] as const;

/** Resolves when it scales: its figures are served through the API server. */
export async function installKeda(): Promise<void> {
  await withManifests((folder) => kubectl(['apply', '--server-side', '-k', folder]));
  for (const name of ['keda-operator', 'keda-metrics-apiserver'])
    await kubectl(['rollout', 'status', `deployment/${name}`, '-n', 'keda', '--timeout=240s'], { timeoutMs: 250_000 });
  const isServed = ['wait', 'apiservice/v1beta1.external.metrics.k8s.io', '--for=condition=Available', '--timeout=120s'];
  await kubectl(isServed, { timeoutMs: 130_000 });
}

/** Its finalizers are its own: ScaledObjects have to be gone before. */
export async function removeKeda(): Promise<void> {
  await withManifests((folder) => kubectl(['delete', '-k', folder, '--ignore-not-found', '--wait=false']));
  await until('KEDA is gone', 120_000, async () =>
    (await kubectl(['get', 'namespace', 'keda', '--ignore-not-found'])).trim() === '' ? true : null,
  );
}

async function withManifests<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const images = inject('bed').keda;
  if (images === null) throw new Error('KEDA is not built: MILLRACE_KEDA=1 asks for it');
  const folder = await mkdtemp(join(tmpdir(), 'millrace-keda-'));
  try {
    await cp(join(await sourceFolder(), 'config'), join(folder, 'config'), { recursive: true, mode: 0 });
    wanted('chmod', [folder], await runWith({}, 'chmod', ['-R', 'u+w', folder])); // Go's modules are read-only
    await writeFile(join(folder, 'kustomization.yaml'), kustomization(images));
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sourceFolder(): Promise<string> {
  const args = ['-C', moduleFolder('keda'), 'list', '-m', '-f', '{{.Dir}}', MODULE];
  return wanted('go', args, await runWith({ GOFLAGS: '-mod=readonly', GOWORK: 'off' }, 'go', args)).trim();
}

function kustomization({ operator, adapter }: { readonly operator: string; readonly adapter: string }): string {
  const split = (reference: string): object => ({
    newName: reference.slice(0, reference.lastIndexOf(':')),
    newTag: reference.split(':').at(-1),
  });
  const containerPatch = (more: readonly object[]): string =>
    JSON.stringify([{ op: 'replace', path: '/spec/template/spec/containers/0/imagePullPolicy', value: 'IfNotPresent' }, ...more]);
  const argument = { op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--enable-webhook-patching=false' };
  const user = { op: 'add', path: '/spec/template/spec/securityContext/runAsUser', value: 65_532 };
  return JSON.stringify({
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: FILES.map((file) => `config/${file}`),
    images: [
      { name: 'ghcr.io/kedacore/keda', ...split(operator) },
      { name: 'ghcr.io/kedacore/keda-metrics-apiserver', ...split(adapter) },
    ],
    patches: [
      { target: { kind: 'Deployment', name: 'keda-operator' }, patch: containerPatch([argument, user]) },
      { target: { kind: 'Deployment', name: 'keda-metrics-apiserver' }, patch: containerPatch([user]) },
    ],
  });
}
