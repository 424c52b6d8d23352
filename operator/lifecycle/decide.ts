// What to do about a StreamJob, from what is observed of it. Pure: the same observation, the same decision.
//
//   Pending ─▶ Starting ─▶ Running ◀─▶ Upgrading ─▶ RollingBack        Suspending ─▶ Suspended (and back)
//                             │  └────▶ Completed                      Deleting (any)
//                             └───────▶ Failed (until the spec changes, or it is suspended and resumed)
//
//   D1. The first rule below that has something to say decides.
//   D2. Nothing is decided from memory: an operator that starts anew sees the same and goes on (status.intent says since when).
//   D3. What cannot be seen is not guessed: without NATS nothing is changed, and Ready is Unknown.
//   D4. State is dropped only where the spec says so (`upgrade.strategy: stateless`, `deletionPolicy: Delete`).

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import { parseDuration } from '../../runtime/base/duration.ts';
import { counted } from '../../runtime/base/quantity.ts';
import { decideDeletion } from './decide-deletion.ts';
import { decideUpgrade } from './decide-upgrade.ts';
import type { Action, Decision, Told } from './decision.ts';
import { readinessOf, type Readiness } from './figures.ts';
import type { NatsAbsent, NatsObserved, Observed, ValidDeclared } from './observed.ts';
import { awakeStages, isAsleep, ofPool, podsReplacing, poolsNotUp, sizeOfPool, stoppedText, workersAsked } from './pools.ts';
import { scalingConditions, scalingNews } from './scaling-verdicts.ts';
import { issueText, listed, nextRevision, ready, reconciling, stalled, standing, type Conditions } from './verdicts.ts';

export type Present = Extract<NatsObserved, { readonly kind: 'present' }>;
/** Observed of a job that can be run: its spec is valid and NATS is there. */
export type Runnable = Observed & { readonly declared: ValidDeclared; readonly nats: Present };
/** And workers were told to run something. */
export type Deployed = Runnable & { readonly nats: Present & { readonly record: NonNullable<Present['record']> } };

/** A revision counts as stable when all its tasks have run for this long. */
const STABLE_MS = 2_000;
const SOON_MS = 1_000;

export function decide(observed: Observed): Decision {
  if (observed.job.deletedMs !== null) return decideDeletion(observed);
  const decision = decideLiving(observed);
  const conditions = { ...standing(observed), ...scalingConditions(observed), ...decision.conditions };
  const hasState = observed.nats.kind === 'present' && observed.nats.record !== null;
  const needsFinalizer = !observed.job.hasFinalizer && (hasState || decision.actions.length > 0);
  const actions: readonly Action[] = needsFinalizer ? [{ kind: 'add-finalizer' }, ...decision.actions] : decision.actions;
  return { ...decision, conditions, actions, events: [...decision.events, ...scaled(observed, decision), ...scalingNews(observed)] };
}

function decideLiving(observed: Observed): Decision {
  const { declared, nats } = observed;
  if (observed.cluster.suspend) return decideSuspension(observed);
  if (nats.kind === 'absent') return decideWithoutNats(observed, nats);
  if (declared.kind === 'invalid') return decideInvalid(observed, declared.issues.map(issueText));
  // What starts over needs nothing of what is lost.
  if (nats.lost.length > 0 && observed.cluster.upgrade.strategy !== 'stateless') return decideLost(observed, nats.lost);
  if (declared.kind === 'waiting') return decideWaiting(observed, declared.reasons);
  const runnable = { ...observed, declared, nats } as Runnable;
  if (nats.record === null) return decideDeployment(runnable);
  const deployed = { ...runnable, nats: { ...nats, record: nats.record } } as Deployed;
  if (nats.revision?.hash !== declared.hash || nats.lost.length > 0) return decideUpgrade(deployed);
  return decideRun(deployed);
}

/** Without children, events and actions of its own: the children stay as they are. */
function hold(observed: Observed, phase: Decision['phase'], conditions: Conditions, events: readonly Told[] = []): Decision {
  return { phase, conditions, intent: observed.job.status.intent ?? null, actions: [], replicas: 'kept', events, againMs: null };
}

function decideSuspension(observed: Observed): Decision {
  const { pods, job, nats } = observed;
  const isGone = pods.total + pods.terminating === 0;
  const message = isGone
    ? 'no worker runs; its state is kept'
    : `waits for ${counted(pods.total + pods.terminating, 'worker')} to hand in what is in flight`;
  const was = job.status.phase;
  const hasBegun = job.status.revision !== undefined || (nats.kind === 'present' && nats.record !== null);
  return {
    phase: isGone ? 'Suspended' : 'Suspending',
    conditions: isGone ? ready('Suspended', message) : reconciling('Suspending', message),
    intent: null,
    actions: [],
    replicas: hasBegun ? 0 : 'none',
    stops: true,
    events:
      isGone && was !== 'Suspended' ? [{ type: 'Normal', reason: 'Suspended', message: `${message}; spec.suspend: false goes on` }] : [],
    againMs: isGone ? null : SOON_MS,
  };
}

function decideWithoutNats(observed: Observed, { reason, unfit }: NatsAbsent): Decision {
  const { status } = observed.job;
  const message =
    unfit === undefined
      ? `NATS does not answer: ${reason}; nothing is changed until it does`
      : `NATS is not used: ${reason}; nothing is changed until then`;
  return {
    ...hold(observed, status.phase ?? 'Pending', {
      Ready: { status: 'Unknown', reason: 'NatsUnreachable', message },
      Reconciling: { status: 'True', reason: 'NatsUnreachable', message },
      Stalled: { status: 'False', reason: 'NatsUnreachable', message },
    }),
    events: [{ type: 'Warning', reason: 'NatsUnreachable', message }],
    againMs: SOON_MS,
  };
}

function decideInvalid(observed: Observed, problems: readonly string[]): Decision {
  const { status } = observed.job;
  const running = status.revision === undefined ? '' : `; revision ${status.revision.number} goes on as it was`;
  const message = `${listed(problems)}${running}`;
  const phase = status.revision === undefined ? 'Pending' : (status.phase ?? 'Pending');
  return hold(observed, phase, stalled('InvalidSpec', message), [{ type: 'Warning', reason: 'InvalidSpec', message }]);
}

function decideLost(observed: Observed, lost: readonly string[]): Decision {
  const message = `${listed(lost)}: what was in them cannot be read any more, so the job would not be exact; restore a savepoint, or start over with upgrade.strategy: stateless`;
  return hold(observed, 'Failed', stalled('JournalLost', message), [{ type: 'Warning', reason: 'Failed', message }]);
}

function decideWaiting(observed: Observed, reasons: readonly string[]): Decision {
  const { status } = observed.job;
  const message = listed(reasons);
  const decision = hold(observed, status.phase ?? 'Pending', reconciling('Waiting', message), [
    { type: 'Normal', reason: 'Waiting', message },
  ]);
  return { ...decision, againMs: SOON_MS };
}

function decideDeployment(observed: Runnable): Decision {
  const { job, declared, restoreSavepoint, nats } = observed;
  if (nats.hasLanes) return decideAdoption(observed);
  if (restoreSavepoint !== null && restoreSavepoint.problem !== null) return decideWaiting(observed, [restoreSavepoint.problem]);
  const revision = nextRevision(job.status, 0, declared.hash, job.generation);
  const restore: readonly Action[] = restoreSavepoint === null ? [] : [{ kind: 'prepare-restore', savepoint: restoreSavepoint.name }];
  const from = restoreSavepoint === null ? '' : ` from savepoint ${restoreSavepoint.name}`;
  const message = `revision ${revision.number} is deployed${from}: ${counted(declared.plan.stages.length, 'stage')}, ${counted(workersAsked(observed), 'worker')}`;
  return {
    phase: 'Starting',
    conditions: reconciling('Deploying', message),
    intent: { action: 'deploy', revision, since: new Date(observed.nowMs).toISOString() },
    actions: [{ kind: 'ensure-streams' }, ...restore, { kind: 'write-revision', revision, run: 'new' }],
    replicas: observed.cluster.replicas,
    events: [{ type: 'Normal', reason: restoreSavepoint === null ? 'Deployed' : 'Restored', message }],
    againMs: SOON_MS,
  };
}

/** The directory is gone, journals are there. What they mean is known while the run had one revision only: exchanges have other
 *  numbers after an upgrade. */
function decideAdoption(observed: Runnable): Decision {
  const { job, declared, cluster, nowMs } = observed;
  const { revision: before, runId } = job.status;
  const revision = nextRevision(job.status, 0, declared.hash, job.generation);
  const isKnown = before !== undefined && runId !== undefined && before.number === 1 && before.hash === declared.hash;
  const startsOver = cluster.upgrade.strategy === 'stateless';
  const bucket = `bucket MR_${job.namespace}_${job.name}`;
  if (!isKnown && !startsOver) {
    const message = `${bucket} is gone, so what its journals hold cannot be told; restore a savepoint under another name, or start over with upgrade.strategy: stateless`;
    return hold(observed, 'Failed', stalled('DirectoryLost', message), [{ type: 'Warning', reason: 'Failed', message }]);
  }
  const message = startsOver
    ? `${bucket} was gone: revision ${revision.number} starts over`
    : `${bucket} was gone and is made again: run ${runId} goes on`;
  return {
    phase: 'Starting',
    conditions: reconciling('Deploying', message),
    intent: { action: 'deploy', revision, since: new Date(nowMs).toISOString() },
    actions: [
      ...(startsOver ? [{ kind: 'remove-state', of: 'run' } as const] : []),
      { kind: 'ensure-streams' },
      { kind: 'write-revision', revision, run: startsOver ? 'new' : 'continued' },
    ],
    replicas: cluster.replicas,
    events: [{ type: 'Warning', reason: 'Repaired', message }],
    againMs: SOON_MS,
  };
}

/** Workers were told to run what the spec says: do they? */
function decideRun(observed: Deployed): Decision {
  const { nats, job } = observed;
  const { record } = nats;
  const isStable = job.status.stableRevision?.number === record.revision;
  if (nats.failure !== null && nats.failure.revision >= record.revision) return decideFailure(observed, isStable);
  if (nats.completed) return decideCompletion(observed);
  if (workersAsked(observed) === 0)
    return {
      ...going(observed),
      phase: 'Suspended',
      ...(isAsleep(observed)
        ? {
            conditions: ready('Asleep', 'no event waits: no worker runs; its state is kept, and the first event wakes it'),
            againMs: SOON_MS,
          }
        : { conditions: ready('ScaledToZero', 'spec.replicas is 0: no worker runs; its state is kept') }),
    };
  const { stages } = observed.declared.plan;
  const readiness = readinessOf(awakeStages(observed, stages), observed.figures, record.revision);
  return isStable ? decideSteady(observed, readiness) : decideSettling(observed, readiness);
}

/** What all decisions about a job that runs have in common. */
function going(observed: Deployed): Decision {
  const { nats, job, cluster } = observed;
  const wasSuspended = job.status.phase === 'Suspended' || job.status.phase === 'Suspending';
  const repaired: readonly Told[] =
    nats.drift.length === 0 ? [] : [{ type: 'Warning', reason: 'Repaired', message: `mended in NATS: ${listed(nats.drift)}` }];
  const resumed: readonly Told[] =
    wasSuspended && workersAsked(observed) > 0
      ? [{ type: 'Normal', reason: 'Resumed', message: `it goes on from the kept state with ${counted(workersAsked(observed), 'worker')}` }]
      : [];
  return {
    phase: 'Running',
    conditions: {},
    intent: job.status.intent ?? null,
    actions: nats.drift.length === 0 ? [] : [{ kind: 'ensure-streams' }],
    replicas: cluster.replicas,
    events: [...repaired, ...resumed],
    remembers: { revision: nats.revision ?? { number: nats.record.revision, hash: observed.declared.hash, generation: job.generation } },
    againMs: null,
  };
}

function decideSteady(observed: Deployed, readiness: Readiness): Decision {
  const decision = { ...going(observed), intent: null, againMs: isAsleep(observed) ? SOON_MS : null };
  const { record } = observed.nats;
  const stopped = stoppedText(observed, observed.declared.plan.stages);
  const which = stopped === '' ? 'all' : 'the';
  const waits = waitsFor(observed, readiness);
  if (waits.length === 0)
    return { ...decision, conditions: runs(observed, `revision ${record.revision}: ${which} ${readiness.tasks} tasks run${stopped}`) };
  const message = `${readiness.running} of ${readiness.tasks} tasks run; waiting for ${waits.join(', ')}`;
  return { ...decision, conditions: reconciling('Recovering', message), againMs: SOON_MS };
}

/** All tasks do, and what is said of the pods that run them. */
function runs(observed: Deployed, message: string): Conditions {
  const replacing = podsReplacing(observed);
  if (replacing === null) return ready('Running', message);
  return (replacing.isStuck ? stalled : reconciling)('ReplacingPods', `${message}; ${replacing.text}`);
}

/** What keeps it from being ready: tasks that do not run, and pools whose pods do not come up. */
function waitsFor(observed: Deployed, { missing }: Readiness): readonly string[] {
  return [...missing, ...poolsNotUp(observed, observed.declared.plan.stages)];
}

function decideSettling(observed: Deployed, readiness: Readiness): Decision {
  const { job, nats, nowMs, cluster } = observed;
  const { record } = nats;
  const decision = going(observed);
  const revision = decision.remembers?.revision ?? { number: record.revision, hash: observed.declared.hash, generation: job.generation };
  const intent = job.status.intent ?? { action: 'deploy', revision, since: new Date(nowMs).toISOString() };
  const sinceMs = Date.parse(intent.since);
  const phase = intent.action === 'deploy' ? 'Starting' : intent.action === 'rollback' ? 'RollingBack' : 'Upgrading';
  const waits = waitsFor(observed, readiness);
  if (waits.length === 0 && nowMs - sinceMs >= STABLE_MS) {
    const done = `revision ${record.revision}: all ${readiness.tasks} tasks run`;
    const told: readonly Told[] = intent.action === 'deploy' ? [] : [{ type: 'Normal', reason: 'Upgraded', message: done }];
    return {
      ...decision,
      intent: null,
      conditions: runs(observed, done),
      events: [...decision.events, ...told],
      remembers: { revision, stableRevision: revision },
    };
  }
  const message = `revision ${record.revision}: ${readiness.running} of ${readiness.tasks} tasks run${
    waits.length === 0 ? '' : `; waiting for ${waits.join(', ')}`
  }`;
  const deadlineMs = parseDuration(cluster.upgrade.progressDeadline);
  if (nowMs - sinceMs > deadlineMs) {
    const overdue = `${message}, after ${cluster.upgrade.progressDeadline}`;
    return (
      rollback(observed, overdue) ?? {
        ...decision,
        phase,
        intent,
        conditions: stalled('ProgressDeadlineExceeded', overdue),
        againMs: SOON_MS,
      }
    );
  }
  return { ...decision, phase, intent, conditions: reconciling(phase, message), againMs: SOON_MS };
}

function decideFailure(observed: Deployed, isStable: boolean): Decision {
  const { failure, record } = observed.nats;
  const told = failure === null ? '' : `${failure.code} in ${failure.task}: ${failure.message}`;
  const back = isStable ? null : rollback(observed, told);
  if (back !== null) return back;
  const decision = going(observed);
  if (decision.events.some(({ reason }) => reason === 'Resumed'))
    return {
      ...decision,
      conditions: reconciling('Recovering', `it was resumed: revision ${record.revision} tries again where it stopped`),
      actions: [...decision.actions, { kind: 'clear-failure' }],
      againMs: SOON_MS,
    };
  const message = `revision ${record.revision} stopped: ${told}. ${failure?.fix ?? ''} Change the spec, or suspend and resume it, to try again.`;
  return {
    ...decision,
    phase: 'Failed',
    intent: null,
    conditions: stalled('JobFailed', message),
    events: [...decision.events, { type: 'Warning', reason: 'Failed', message }],
  };
}

/** Back to the last revision that was seen to run; null where there is none, or the spec does not want it. */
function rollback(observed: Deployed, why: string): Decision | null {
  const { job, nats, cluster, nowMs } = observed;
  const stable = job.status.stableRevision;
  const failed = nats.record.revision;
  if (!cluster.upgrade.rollback || stable === undefined || stable.number >= failed || !nats.kept.includes(stable.number)) return null;
  const revision = { number: failed + 1, hash: stable.hash, generation: stable.generation };
  const message = `revision ${failed} did not progress (${why}); revision ${stable.number} is run again, as ${revision.number}`;
  return {
    phase: 'RollingBack',
    conditions: reconciling('RollingBack', message),
    intent: { action: 'rollback', revision, since: new Date(nowMs).toISOString() },
    actions: [{ kind: 'restore-revision', from: stable.number, revision }],
    replicas: cluster.replicas,
    events: [{ type: 'Warning', reason: 'RolledBack', message }],
    remembers: { rejectedHash: observed.declared.hash },
    againMs: SOON_MS,
  };
}

function decideCompletion(observed: Deployed): Decision {
  const { job, pods } = observed;
  const decision = going(observed);
  const message = 'all input was processed and all results are written';
  const isNew = job.status.phase !== 'Completed';
  const revision = decision.remembers?.revision;
  return {
    ...decision,
    phase: 'Completed',
    intent: null,
    conditions: ready('Completed', message),
    replicas: 0,
    stops: true,
    actions: [],
    events: isNew ? [{ type: 'Normal', reason: 'Completed', message }] : [],
    ...(revision === undefined ? {} : { remembers: { revision, stableRevision: revision } }),
    againMs: pods.total > 0 ? SOON_MS : null,
  };
}

function scaled(observed: Observed, decision: Decision): readonly Told[] {
  const { deployedReplicas, nats, scaling, pools } = observed;
  const size = typeof decision.replicas === 'number' ? decision.replicas : null;
  const isAbsent = nats.kind === 'absent';
  const own = sizeNews({ deployed: deployedReplicas, size, scaling, isAbsent });
  const others = pools.flatMap((pool) => {
    const to = decision.replicas === 'kept' ? null : sizeOfPool(pool, decision);
    return sizeNews({ deployed: pool.deployedReplicas, size: to, scaling: pool.scaled, isAbsent }).map((text) => ofPool(pool.name, text));
  });
  const sentences = [...(pools.length === 0 ? own : own.map((text) => ofPool(DEFAULT_POOL, text))), ...others];
  return sentences.map((message) => ({ type: 'Normal', reason: 'Scaled', message }));
}

type Sizes = {
  readonly deployed: number | null;
  /** null: it stays as it is. */ readonly size: number | null;
  readonly scaling: Observed['scaling'];
  readonly isAbsent: boolean;
};

function sizeNews({ deployed, size, scaling, isAbsent }: Sizes): readonly string[] {
  if (scaling !== null && scaling.sentences.length > 0) return scaling.sentences;
  // What scaling decided was told when it did.
  if (scaling !== null && size === scaling.replicas) return [];
  if (size === null || deployed === null || deployed === size || isAbsent) return [];
  return [`workers ${deployed} → ${size}`];
}
