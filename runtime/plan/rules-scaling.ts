// Rules on scaling, told before the cluster would refuse the job (crds/stream-job/rules-scaling.ts).

import type { StreamJob } from '../../crds/stream-job/spec.ts';
import type { Issue } from '../base/issues.ts';

export function checkScaling({ spec: { scaling } }: StreamJob): readonly Issue[] {
  const { min, max } = scaling;
  if (min <= max) return [];
  return [{ path: 'spec.scaling.min', message: `${min} is more than max, which is ${max}`, fix: `at most ${max}, or a larger max` }];
}
