// Conditions and events of scaling. Pure.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import type { Told } from './decision.ts';
import type { Observed } from './observed.ts';
import { ofPool } from './pools.ts';
import { listed, no, yes, type Conditions } from './verdicts.ts';

/** Of a job that is not scaled none, but what was said before is taken back. */
export function scalingConditions({ scaling, pools, job }: Observed): Conditions {
  const all = [{ name: DEFAULT_POOL, scaled: scaling }, ...pools];
  const known = all.flatMap(({ name, scaled }) => (scaled === null ? [] : [{ name, ...scaled.verdicts }]));
  if (known.length === 0) {
    const wasScaled = job.status.scaling !== undefined || (job.status.pools ?? []).some((pool) => pool.scaling !== undefined);
    if (!wasScaled) return {};
    const off = no('Off', 'scaling.mode is Off');
    return { ScalingLimited: off, HotPartition: off };
  }
  const say = (pool: string, text: string): string => (pools.length === 0 ? text : ofPool(pool, text));
  const limits = known.flatMap(({ name, limited }) => (limited === null ? [] : [{ ...limited, message: say(name, limited.message) }]));
  const hot = known.flatMap((one) => (one.hot === null ? [] : [say(one.name, one.hot)]));
  const [first] = limits;
  return {
    ScalingLimited:
      first === undefined
        ? no('AsNeeded', 'nothing keeps it from the workers that it needs')
        : yes(first.reason, listed(limits.map(({ message }) => message))),
    HotPartition: hot.length === 0 ? no('Even', 'no partition has more work than a worker can do') : yes('OneWorkerIsTooFew', listed(hot)),
  };
}

/** What has become so, once. */
export function scalingNews(observed: Observed): readonly Told[] {
  const conditions = scalingConditions(observed);
  return (['ScalingLimited', 'HotPartition'] as const).flatMap((type): Told[] => {
    const verdict = conditions[type];
    const was = observed.job.status.conditions?.find((one) => one.type === type);
    return verdict?.status === 'True' && (was?.status !== 'True' || was.reason !== verdict.reason)
      ? [{ type: 'Warning', reason: type, message: verdict.message }]
      : [];
  });
}
