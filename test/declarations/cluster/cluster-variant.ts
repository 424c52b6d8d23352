// A job that was written for one machine, as it runs on a cluster: files come from a ConfigMap, results go to NATS.
import type { Fields, Manifest } from './sample.ts';

export function clusterVariant(job: Manifest): Manifest {
  const spec = job.spec as { readonly sources: readonly Fields[]; readonly tables?: readonly Fields[]; readonly sinks?: readonly Fields[] };
  const readsFiles = (spec.tables ?? []).length > 0 || spec.sources.some(({ file }) => file !== undefined);
  const sinks = (spec.sinks ?? []).map(({ file, ...sink }) =>
    file === undefined ? sink : { ...sink, nats: { subject: `results.${String(sink['name'])}` } },
  );
  return { ...job, spec: { ...spec, sinks, ...(readsFiles ? { workers: { files: [{ configMap: 'files' }] } } : {}) } };
}
