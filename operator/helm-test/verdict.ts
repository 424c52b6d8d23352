// What the status of the test's job says about the test. Pure.

import type { StreamJobStatus } from '../../crds/stream-job/status.ts';

export type Verdict =
  { readonly kind: 'waiting'; readonly why: string } | { readonly kind: 'passed' } | { readonly kind: 'failed'; readonly why: string };

/** `generation` is that of the job's metadata: a status of an older one says nothing. */
export function verdictOf(status: StreamJobStatus | undefined, generation: number): Verdict {
  if (status === undefined || status.observedGeneration !== generation)
    return { kind: 'waiting', why: 'the operator has not said anything about the job yet' };
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const said = ready === undefined ? '' : `: ${ready.reason}: ${ready.message}`;
  switch (status.phase) {
    case 'Completed': {
      const deadLetters = (status.stages ?? []).reduce((sum, stage) => sum + (stage.deadLetters ?? 0), 0);
      if (deadLetters > 0) return { kind: 'failed', why: `${deadLetters} of the events became dead letters` };
      return ready?.status === 'True'
        ? { kind: 'passed' }
        : { kind: 'waiting', why: `the job is completed, and its condition Ready is ${ready?.status ?? 'absent'}` };
    }
    case 'Failed':
      return { kind: 'failed', why: `the job has failed${said}` };
    default:
      return { kind: 'waiting', why: `phase ${status.phase ?? 'Pending'}${said}` };
  }
}
