// The spec says something else than what the workers run: how it gets there without losing what they know.
//
//   U1. Never a weaker strategy than the spec's: where state and declaration disagree, nothing is changed and the reason told.
//   U2. A revision that was rolled back is not tried again until the spec changes.
//   U3. last-state: one write makes all workers take the new revision in place; only the stages that changed begin anew.
//   U4. Where nothing but the pool of stages changes no state is dropped or saved, whatever the strategy: tasks are handed over.

import { counted } from '../../runtime/base/quantity.ts';
import { compareForUpgrade, type UpgradePlan } from '../../runtime/plan/compatibility.ts';
import type { PhysicalPlan, StagePlan } from '../../runtime/plan/physical-plan.ts';
import { movedStages, poolOf } from '../../runtime/plan/pools.ts';
import type { Deployed } from './decide.ts';
import type { Decision, Told } from './decision.ts';
import { listed, nextRevision, reconciling, stalled, type Conditions } from './verdicts.ts';

const SOON_MS = 1_000;

export function decideUpgrade(observed: Deployed): Decision {
  const { job, declared, nats, cluster } = observed;
  if (job.status.rejectedHash === declared.hash) return stayRolledBack(observed);
  if (observed.savepointRunning) return wait(observed, 'a savepoint is being taken; the new revision follows');
  if (isMoveOnly(observed)) return inPlace(observed, compareForUpgrade(nats.record.plan as PhysicalPlan, declared.plan));
  switch (cluster.upgrade.strategy) {
    case 'stateless':
      return startOver(observed);
    case 'savepoint':
      return behindSavepoint(observed) ?? inPlace(observed, compareForUpgrade(nats.record.plan as PhysicalPlan, declared.plan));
    case 'last-state':
      return inPlace(observed, compareForUpgrade(nats.record.plan as PhysicalPlan, declared.plan));
  }
}

/** U4. */
function isMoveOnly({ nats, declared }: Deployed): boolean {
  const before = nats.record.plan as PhysicalPlan;
  return before.fingerprint === declared.plan.fingerprint && movedStages(before, declared.plan).length > 0;
}

function inPlace(observed: Deployed, change: UpgradePlan): Decision {
  const { job, nats, nowMs, cluster } = observed;
  if (change.incompatible.length > 0) return refuse(observed, change);
  const revision = nextRevision(job.status, nats.record.revision, observed.declared.hash, job.generation);
  const stages = [...change.restarted, ...change.added];
  const moved = movedStages(nats.record.plan as PhysicalPlan, observed.declared.plan);
  const message = `revision ${revision.number}: ${[...moved.map(moveText), describe(change)].join('; ')}`;
  return {
    phase: 'Upgrading',
    conditions: reconciling('Upgrading', message),
    intent: { action: 'upgrade', revision, since: new Date(nowMs).toISOString(), stages },
    actions: [{ kind: 'ensure-streams' }, { kind: 'write-revision', revision, run: 'continued' }],
    replicas: cluster.replicas,
    events: [{ type: 'Normal', reason: 'Upgrading', message }],
    remembers: { rejectedHash: null },
    againMs: SOON_MS,
  };
}

function moveText(stage: StagePlan): string {
  return `${stage.id} moves to pool ${poolOf(stage)}`;
}

function describe({ restarted, added, removed, unchanged }: UpgradePlan): string {
  const parts = [
    restarted.length > 0 ? `${restarted.join(', ')} begin anew with their state` : '',
    added.length > 0 ? `${added.join(', ')} are new` : '',
    removed.length > 0 ? `${removed.join(', ')} are gone` : '',
    `${counted(unchanged.length, 'stage')} ${unchanged.length === 1 ? 'goes' : 'go'} on untouched`,
  ];
  return parts.filter((part) => part !== '').join('; ');
}

function refuse(observed: Deployed, { incompatible }: UpgradePlan): Decision {
  const sentences = incompatible.map(({ stage, reason, fix }) => `stage ${stage}: ${reason} (${fix})`);
  const message = `${listed(sentences)}; revision ${observed.nats.record.revision} goes on as it was`;
  return hold(observed, stalled('StateIncompatible', message), [{ type: 'Warning', reason: 'UpgradeRefused', message }]);
}

function stayRolledBack(observed: Deployed): Decision {
  const message = `this spec was tried and did not progress; revision ${observed.nats.record.revision} runs instead; change the spec to try again`;
  const { nats, job } = observed;
  const isStable = job.status.stableRevision?.number === nats.record.revision;
  const revision = nats.revision ?? undefined;
  return {
    ...hold(observed, stalled('RolledBack', message), []),
    phase: isStable || job.status.intent?.action !== 'rollback' ? 'Running' : 'RollingBack',
    intent: null,
    replicas: observed.cluster.replicas,
    ...(revision === undefined ? {} : { remembers: { revision, stableRevision: revision } }),
  };
}

function startOver(observed: Deployed): Decision {
  const { pods, nowMs, job, nats, declared } = observed;
  const revision = nextRevision(job.status, nats.record.revision, declared.hash, job.generation);
  const intent = { action: 'upgrade', revision, since: job.status.intent?.since ?? new Date(nowMs).toISOString() } as const;
  const isStopped = pods.total + pods.terminating === 0;
  const message = isStopped
    ? `revision ${revision.number} starts over without state, as upgrade.strategy: stateless says`
    : `workers stop before state is dropped (upgrade.strategy: stateless)`;
  return {
    phase: 'Upgrading',
    conditions: reconciling('Upgrading', message),
    intent,
    actions: isStopped
      ? [{ kind: 'remove-state', of: 'run' }, { kind: 'ensure-streams' }, { kind: 'write-revision', revision, run: 'new' }]
      : [],
    replicas: isStopped ? observed.cluster.replicas : 0,
    ...(isStopped ? {} : { stops: true as const }),
    events: isStopped ? [{ type: 'Normal', reason: 'Upgrading', message }] : [],
    remembers: { rejectedHash: null },
    againMs: SOON_MS,
  };
}

/** null: the savepoint is there. */
function behindSavepoint(observed: Deployed): Decision | null {
  const { upgradeSavepoint, job, nats, declared } = observed;
  const revision = nextRevision(job.status, nats.record.revision, declared.hash, job.generation);
  const name = savepointName(job.name, revision.number);
  if (upgradeSavepoint?.phase === 'Completed') return null;
  if (upgradeSavepoint?.phase === 'Failed') {
    const message = `savepoint ${name} could not be taken, so the upgrade was not begun; delete that StreamSavepoint to try again`;
    return hold(observed, stalled('SavepointFailed', message), [{ type: 'Warning', reason: 'UpgradeRefused', message }]);
  }
  const decision = wait(observed, `savepoint ${name} is taken before revision ${revision.number}`);
  return upgradeSavepoint === null ? { ...decision, actions: [{ kind: 'create-savepoint', name }] } : decision;
}

/** The name of the savepoint that revision `number` is upgraded behind. */
export function savepointName(job: string, number: number): string {
  const end = `-before-${number}`;
  return `${job.slice(0, 63 - end.length)}${end}`;
}

function wait(observed: Deployed, message: string): Decision {
  return { ...hold(observed, reconciling('Upgrading', message), []), phase: 'Upgrading', againMs: SOON_MS };
}

/** Children stay as they are, but for the number of workers. */
function hold(observed: Deployed, conditions: Conditions, events: readonly Told[]): Decision {
  const { job, cluster } = observed;
  return {
    phase: job.status.phase ?? 'Running',
    conditions,
    intent: job.status.intent ?? null,
    actions: [],
    replicas: cluster.replicas,
    events,
    againMs: null,
  };
}
