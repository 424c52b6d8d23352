// map: each event becomes another one; time and key stay.

import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode, compileFields } from '../expression/expression.ts';
import { changeEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import type { Transform } from './transform.ts';

export function makeMap({ map }: Extract<OpPlan, { kind: 'map' }>): Transform {
  const change = isCode(map) ? compileCode(map, EVENT_NAMES) : compileFields(map, EVENT_NAMES);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      context.emit(changeEvents(batch, context, (value, key, timeMs) => change(value, key, timeMs, context.nowMs)));
    },
  };
}

/** Code, as against named fields. */
export function isCode<C extends string | ((...args: never[]) => unknown)>(code: C | Readonly<Record<string, C>>): code is C {
  return typeof code === 'string' || typeof code === 'function';
}
