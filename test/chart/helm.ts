// Helm 3 and Helm 4 on our chart, for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { tryRun, type Ended } from '../cluster/program-run.ts';
import { findClusterPrograms } from '../support/cluster-programs.ts';

export const chartFolder = resolve(import.meta.dirname, '../../charts/millrace');
/** Values for which the chart is tested: charts/millrace/ci/<name>-values.yaml. */
export const valueSets = [
  'default',
  'three-servers',
  'existing-nats',
  'own-namespace',
  'namespace-list',
  'observed',
  'without-registry',
] as const;
export type ValueSet = (typeof valueSets)[number];
export type HelmVersion = 3 | 4;
export type RenderedObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
};

export type Render = {
  readonly values?: ValueSet;
  readonly set?: readonly string[];
  readonly version?: HelmVersion;
  readonly release?: string;
  readonly namespace?: string;
};

const timeoutMs = 180_000;
/** A helm that was not built for a release takes an ancient one for granted. */
const kubeVersion = '1.36.0';

export async function helm(version: HelmVersion, args: readonly string[]): Promise<Ended> {
  const programs = await findClusterPrograms(['helm3', 'helm4']);
  const home = mkdtempSync(join(tmpdir(), 'millrace-helm-'));
  try {
    const env = { HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home, KUBECONFIG: join(home, 'none') };
    return await tryRun(version === 3 ? programs.helm3 : programs.helm4, args, { timeoutMs, env });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Every manifest of a release as text, hooks too. */
export async function renderText({ values, set = [], version = 4, release = 'it', namespace = 'here' }: Render): Promise<string> {
  const file = values === undefined ? [] : ['--values', valuesFile(values)];
  const sets = set.flatMap((one) => ['--set', one]);
  const args = ['template', release, chartFolder, '--namespace', namespace, '--kube-version', kubeVersion, ...file, ...sets];
  const ended = await helm(version, args);
  if (ended.code !== 0) throw new Error(`helm ${args.join(' ')}: ${ended.stderr}`);
  return ended.stdout;
}

/** The same as objects. */
export async function render(request: Render): Promise<readonly RenderedObject[]> {
  return objectsOf(await renderText(request));
}

export function objectsOf(text: string): readonly RenderedObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as RenderedObject | null)
    .filter((object) => object !== null);
}

/** The one object of that kind and name. */
export function objectIn(objects: readonly RenderedObject[], kind: string, name: string): RenderedObject {
  const found = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  const [object] = found;
  if (object === undefined || found.length > 1) throw new Error(`there are ${found.length} objects ${kind} ${name}`);
  return object;
}

export function valuesFile(values: ValueSet): string {
  return join(chartFolder, 'ci', `${values}-values.yaml`);
}

/** `helm lint` with those values. */
export function lint(version: HelmVersion, values: { readonly file?: string; readonly set?: readonly string[] }): Promise<Ended> {
  const file = values.file === undefined ? [] : ['--values', values.file];
  const sets = (values.set ?? []).flatMap((one) => ['--set', one]);
  return helm(version, ['lint', chartFolder, '--strict', '--kube-version', kubeVersion, ...file, ...sets]);
}
