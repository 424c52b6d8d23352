// Fields in an order that does not depend on who wrote them down.
//
//   F1. An API server keeps fields in the order of their names and no other. A job gives the same bytes, keys and partitions on a
//       cluster and everywhere else, so it is that order that counts.

import type { StageSpec, StreamJob } from '../../crds/stream-job/spec.ts';

/** The job with the fields of all that its stages declare in the order of their names. */
export function inFieldOrder(job: StreamJob): StreamJob {
  return { ...job, spec: { ...job.spec, stages: job.spec.stages.map(ordered) } };
}

function ordered(stage: StageSpec): StageSpec {
  // What is code, or made by a library, is no declaration.
  const { xstate, reduce, ...declared } = stage;
  return {
    ...(sorted(declared) as typeof declared),
    ...(xstate === undefined ? {} : { xstate }),
    ...(reduce === undefined ? {} : { reduce }),
  };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, child]) => [name, sorted(child)]));
}
