// flatMap: each event becomes a list of events, in order; time and key stay.
//
//   F1. All or nothing: when one result of an event fails, the event is a dead letter and gives no result at all.
//   F2. An event that gives none counts as filtered.

import type { Value } from '../event/batch.ts';
import type { OpPlan } from '../plan/physical-plan.ts';
import { compileCode, compileFields, compilePredicate } from '../expression/expression.ts';
import { refusePromise } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { EventRefused, describeValue, failEvent } from './failure.ts';
import { isCode } from './map.ts';
import type { Transform } from './transform.ts';

type FlatMapSpec = Extract<OpPlan, { kind: 'flatMap' }>['flatMap'];
/** Results of one event. */
type Expand = (value: Value, key: string | null, timeMs: number, nowMs: number) => readonly Value[];

export function makeFlatMap({ flatMap }: Extract<OpPlan, { kind: 'flatMap' }>): Transform {
  const expand = compileExpand(flatMap);
  return {
    absorbs: true,
    onBatch(batch, context) {
      const values: Value[] = [];
      const times: number[] = [];
      const keys: string[] | null = batch.keys === null ? null : [];
      let [barrenCount, openedCount] = [0, 0];
      for (let i = 0; i < batch.values.length; i++) {
        try {
          const timeMs = batch.times[i]!;
          const results = expand(batch.values[i], batch.keys?.[i] ?? null, timeMs, context.nowMs);
          if (results.length === 0) barrenCount++;
          else openedCount++;
          for (const result of results) {
            values.push(result);
            times.push(timeMs);
            keys?.push(batch.keys![i]!);
          }
        } catch (error) {
          failEvent(context, batch, i, error);
        }
      }
      if (barrenCount > 0) context.countFiltered(barrenCount); // F2
      context.countAbsorbed(openedCount);
      context.emit({ values, times, keys, ingestMs: batch.ingestMs, traces: undefined });
    },
  };
}

function compileExpand(flatMap: FlatMapSpec): Expand {
  if (typeof flatMap === 'string' || typeof flatMap === 'function') {
    const list = compileCode(flatMap, EVENT_NAMES);
    return (...args) => checkList(list(...args));
  }
  const branches = flatMap.map(({ when, emit }) => ({
    holds: when === undefined ? null : compilePredicate(when, EVENT_NAMES),
    make: isCode(emit) ? compileCode(emit, EVENT_NAMES) : compileFields(emit, EVENT_NAMES),
  }));
  return (...args) => checkList(branches.filter(({ holds }) => holds === null || holds(...args)).map(({ make }) => make(...args)));
}

function checkList(results: unknown): readonly Value[] {
  if (results instanceof Promise) refusePromise(results);
  if (!Array.isArray(results)) throw new EventRefused(`it must give a list of events, it gave ${describeValue(results)}`);
  for (const result of results as readonly unknown[]) if (result instanceof Promise) refusePromise(result);
  return results;
}
