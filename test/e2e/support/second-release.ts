// Another release of the chart beside the one that all tests use: for some namespaces only, with what a test sets. The one of all
// namespaces has no operator meanwhile: of one namespace only one operator should run the jobs.

import { inject } from 'vitest';
import { chart } from './old-chart.ts';
import { helm, kubectl, release as shared, run, systemNamespace } from './programs.ts';

export type SecondRelease = { readonly name: string; readonly namespace: string };

/** Small: three servers and a second operator share one machine with all else. */
const SMALL = [
  'scope=namespaces',
  'crds.install=false',
  'jaeger.enabled=false',
  'nats.storage.size=512Mi',
  'nats.resources.requests.memory=128Mi',
];

/** Resolves with its notes, when all of it is ready. */
export function installRelease({ name, namespace }: SecondRelease, set: readonly string[] = []): Promise<string> {
  return helm(['install', name, chart, '-n', namespace, ...valuesOf(set), '--wait', '--timeout', '5m']);
}

/** Arguments of `helm`. */
export function valuesOf(set: readonly string[] = []): readonly string[] {
  return [...inject('bed').helmValues, ...[...SMALL, ...set].flatMap((value) => ['--set', value])];
}

/** Nothing when it is not there. */
export async function uninstallRelease({ name, namespace }: SecondRelease): Promise<void> {
  await run(inject('bed').helm4, ['uninstall', name, '-n', namespace, '--wait', '--timeout', '5m']);
}

export async function deleteNamespace(namespace: string): Promise<void> {
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=true', '--timeout=200s']);
}

/** 0: nobody but a second release runs jobs. */
export async function sharedOperator(replicas: 0 | 1): Promise<void> {
  const deployment = `deployment/${shared}-operator`;
  await kubectl(['scale', deployment, '-n', systemNamespace, `--replicas=${replicas}`]);
  await kubectl(['rollout', 'status', deployment, '-n', systemNamespace, '--timeout=200s']);
}
