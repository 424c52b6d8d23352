// keyBy: gives each event its key; the exchange behind it brings equal keys to one partition.
//
// One part: the key is its value. Several named parts: the list of their values (key-fields.ts K1); a part may be null.

import type { Batch, Key, Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode } from '../expression/expression.ts';
import { pickEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { failEvent } from './failure.ts';
import { keyOfValue } from './key-value.ts';
import { isCode } from './map.ts';
import type { Transform } from './transform.ts';

export function makeKeyBy({ code, carry }: Extract<OpPlan, { kind: 'keyBy' }>): Transform {
  const keyValue = compileKey(code);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const keys: Key[] = [];
      let staying: number[] | null = null;
      for (let i = 0; i < batch.values.length; i++) {
        try {
          keys.push(keyOfValue(keyValue(batch.values[i], batch.keys?.[i] ?? null, batch.times[i], context.nowMs)));
          staying?.push(i);
        } catch (error) {
          staying ??= Array.from(keys, (_, place) => place);
          failEvent(context, batch, i, error);
        }
      }
      const kept = staying === null ? batch : pickEvents(batch, staying);
      context.emit({ ...kept, values: carry === 'nothing' ? withoutValues(kept, context.watermark) : kept.values, keys });
    },
  };
}

/** What lies above the watermark here is above every watermark behind the exchange when it arrives, so it is not late
 *  there; what may be late keeps its value, for whoever reads late events. */
function withoutValues({ values, times }: Batch, watermark: number): Value[] {
  return values.map((value, i) => ((times[i] as number) > watermark ? null : value));
}

function compileKey(code: Extract<OpPlan, { kind: 'keyBy' }>['code']): (...args: unknown[]) => unknown {
  if (isCode(code)) return compileCode(code, EVENT_NAMES);
  const parts = Object.values(code).map((part) => compileCode(part, EVENT_NAMES));
  if (parts.length === 1) return parts[0]!;
  return (...args) => parts.map((part) => part(...args));
}
