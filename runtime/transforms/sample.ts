// sample: lets about `ratio` of the events through, the same ones at every replay.
//
// By a hash, not by chance: of the value of `by`, so that all events of one are in or all are out; without `by` of the
// whole event, so that equal events share their fate.

import type { OpPlan } from '../plan/physical-plan.ts';
import { encodeKey, hashKey } from '../event/key.ts';
import { compileCode } from '../expression/expression.ts';
import { DROPPED, changeEvents } from './each-event.ts';
import { EVENT_NAMES } from './event-names.ts';
import { keyOfValue } from './key-value.ts';
import type { Transform } from './transform.ts';

const HASHES = 2 ** 32;

export function makeSample({ ratio, by }: Extract<OpPlan, { kind: 'sample' }>): Transform {
  const identityOf = by === null ? null : compileCode(by, EVENT_NAMES);
  return {
    carriesTraces: true,
    onBatch(batch, context) {
      const sampled = changeEvents(batch, context, (value, key, timeMs) => {
        const identity = identityOf === null ? encodeKey(value) : keyOfValue(identityOf(value, key, timeMs, context.nowMs));
        return hashKey(identity) < ratio * HASHES ? value : DROPPED;
      });
      context.emit(sampled);
    },
  };
}
