// One StreamJob, once around: observe → scale → decide → intent → act → children → status.
//
//   R1. Nothing is remembered between two rounds but what saves writes, and measurements: status and cluster are the memory.
//   R2. The intent stands in the status before anything is done about it; killed anywhere, the next round goes on.
//   R3. A round that changes nothing writes nothing: figures alone are written every FIGURES_MS at the most.
//   R4. Every child and stream is looked at every ROUND_MS, whatever the watches say: drift is mended within two rounds.
//   R5. A round begins only when the cache shows what the one before wrote: else it would be forgotten.

import { isDeepStrictEqual } from 'node:util';
import type { ScalingStatus, StreamJobStatus } from '../../crds/stream-job/status.ts';
import { Autoscaler } from '../autoscaler/autoscaler.ts';
import type { EventRecorder } from '../kube/events.ts';
import { resources } from '../kube/resource.ts';
import type { WorkOutcome } from '../kube/work-queue.ts';
import { decide } from '../lifecycle/decide.ts';
import type { Decision, Told } from '../lifecycle/decision.ts';
import type { Observed } from '../lifecycle/observed.ts';
import { API_VERSION } from '../resources/manifest.ts';
import { applyChildren, carryOut, kubeTrouble, type ApplyParts, type Trouble } from './apply.ts';
import { isCutOf } from './cut.ts';
import { scaledJob } from './scaling.ts';
import { observe, type ObserveParts } from './observe.ts';
import { statusOf, withoutFigures } from './status.ts';

export type ReconcilerParts = ApplyParts & ObserveParts & { readonly events: Pick<EventRecorder, 'record'> };

const ROUND_MS = 4_000;
const FIGURES_MS = 10_000;
const CATCH_UP_MS = 20;
const CATCH_UP_MAX_MS = 5_000;

/** What scaling says is told whatever else stays as it was. */
const SCALING_REASONS: ReadonlySet<string> = new Set(['Scaled', 'ScalingLimited', 'HotPartition']);

type Written = { readonly atMs: number; readonly version: string };

export class Reconciler {
  readonly #parts: ReconcilerParts;
  /** What was written of a job last: figures need not be written often, and who does not see it yet looks at the past (R5). */
  readonly #autoscaler = new Autoscaler();
  readonly #written = new Map<string, Written>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  async reconcile(namespace: string, name: string): Promise<WorkOutcome> {
    if (this.#isBehind(namespace, name)) return { kind: 'again', afterMs: CATCH_UP_MS };
    const seen = await observe(this.#parts, namespace, name);
    if (seen === null) {
      this.#written.delete(`${namespace}/${name}`);
      return { kind: 'done' };
    }
    const observed = scaledJob(this.#autoscaler, seen);
    const decision = decide(observed);
    const trouble = await this.#realize(observed, decision);
    if (trouble !== null) return { kind: 'failed', reason: trouble.reason, retryAfterMs: trouble.retryAfterMs };
    return { kind: 'again', afterMs: Math.min(decision.againMs ?? ROUND_MS, ROUND_MS) };
  }

  async #realize(observed: Observed, decision: Decision): Promise<Trouble | null> {
    const acts = decision.actions.length > 0 || isRescaled(observed);
    if (acts) {
      const refused = await this.#writeStatus(observed, decision, true);
      if (refused !== null) return refused;
    }
    const trouble = await carryOut(this.#parts, observed, decision.actions);
    if (trouble !== null) return trouble;
    const isLeaving = observed.job.deletedMs !== null && decision.actions.some(({ kind }) => kind === 'remove-finalizer');
    this.#tell(observed, newsOf(observed, decision));
    if (isLeaving) return null;
    const applied = await applyChildren(this.#parts, observed, decision);
    if (applied.repaired.length > 0 && !isRescaled(observed) && isSteady(observed, decision))
      this.#tell(observed, [{ type: 'Normal', reason: 'Repaired', message: applied.repaired.join('; ') }]);
    if (applied.trouble !== null) return applied.trouble;
    // What was observed says nothing of the pods that a new generation has just been given.
    const isOutdated = applied.replaces && observed.job.status.observedGeneration !== observed.job.generation;
    return acts || isOutdated ? null : this.#writeStatus(observed, decision, false);
  }

  async #writeStatus(observed: Observed, decision: Decision, isIntent: boolean): Promise<Trouble | null> {
    const { job, nowMs } = observed;
    const status = statusOf(observed, decision);
    const key = `${job.namespace}/${job.name}`;
    if (!isIntent && !this.#isWorthWriting(job.status, status, key, nowMs)) return null;
    if (isDeepStrictEqual(job.status, status)) return null;
    const answer = await this.#parts.client.applyStatus(resources.streamJobs, {
      apiVersion: API_VERSION,
      kind: 'StreamJob',
      metadata: { name: job.name, namespace: job.namespace },
      status,
    });
    if (answer.kind === 'ok') this.#written.set(key, { atMs: nowMs, version: answer.object.metadata.resourceVersion });
    return kubeTrouble('status', answer, ['not-found']);
  }

  #isWorthWriting(before: StreamJobStatus, after: StreamJobStatus, key: string, nowMs: number): boolean {
    if (!isDeepStrictEqual(withoutFigures(before), withoutFigures(after))) return true;
    return nowMs - (this.#written.get(key)?.atMs ?? 0) >= FIGURES_MS;
  }

  /** R5. Versions count up; a watch that is slow for long is not waited for. */
  #isBehind(namespace: string, name: string): boolean {
    const written = this.#written.get(`${namespace}/${name}`);
    const seen = this.#parts.caches.streamJobs.get(namespace, name)?.metadata.resourceVersion;
    if (written === undefined || seen === undefined || this.#parts.clock.nowMs() - written.atMs > CATCH_UP_MAX_MS) return false;
    return /^\d+$/.test(seen) && /^\d+$/.test(written.version) && BigInt(seen) < BigInt(written.version);
  }

  #tell({ job }: Observed, events: readonly Told[]): void {
    const subject = { apiVersion: API_VERSION, kind: 'StreamJob', metadata: { name: job.name, namespace: job.namespace, uid: job.uid } };
    for (const { type, reason, message } of events) this.#parts.events.record(subject, { type, reason, message });
  }
}

/** Another number of workers is asked for: it stands in the status before the first of them comes or goes (R2). */
function isRescaled({ scaling, pools, job }: Observed): boolean {
  const isOther = (scaled: Observed['scaling'], before: ScalingStatus | undefined): boolean =>
    scaled !== null && scaled.status !== null && scaled.status.replicas !== before?.replicas;
  const before = new Map(job.status.pools?.map((pool) => [pool.name, pool.scaling]));
  return isOther(scaling, job.status.scaling) || pools.some(({ name, scaled }) => isOther(scaled, before.get(name)));
}

/** Nothing was asked for just now: a child that differs was changed by somebody else. */
function isSteady({ job }: Observed, { phase, intent }: Decision): boolean {
  return intent === null && phase === job.status.phase && job.status.observedGeneration === job.generation;
}

/** A state that lasts is told once: when its phase or what is said of it changes. What was done is told when it was done. */
function newsOf({ job }: Observed, { phase, conditions, actions, events }: Decision): readonly Told[] {
  if (actions.length > 0 || phase !== job.status.phase) return events;
  const before = job.status.conditions?.find(({ type }) => type === 'Ready');
  const isSame =
    before?.reason === conditions.Ready?.reason && before !== undefined && isCutOf(before.message, conditions.Ready?.message ?? '');
  return isSame ? events.filter(({ reason }) => SCALING_REASONS.has(reason)) : events;
}
