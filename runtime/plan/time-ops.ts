// What is declared of event time, with durations in ms.

import type { EventTimeSpec } from '../../crds/stream-job/events.ts';
import type { ProcessingTimeSpec } from '../../crds/stream-job/processing-time.ts';
import type { SourceSpec } from '../../crds/stream-job/sources.ts';
import { parseDuration } from '../base/duration.ts';
import type { MissedTimers, OpPlan, SourceAlignment, SourceIdle } from './physical-plan.ts';

export function eventTimeOp(spec: EventTimeSpec): OpPlan {
  const { maxOutOfOrder, maxAhead } = spec;
  const ahead = maxAhead === undefined ? {} : { maxAheadMs: parseDuration(maxAhead) };
  return { kind: 'eventTime', spec, maxOutOfOrderMs: parseDuration(maxOutOfOrder), ...ahead };
}

/** To be spread into the source's node: nothing where nothing is declared. */
export function sourceIdle({ idle }: SourceSpec): { readonly idle?: SourceIdle } {
  if (idle === undefined) return {};
  const { after, closeAfter } = idle;
  return { idle: { afterMs: parseDuration(after), closeAfterMs: closeAfter === undefined ? null : parseDuration(closeAfter) } };
}

/** To be spread into the source's node: nothing where nothing is declared. */
export function sourceAlignment({ name, alignment }: SourceSpec): { readonly alignment?: SourceAlignment } {
  if (alignment === undefined) return {};
  const { group = name, maxDrift } = alignment;
  return { alignment: { group, maxDriftMs: parseDuration(maxDrift) } };
}

/** To be spread into the node of an actor. */
export function missedTimers(spec: ProcessingTimeSpec | undefined): { readonly missed?: MissedTimers } {
  return spec === undefined ? {} : { missed: { policy: spec.missed, afterMs: parseDuration(spec.missedAfter) } };
}
