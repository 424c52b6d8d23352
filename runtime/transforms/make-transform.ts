// From a node of the plan to the transform that runs it: the one list of all kinds.

import type { MigrationSpec } from '../../crds/stream-job/state.ts';
import { AssertionFailed } from '../base/assert.ts';
import type { NodePlan, StatePlan } from '../plan/physical-plan.ts';
import { type Expirable, expiring } from './actor/expiring.ts';
import { migrating } from './actor/migrating.ts';
import { makeMachine, makeXState } from './actor/machine.ts';
import { makeReduce } from './actor/reduce.ts';
import { makeAggregate } from './aggregate/aggregate.ts';
import { makeChangelog } from './changelog.ts';
import { makeClock } from './clock.ts';
import { makeBranch } from './branch.ts';
import { makeRateLimit } from './rate-limit.ts';
import { makeCompress, makeDecompress } from './compress.ts';
import { makeDedupe } from './dedupe.ts';
import { makeEnrich } from './enrich.ts';
import { makeEventTime } from './event-time.ts';
import { makeFilter } from './filter.ts';
import { makeFlatMap } from './flat-map.ts';
import { makeJoin } from './join/join.ts';
import { makeTableJoin } from './join/table-join.ts';
import { makeTemporalJoin } from './join/temporal-join.ts';
import { makeWindowJoin } from './join/window-join.ts';
import { makeKeyBy } from './key-by.ts';
import { makeLookup } from './lookup.ts';
import { makeMap } from './map.ts';
import { makeOrder } from './order.ts';
import { makePattern } from './pattern/pattern.ts';
import { makeSample } from './sample.ts';
import { makeSideInput } from './side-input.ts';
import { makeTableRows } from './table-rows.ts';
import type { Transform } from './transform.ts';
import { makeValidate } from './validate.ts';
import { makeWindow } from './window/window.ts';

/** A new transform for one task, its code compiled. Throws BadDeclaration for code that the planner has not checked. */
export function makeTransform({ id, op }: NodePlan): Transform {
  switch (op.kind) {
    case 'filter':
      return makeFilter(op);
    case 'map':
      return makeMap(op);
    case 'flatMap':
      return makeFlatMap(op);
    case 'eventTime':
      return makeEventTime(op);
    case 'enrich':
      return makeEnrich(op);
    case 'sample':
      return makeSample(op);
    case 'branch':
      return makeBranch(op);
    case 'rateLimit':
      return makeRateLimit(op);
    case 'validate':
      return makeValidate(op);
    case 'compress':
      return makeCompress(op);
    case 'decompress':
      return makeDecompress(op);
    case 'keyBy':
      return makeKeyBy(op);
    case 'window':
      return makeWindow(op);
    case 'changelog':
      return makeChangelog(op);
    case 'aggregate':
      return withState(makeAggregate(op), op.state);
    case 'dedupe':
      return makeDedupe(op);
    case 'lookup':
      return makeLookup(op);
    case 'join':
      return makeJoin(op);
    case 'tableJoin':
      return makeTableJoin(op);
    case 'temporalJoin':
      return makeTemporalJoin(op);
    case 'windowJoin':
      return makeWindowJoin(op);
    case 'tableRows':
      return makeTableRows(op);
    case 'sideInput':
      return makeSideInput(op);
    case 'clock':
      return makeClock();
    case 'order':
      return makeOrder(op);
    case 'pattern':
      return makePattern(op);
    case 'machine':
      return withState(versioned(makeMachine(op), op), op.state);
    case 'xstate':
      return withState(versioned(makeXState(op), op), op.state);
    case 'reduce':
      return withState(versioned(makeReduce(op), op), op.state);
    case 'source':
    case 'sink':
      throw new AssertionFailed(`node ${id} is a ${op.kind}: the task runs it, no transform does`);
  }
}

function versioned(
  transform: Expirable,
  { kind, migrate }: { readonly kind: string; readonly migrate?: readonly MigrationSpec[] },
): Expirable {
  return migrate === undefined ? transform : migrating(transform, migrate, { actors: kind !== 'reduce' });
}

function withState(transform: Expirable, state: StatePlan | undefined): Transform {
  return state === undefined ? transform : expiring(transform, state);
}
