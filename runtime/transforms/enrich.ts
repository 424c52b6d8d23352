// enrich: puts rows of side inputs into the event. Look-ups run in order; a later one sees what an earlier one added.

import type { EnrichSpec } from '../../crds/stream-job/joins.ts';
import type { Key, Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode, compilePredicate } from '../expression/expression.ts';
import { changeEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { EventRefused, describeValue } from './failure.ts';
import { keyOfValue } from './key-value.ts';
import type { StepContext, Transform } from './transform.ts';

type Lookup = (value: Value, key: Key | null, timeMs: number, context: StepContext) => Value;

export function makeEnrich({ lookups }: Extract<OpPlan, { kind: 'enrich' }>): Transform {
  const compiled = lookups.map(compileLookup);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const enriched = changeEvents(batch, context, (value, key, timeMs) => {
        let result = value;
        for (const lookup of compiled) result = lookup(result, key, timeMs, context);
        return result;
      });
      context.emit(enriched);
    },
  };
}

function compileLookup(spec: EnrichSpec): Lookup {
  const applies = spec.when === undefined ? null : compilePredicate(spec.when, EVENT_NAMES);
  const keyOf = compileCode(spec.key, EVENT_NAMES);
  const atOf = spec.at === undefined ? null : compileCode(spec.at, EVENT_NAMES);
  return (value, key, timeMs, context) => {
    const { nowMs } = context;
    if (applies !== null && !applies(value, key, timeMs, nowMs)) return value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new EventRefused(`a row can be put into an object only, the event is ${describeValue(value)}`);
    }
    const rowKey = keyOf(value, key, timeMs, nowMs);
    const atMs = atOf === null ? timeMs : lookupTime(atOf(value, key, timeMs, nowMs));
    const row = rowKey === null || atMs === null ? null : context.table(spec.table).lookup(keyOfValue(rowKey), atMs);
    return { ...value, [spec.as]: row };
  };
}

function lookupTime(value: unknown): number | null {
  if (value === null || (typeof value === 'number' && Number.isFinite(value))) return value;
  throw new EventRefused(`the time to look up is ${describeValue(value)}, not a timestamp or ms`);
}
