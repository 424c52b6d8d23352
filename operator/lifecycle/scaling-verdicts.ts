// Conditions and events of scaling. Pure.

import type { Told } from './decision.ts';
import type { Observed } from './observed.ts';
import { no, yes, type Conditions } from './verdicts.ts';

/** Of a job that is not scaled none, but what was said before is taken back. */
export function scalingConditions({ scaling, job }: Observed): Conditions {
  if (scaling === null) {
    if (job.status.scaling === undefined) return {};
    const off = no('Off', 'scaling.mode is Off');
    return { ScalingLimited: off, HotPartition: off };
  }
  const { limited, hot } = scaling.verdicts;
  return {
    ScalingLimited:
      limited === null ? no('AsNeeded', 'nothing keeps it from the workers that it needs') : yes(limited.reason, limited.message),
    HotPartition: hot === null ? no('Even', 'no partition has more work than a worker can do') : yes('OneWorkerIsTooFew', hot),
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
