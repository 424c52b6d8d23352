// Rules on scaling, told before the cluster would refuse the job (crds/stream-job/rules-scaling.ts).

import type { ScalingSpec } from '../../crds/stream-job/scaling.ts';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';
import { formatPath, type PathPart } from '../base/path.ts';

export function checkScaling({ spec: { scaling, pools } }: StreamJob): readonly Issue[] {
  return [
    ...checkBounds(scaling, ['spec', 'scaling']),
    ...pools.flatMap((pool, i) => checkBounds(pool.scaling, ['spec', 'pools', i, 'scaling'])),
  ];
}

function checkBounds({ min, max }: ScalingSpec, path: readonly PathPart[]): readonly Issue[] {
  if (min <= max) return [];
  return [
    { path: formatPath([...path, 'min']), message: `${min} is more than max, which is ${max}`, fix: `at most ${max}, or a larger max` },
  ];
}
