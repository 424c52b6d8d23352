// keyBy: gives each event its key; the exchange behind it brings equal keys to one partition.
//
// One part: the key is its value. Several named parts: the list of their values (key-fields.ts K1); a part may be null.

import { MillraceError } from '../base/errors.ts';
import type { Batch, Key, Value } from '../event/batch.ts';
import { withRounds } from '../event/rounds.ts';
import { traceAt } from '../event/trace-marks.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode } from '../expression/expression.ts';
import { pickEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { failEvent } from './failure.ts';
import { keyOfValue } from './key-value.ts';
import { isCode } from './map.ts';
import type { StepContext, Transform } from './transform.ts';

/** With `maxRounds`: what goes round has done so once more (event/rounds.ts). */
export function makeKeyBy({ code, carry, maxRounds }: Extract<OpPlan, { kind: 'keyBy' }>): Transform {
  const keyValue = compileKey(code);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      if (maxRounds !== undefined && context.rounds >= maxRounds) return refuseRound(batch, maxRounds, context);
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
      if (maxRounds !== undefined) return context.emit(withRounds({ ...kept, keys }, context.rounds + 1));
      context.emit({ ...kept, values: carry === 'nothing' ? withoutValues(kept, context.watermark) : kept.values, keys });
    },
  };
}

/** What lies above the watermark here is above every watermark behind the exchange when it arrives, so it is not late
 *  there; what may be late keeps its value, for whoever reads late events. */
function withoutValues({ values, times }: Batch, watermark: number): Value[] {
  return values.map((value, i) => ((times[i] as number) > watermark ? null : value));
}

function refuseRound(batch: Batch, maxRounds: number, context: StepContext): void {
  const { message } = new MillraceError('MR3010', { transform: context.nodeId, maxRounds });
  batch.values.forEach((event, i) => {
    const letter = {
      code: 'MR3010',
      message,
      issues: [],
      event,
      place: null,
      timeMs: batch.times[i] ?? null,
      key: batch.keys?.[i] ?? null,
    };
    context.deadLetter(letter, traceAt(batch, i));
  });
}

function compileKey(code: Extract<OpPlan, { kind: 'keyBy' }>['code']): (...args: unknown[]) => unknown {
  if (isCode(code)) return compileCode(code, EVENT_NAMES);
  const parts = Object.values(code).map((part) => compileCode(part, EVENT_NAMES));
  if (parts.length === 1) return parts[0]!;
  return (...args) => parts.map((part) => part(...args));
}
