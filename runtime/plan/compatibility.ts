// What becomes of the state of a job when a plan takes another's place: which stages go on untouched, which begin anew with the
// state that they have, and where state and declaration do not fit.
//
//   U1. Untouched: everything that a task of the stage does and writes is the same. Else it begins anew, with its state.
//   U2. What fits is decided by what lies in state, not by what made it: filters, maps, look-ups, guards, actions, values and
//       conditions of aggregates, functions of actors may change; they hold from then on, for what comes then.
//   U3. In doubt it does not fit, and a person hears why and what to do. State is never dropped or guessed silently: it goes only
//       with a stage or transform that is gone from the declaration.
//   U4. Names of streams and numbers of exchanges do not count: the plans may be of two jobs (a savepoint of one restored as another).

import { stageFingerprints } from './fingerprint.ts';
import { liveOutputs, type PhysicalPlan, type StagePlan } from './physical-plan.ts';
import { compareState, type Misfit } from './state-fit.ts';
import { canonicalText } from './structure.ts';

export type Incompatibility = { readonly stage: string } & Misfit;

/** Ids of stages, in the order of the plans. Those of `incompatible` stand in `restarted` or `removed`, too. */
export type UpgradePlan = {
  readonly unchanged: readonly string[];
  readonly restarted: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why `after` cannot go on with the state of `before`, a sentence each; empty: it can. */
  readonly incompatible: readonly Incompatibility[];
};

/** What it means to run `after` where `before` ran. Either may come from JSON, with marks where code was. */
export function compareForUpgrade(before: PhysicalPlan, after: PhysicalPlan): UpgradePlan {
  const kept = before.stages.flatMap((stage) => {
    const next = after.stages.find(({ id }) => id === stage.id);
    return next === undefined ? [] : [{ stage, next }];
  });
  const same = unchangedStages(before, after);
  return {
    unchanged: kept.filter(({ stage }) => same.has(stage.id)).map(({ stage }) => stage.id),
    restarted: kept.filter(({ stage }) => !same.has(stage.id)).map(({ stage }) => stage.id),
    added: after.stages.filter(({ id }) => !before.stages.some((stage) => stage.id === id)).map(({ id }) => id),
    removed: before.stages.filter(({ id }) => !after.stages.some((stage) => stage.id === id)).map(({ id }) => id),
    incompatible: before.stages.flatMap((stage) => compareState(before, stage, after).map((misfit) => ({ stage: stage.id, ...misfit }))),
  };
}

/** Stages of which running tasks may go on as they are (U1). */
export function unchangedStages(before: PhysicalPlan, after: PhysicalPlan): ReadonlySet<string> {
  const [was, is] = [stageFingerprints(before), stageFingerprints(after)];
  return new Set(
    before.stages
      .filter((stage) => {
        const next = after.stages.find(({ id }) => id === stage.id);
        return next !== undefined && was[stage.id] === is[stage.id] && workOf(before, stage) === workOf(after, next);
      })
      .map(({ id }) => id),
  );
}

/** What a task does beside its transforms: where its events go, and the tables that it looks things up in. */
function workOf(plan: PhysicalPlan, stage: StagePlan): string {
  const outputs = liveOutputs(plan, stage).map(({ id, from, toStage, partitioning }) => ({
    id,
    from,
    partitioning,
    partitions: plan.stages.find((reader) => reader.id === toStage)?.partitionCount,
  }));
  const names = new Set(stage.nodes.flatMap(({ op }) => (op.kind === 'enrich' ? op.lookups.map(({ table }) => table) : [])));
  return canonicalText([outputs, plan.tables.filter(({ name }) => names.has(name))]);
}
