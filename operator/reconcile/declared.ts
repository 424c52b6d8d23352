// What the spec of a StreamJob means: the job that it declares, or why it declares none. Pure.
//
//   E1. The same checks as `millrace validate`, and the rules of the cluster: all mistakes at once.
//   E3. `true` where a machine's `on` belongs is what YAML 1.1 made of it.
//   E2. The hash of a revision covers what makes workers do something else, and nothing that only moves pods.

import { createHash } from 'node:crypto';
import { poolsSchema } from '../../crds/stream-job/pools.ts';
import { scalingSchema } from '../../crds/stream-job/scaling.ts';
import { ON_IN_YAML_1_1 } from '../../crds/stream-job/names.ts';
import type { StreamJob, StreamJobSpec } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../../runtime/base/issues.ts';
import { checkJobText } from '../../runtime/plan/check.ts';
import { canonicalText } from '../../runtime/plan/structure.ts';
import type { ClusterPart, JobObject } from '../lifecycle/observed.ts';

export type Parsed = { readonly kind: 'job'; readonly job: StreamJob } | { readonly kind: 'invalid'; readonly issues: readonly Issue[] };

/** The job of the object's spec, with the values of its parameters in place. */
export function parseJob({ name, namespace, spec }: JobObject): Parsed {
  const text = JSON.stringify({ apiVersion: 'millrace.dev/v1alpha1', kind: 'StreamJob', metadata: { name }, spec: withOn(spec) });
  const { job, mistakes } = checkJobText(text, { file: `StreamJob ${namespace}/${name}`, parameters: valuesOf(spec) });
  if (job === null) return { kind: 'invalid', issues: mistakes.map(withoutPlace) };
  const issues = clusterIssues(job.spec);
  return issues.length > 0 ? { kind: 'invalid', issues } : { kind: 'job', job };
}

/** E3. */
function withOn(spec: JobObject['spec']): unknown {
  const stages = spec['stages'];
  if (!Array.isArray(stages)) return spec;
  return {
    ...spec,
    stages: (stages as Readonly<Record<string, unknown>>[]).map((stage) =>
      'machine' in stage ? { ...stage, machine: stateWithOn(stage['machine']) } : stage,
    ),
  };
}

function stateWithOn(state: unknown): unknown {
  if (typeof state !== 'object' || state === null) return state;
  const { [ON_IN_YAML_1_1]: meant, ...rest } = state as Readonly<Record<string, unknown>>;
  const states = rest['states'];
  return {
    ...rest,
    ...(meant === undefined || 'on' in rest ? {} : { on: meant }),
    ...(typeof states === 'object' && states !== null
      ? { states: Object.fromEntries(Object.entries(states).map(([name, inner]) => [name, stateWithOn(inner)])) }
      : {}),
  };
}

/** Of what a revision is made of. `job` is the job as it was parsed, before names of streams were looked up. */
export function revisionHash({ spec }: StreamJob): string {
  const { parameters, values, partitions, sources, tables, stages, sinks, code, restoreFrom } = spec;
  const standbyReplicas = spec.standbyReplicas || undefined; // what is off by default leaves the hash of older versions as it was
  // Of pools only what lies where: workers have to know. Absent where there is none, as before there were pools.
  const pools =
    spec.pools.length === 0 ? undefined : Object.fromEntries(spec.pools.map(({ name, stages: named }) => [name, named.toSorted()]));
  const where = { partitions, standbyReplicas, pools };
  const text = canonicalText({ parameters, values, ...where, sources, tables, stages, sinks, code: code?.sha256, restoreFrom });
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** What the spec says of how the job is run, where the rest may be anything. The API server has checked and filled in these. */
export function clusterPart(spec: JobObject['spec']): ClusterPart {
  const { replicas, scaling, pools, suspend, upgrade, deletionPolicy, restoreFrom } = spec as Partial<StreamJobSpec>;
  return {
    replicas: replicas ?? 1,
    scaling: scalingSchema.parse(scaling ?? {}),
    pools: poolsSchema.parse(pools ?? []),
    suspend: suspend ?? false,
    upgrade: { strategy: 'last-state', progressDeadline: '2m', rollback: true, ...upgrade },
    deletionPolicy: deletionPolicy ?? 'Retain',
    restoreFrom,
  };
}

/** What a pod cannot do. */
function clusterIssues({ sources, tables, sinks, workers }: StreamJobSpec): readonly Issue[] {
  const files = [
    ...sources.flatMap(({ name, file }, i) => (file === undefined ? [] : [{ what: `source "${name}"`, path: `spec.sources[${i}].file` }])),
    ...tables.flatMap(({ name, file }, i) => (file === undefined ? [] : [{ what: `table "${name}"`, path: `spec.tables[${i}].file` }])),
  ];
  const withoutFiles = (workers.files ?? []).length === 0 ? files : [];
  return [
    ...withoutFiles.map(({ what, path }) => ({
      path,
      message: `${what} reads a file, and workers are given none`,
      fix: 'put the file into a ConfigMap and name it in spec.workers.files; paths start there',
    })),
    ...sinks.flatMap(({ name, file }, i) =>
      file === undefined
        ? []
        : [
            {
              path: `spec.sinks[${i}].file`,
              message: `sink "${name}" writes a file, and pods have no lasting file system`,
              fix: 'write to NATS: nats: { subject: … }',
            },
          ],
    ),
    ...(workers.env ?? []).flatMap(({ name, value, secret }, i) =>
      (value === undefined) === (secret === undefined)
        ? [
            {
              path: `spec.workers.env[${i}]`,
              message: `the variable ${name} has ${value === undefined ? 'neither a value nor a secret' : 'a value and a secret'}`,
              fix: 'exactly one of value, secret',
            },
          ]
        : [],
    ),
  ];
}

function valuesOf(spec: JobObject['spec']): Readonly<Record<string, string>> {
  const { values } = spec;
  return typeof values === 'object' && values !== null ? (values as Readonly<Record<string, string>>) : {};
}

/** Lines of the text that was made here say nothing to anybody. */
function withoutPlace({ path, message, fix }: Issue): Issue {
  return { path, message, ...(fix === undefined ? {} : { fix }) };
}
