// A job as the objects that make it run on a cluster: its StreamJob, and ConfigMaps with its code and its files.
//
//   P1. All mistakes are told at once, and before anything is written anywhere.
//   P2. The StreamJob says only what the job says: what others decide (replicas of an autoscaler, `suspend`) is left to them.
//   P3. The same sources give the same objects.

import { readFile } from 'node:fs/promises';
import { objectNameSchema } from '../../crds/stream-job/object-name.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { loadJob } from '../../runtime/adapters/node/load-job.ts';
import { BadDeclaration, type Issue } from '../../runtime/base/issues.ts';
import { readYaml } from '../../runtime/job/yaml-text.ts';
import { wishedNameIssues } from '../wished-name.ts';
import { FILE_MAPS_MAX } from './config-map-limit.ts';
import { fileConfigMaps } from './file-config-maps.ts';
import { findFiles } from './job-files.ts';
import type { Manifest } from './manifest.ts';
import { packModule } from './module-package.ts';
import { streamJobManifest, type SpecPart } from './stream-job-manifest.ts';
import { resolveParameters } from './resolve-parameters.ts';

export type JobPackage = {
  readonly name: string;
  /** Null: neither the job nor who calls says it. */
  readonly namespace: string | null;
  /** In the order in which they are applied: the StreamJob refers to them. */
  readonly configMaps: readonly Manifest[];
  readonly streamJob: Manifest;
  /** Sentences on what was decided on the way. */
  readonly notes: readonly string[];
};

export type PackageOptions = {
  /** Values of `--set name=value`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly namespace: string | null;
};

/** Throws BadDeclaration with all mistakes, MR1001, MR1020. */
export async function packageJob(file: string, { parameters, name: wished, namespace: space }: PackageOptions): Promise<JobPackage> {
  const declared = await readDeclared(file);
  const values = { ...valuesOf(declared), ...parameters };
  const { job, baseDir, kind } = await loadJob(file, { parameters: values });
  const name = wished ?? job.metadata.name;
  const namespace = space ?? namespaceOf(declared);
  const { files, issues, notes } = await findFiles(job, baseDir);
  const maps = fileConfigMaps(name, files);
  const all = [...nameIssues(name, namespace), ...issues, ...sinkIssues(job), ...countIssues(job, maps.manifests.length)];
  if (all.length > 0) throw new BadDeclaration(file, all);
  const part = kind === 'typescript' ? await packModule({ file, name, values }) : declaredPart(declared, job, values);
  const rewrites = files.flatMap(({ path, usedAt }) => usedAt.map((at) => ({ at, path: maps.names.get(path) ?? path })));
  return {
    name,
    namespace,
    configMaps: [...part.configMaps, ...maps.manifests],
    streamJob: streamJobManifest({
      name,
      metadata: metadataOf(declared),
      part,
      rewrites,
      fileMaps: maps.manifests.map(({ metadata }) => metadata.name),
      values: localPathsNamed(values, maps.names),
    }),
    notes: [...part.notes, ...notes],
  };
}

/** The job's text as it stands, uses of parameters still in it; null for a module, and for a text that loadJob will refuse. */
async function readDeclared(file: string): Promise<unknown> {
  if (!/\.(ya?ml|json)$/.test(file)) return null;
  const text = await readFile(file, 'utf8').catch(() => null);
  return text === null ? null : (readYaml(text).yaml?.value() ?? null);
}

function declaredPart(declared: unknown, job: StreamJob, given: Readonly<Record<string, string>>): SpecPart {
  const byDefault = job.spec.parameters.flatMap(({ name, default: text }): [string, string][] =>
    text === undefined ? [] : [[name, text]],
  );
  const { spec, resolved } = resolveParameters({ declared, job, values: new Map([...byDefault, ...Object.entries(given)]) });
  const notes = resolved.map(
    (name) => `the parameter "${name}" is put in place: it stands where the cluster wants a number, a duration or a name`,
  );
  return { spec, configMaps: [], code: null, notes };
}

/** A value that named a file here (parameter-option.ts) names it as workers see it. */
function localPathsNamed(values: Readonly<Record<string, string>>, names: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, names.get(value) ?? value]));
}

function nameIssues(name: string, namespace: string | null): readonly Issue[] {
  const spaced = objectNameSchema.safeParse(namespace ?? 'default');
  return [
    ...wishedNameIssues(name),
    ...(spaced.success ? [] : [{ path: '--namespace', message: `"${namespace}" ${spaced.error.issues[0]?.message ?? ''}` }]),
  ];
}

function sinkIssues({ spec }: StreamJob): readonly Issue[] {
  return spec.sinks.flatMap(({ name, file }, i) =>
    file === undefined
      ? []
      : [
          {
            path: `spec.sinks[${i}].file`,
            message: `sink "${name}" writes a file, and pods have no lasting file system`,
            fix: 'write to NATS: nats: { subject: … }',
          },
        ],
  );
}

function countIssues({ spec }: StreamJob, count: number): readonly Issue[] {
  const all = count + (spec.workers.files ?? []).length;
  if (all <= FILE_MAPS_MAX) return [];
  return [
    {
      path: 'spec.workers.files',
      message: `the files of the job need ${all} ConfigMaps, and ${FILE_MAPS_MAX} are possible`,
      fix: 'put the larger ones on JetStream subjects and read those: nats: { subjects: […], bounded: true }',
    },
  ];
}

type Declared = {
  readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown; readonly labels?: unknown; readonly annotations?: unknown };
  readonly spec?: { readonly values?: unknown };
};

function metadataOf(declared: unknown): Readonly<Record<string, unknown>> {
  const { labels, annotations } = (declared as Declared | null)?.metadata ?? {};
  return { ...(labels === undefined ? {} : { labels }), ...(annotations === undefined ? {} : { annotations }) };
}

function namespaceOf(declared: unknown): string | null {
  const namespace = (declared as Declared | null)?.metadata?.namespace;
  return typeof namespace === 'string' ? namespace : null;
}

function valuesOf(declared: unknown): Readonly<Record<string, string>> {
  const values = (declared as Declared | null)?.spec?.values;
  if (typeof values !== 'object' || values === null) return {};
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
