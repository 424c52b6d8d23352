// Whether a StreamJob is what its spec asks for, by its status. Pure.
//
//   V1. What the operator said of an earlier spec says nothing of this one.

import type { Condition, ConditionType, StreamJobStatus } from '../../crds/stream-job/status.ts';

export type Verdict =
  | { readonly kind: 'ready'; readonly reason: string; readonly message: string }
  /** It will not become ready by itself. */
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string }
  | { readonly kind: 'waiting'; readonly phase: string; readonly message: string };

/** `generation`: metadata.generation of the spec that is asked about. */
export function verdictOf(status: StreamJobStatus, generation: number): Verdict {
  const current = (type: ConditionType): Condition | undefined =>
    status.conditions?.find((one) => one.type === type && one.observedGeneration >= generation);
  const [ready, stalled] = [current('Ready'), current('Stalled')];
  if (stalled?.status === 'True') return { kind: 'refused', reason: stalled.reason, message: stalled.message };
  if (ready?.status === 'True') return { kind: 'ready', reason: ready.reason, message: ready.message };
  if (ready === undefined) return { kind: 'waiting', phase: 'Pending', message: 'no operator has looked at it yet' };
  return { kind: 'waiting', phase: status.phase ?? 'Pending', message: ready.message };
}
