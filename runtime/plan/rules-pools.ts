// Rules on pools: what they are called, and that each names stages that are there, and no stage twice.

import { DEFAULT_POOL, RESERVED_POOL_PART } from '../../crds/stream-job/pool-names.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { suggest } from '../base/nearest.ts';
import { formatPath } from '../base/path.ts';
import type { JobGraph } from './job-graph.ts';
import type { StagePlan } from './physical-plan.ts';
import { placeJob } from './place-job.ts';

type Named = { readonly pool: string; readonly stage: string; readonly path: string };

export function checkPools({ spec: { pools } }: StreamJob, graph: JobGraph): readonly Issue[] {
  const names = pools.map(({ name }) => name);
  const known = graph.elements.filter(({ kind }) => kind !== 'table').map(({ name }) => name);
  return [
    ...names.flatMap((name, i) => checkName(name, names.indexOf(name) < i, formatPath(['spec', 'pools', i, 'name']))),
    ...checkTwice(namedIn(pools)),
    ...namedIn(pools)
      .filter(({ stage }) => !known.includes(stage))
      .map(({ stage, path }) => ({ path, message: `unknown stage "${stage}"`, fix: suggest(stage, known) })),
  ];
}

/** Of a job without other mistakes: that what a pool names is a stage, not something that runs within another one. */
export function checkPoolStages(job: StreamJob): readonly Issue[] {
  if (job.spec.pools.length === 0) return [];
  const { stages } = placeJob(job, {}, { identity: job.metadata.name, deadLetterFile: false }).finish();
  const ids = new Set(stages.map(({ id }) => id));
  return namedIn(job.spec.pools)
    .filter(({ stage }) => !ids.has(stage))
    .map(({ stage, path }) => ({ path, ...withinOthers(stage, stages) }));
}

function namedIn(pools: StreamJob['spec']['pools']): readonly Named[] {
  return pools.flatMap(({ name, stages }, i) =>
    stages.map((stage, j) => ({ pool: name, stage, path: formatPath(['spec', 'pools', i, 'stages', j]) })),
  );
}

function checkName(name: string, isTaken: boolean, path: string): readonly Issue[] {
  if (isTaken) return [{ path, message: `the name "${name}" is taken by another pool`, fix: 'take another one' }];
  if (name === DEFAULT_POOL)
    return [
      {
        path,
        message: `"${DEFAULT_POOL}" is the pool of all stages that no pool names`,
        fix: 'spec.replicas, spec.scaling and spec.workers describe it; take another name',
      },
    ];
  if (!name.split('-').includes(RESERVED_POOL_PART)) return [];
  return [
    {
      path,
      message: `"${name}" has the part "${RESERVED_POOL_PART}": its Deployment could have the name of another job's`,
      fix: 'take another one',
    },
  ];
}

function checkTwice(named: readonly Named[]): readonly Issue[] {
  return named.flatMap(({ pool, stage, path }, i) => {
    const first = named.findIndex((other) => other.stage === stage);
    if (first === i) return [];
    const other = named[first]?.pool ?? '';
    return [
      {
        path,
        message: other === pool ? `stage "${stage}" is named twice` : `stage "${stage}" is in pool ${other} and in pool ${pool}`,
        fix: 'a stage is in one pool: keep one',
      },
    ];
  });
}

function withinOthers(name: string, stages: readonly StagePlan[]): Pick<Issue, 'message' | 'fix'> {
  const hosts = stages.filter(({ nodes }) => nodes.some(({ id }) => id === name)).map(({ id }) => id);
  if (hosts.length === 0)
    return { message: `sink "${name}" is no stage: its results stay in the journal of the stage before`, fix: 'name that stage, or none' };
  const [are, those] = hosts.length === 1 ? ['stage', 'that one'] : ['stages', 'one of those, or all'];
  return { message: `"${name}" runs within ${are} ${hosts.join(', ')} (millrace plan shows why)`, fix: `name ${those}` };
}
