// filter: only events for which the predicate holds go on.

import type { OpPlan } from '../plan/physical-plan.ts';
import { compilePredicate } from '../expression/expression.ts';
import { DROPPED, changeEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import type { Transform } from './transform.ts';

export function makeFilter(op: Extract<OpPlan, { kind: 'filter' }>): Transform {
  const holds = compilePredicate(op.code, EVENT_NAMES);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      context.emit(changeEvents(batch, context, (value, key, timeMs) => (holds(value, key, timeMs, context.nowMs) ? value : DROPPED)));
    },
  };
}
