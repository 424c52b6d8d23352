// One StreamSavepoint, once around: it is taken when it is made, and goes (with its state, if it says so) when it is deleted.
//
//   V1. A savepoint that was taken, or has failed, is never taken again.
//   V2. Each round does the next step only; an operator that starts anew goes on with it (nats-side.ts, advanceSavepoint).
//   V3. Deleting never waits for NATS longer than NATS_WAIT_MS.

import { DEFAULT_POOL } from '../../crds/stream-job/pool-names.ts';
import { clusterPart } from './declared.ts';
import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../../crds/stream-job/status.ts';
import type { StreamSavepointSpec, StreamSavepointStatus } from '../../crds/stream-savepoint/spec.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import { counted } from '../../runtime/base/quantity.ts';
import type { EventRecorder, RecordedEvent } from '../kube/events.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import { resources } from '../kube/resource.ts';
import type { WorkOutcome } from '../kube/work-queue.ts';
import type { Verdict } from '../lifecycle/decision.ts';
import { API_VERSION, FINALIZER } from '../resources/manifest.ts';
import { kubeTrouble, setFinalizers, type Trouble } from './apply.ts';
import type { NatsSide } from './nats-side.ts';
import type { Caches } from './observe.ts';
import { conditionOf, timeText } from './status.ts';
import { identityOf, jobObjectOf } from './stream-job-object.ts';

export type SavepointReconcilerParts = {
  readonly client: KubeClient;
  readonly caches: Pick<Caches, 'streamJobs' | 'streamSavepoints'>;
  readonly nats: NatsSide;
  readonly clock: Clock;
  readonly events: Pick<EventRecorder, 'record'>;
};

const STEP_MS = 250;
const NATS_WAIT_MS = 30_000;
/** A job that does not run cannot be asked for its state for ever. */
const START_WAIT_MS = 120_000;

type Next = { readonly status: StreamSavepointStatus; readonly event: RecordedEvent | null; readonly isLast: boolean };

export class SavepointReconciler {
  readonly #parts: SavepointReconcilerParts;

  constructor(parts: SavepointReconcilerParts) {
    this.#parts = parts;
  }

  async reconcile(namespace: string, name: string): Promise<WorkOutcome> {
    const object = this.#parts.caches.streamSavepoints.get(namespace, name);
    if (object === undefined) return { kind: 'done' };
    if (object.metadata.deletionTimestamp !== undefined) return this.#delete(object);
    const status = statusOf(object);
    if (status.phase === 'Completed' || status.phase === 'Failed') return { kind: 'done' };
    if (!(object.metadata.finalizers ?? []).includes(FINALIZER))
      return outcome(await this.#setFinalizers(object, [...(object.metadata.finalizers ?? []), FINALIZER]), STEP_MS);
    const next = await this.#advance(object);
    const trouble = await this.#write(object, next);
    if (trouble !== null) return outcome(trouble, STEP_MS);
    return next.isLast ? { kind: 'done' } : { kind: 'again', afterMs: STEP_MS };
  }

  async #advance(object: AnyObject): Promise<Next> {
    const { caches, nats, clock } = this.#parts;
    const namespace = object.metadata.namespace ?? '';
    const { job: jobName } = object['spec'] as StreamSavepointSpec;
    const before = statusOf(object);
    const ageMs = clock.nowMs() - Date.parse(object.metadata.creationTimestamp ?? '');
    const found = caches.streamJobs.get(namespace, jobName);
    const problem = found === undefined ? `there is no StreamJob ${jobName} in namespace ${namespace}` : notRunning(found);
    if (problem !== null && before.phase !== 'Running') {
      if (ageMs > START_WAIT_MS) return this.#end(object, 'Failed', `${problem}; nothing was kept`, before);
      return this.#going(object, 'Pending', problem, before);
    }
    const progress = await nats.advanceSavepoint(
      identityOf({ namespace, name: object.metadata.name }),
      identityOf({ namespace, name: jobName }),
    );
    switch (progress.kind) {
      case 'absent':
        return this.#going(object, before.phase === 'Running' ? 'Running' : 'Pending', `NATS does not answer: ${progress.reason}`, before);
      case 'waiting':
        return this.#going(object, 'Pending', progress.message, before);
      case 'working':
        return this.#going(object, 'Running', progress.message, before);
      case 'failed':
        return this.#end(object, 'Failed', progress.message, before);
      case 'done':
        return this.#end(
          object,
          'Completed',
          `the state of ${counted(progress.manifest.tasks.length, 'task')} is kept, ${progress.bytes} bytes`,
          {
            ...before,
            revision: progress.manifest.revision,
            tasks: progress.manifest.tasks.length,
            bytes: progress.bytes,
            takenAt: timeText(clock.nowMs()),
          },
        );
    }
  }

  #going(object: AnyObject, phase: 'Pending' | 'Running', message: string, before: StreamSavepointStatus): Next {
    const verdict: Verdict = { status: 'False', reason: phase, message };
    return { status: this.#status(object, phase, verdict, before), event: null, isLast: false };
  }

  #end(object: AnyObject, phase: 'Completed' | 'Failed', message: string, before: StreamSavepointStatus): Next {
    const isTaken = phase === 'Completed';
    const verdict: Verdict = { status: isTaken ? 'True' : 'False', reason: phase, message };
    const event: RecordedEvent = { type: isTaken ? 'Normal' : 'Warning', reason: isTaken ? 'SavepointTaken' : 'SavepointFailed', message };
    return { status: this.#status(object, phase, verdict, before), event, isLast: true };
  }

  #status(object: AnyObject, phase: StreamSavepointStatus['phase'], ready: Verdict, before: StreamSavepointStatus): StreamSavepointStatus {
    const generation = object.metadata.generation ?? 0;
    const nowMs = this.#parts.clock.nowMs();
    const isEnd = phase === 'Completed' || phase === 'Failed';
    const verdicts: readonly (readonly ['Ready' | 'Reconciling' | 'Stalled', Verdict])[] = [
      ['Ready', ready],
      ['Reconciling', { ...ready, status: isEnd ? 'False' : 'True' }],
      ['Stalled', { ...ready, status: phase === 'Failed' ? 'True' : 'False' }],
    ];
    const conditions = verdicts.map(([type, verdict]): Condition => {
      const old = before.conditions?.find((condition) => condition.type === type);
      return conditionOf(type, verdict, old, generation, nowMs);
    });
    return { ...before, observedGeneration: generation, phase, conditions, message: ready.message.slice(0, 1_024) };
  }

  async #write(object: AnyObject, { status, event }: Next): Promise<Trouble | null> {
    const { name, namespace, uid } = object.metadata;
    if (event !== null)
      this.#parts.events.record(
        { apiVersion: API_VERSION, kind: 'StreamSavepoint', metadata: { name, namespace: namespace ?? '', uid } },
        event,
      );
    if (isDeepStrictEqual(statusOf(object), status)) return null;
    return kubeTrouble(
      'status',
      await this.#parts.client.applyStatus(resources.streamSavepoints, {
        apiVersion: API_VERSION,
        kind: 'StreamSavepoint',
        metadata: { name, namespace: namespace ?? '' },
        status,
      }),
      ['not-found'],
    );
  }

  /** V3. */
  async #delete(object: AnyObject): Promise<WorkOutcome> {
    const finalizers = object.metadata.finalizers ?? [];
    if (!finalizers.includes(FINALIZER)) return { kind: 'done' };
    const { deletionPolicy, job } = object['spec'] as StreamSavepointSpec;
    const isTaken = statusOf(object).phase === 'Completed';
    const sinceMs = this.#parts.clock.nowMs() - Date.parse(object.metadata.deletionTimestamp ?? '');
    const identity = identityOf({ namespace: object.metadata.namespace ?? '', name: object.metadata.name });
    if (deletionPolicy === 'Delete' || !isTaken) {
      const owner = identityOf({ namespace: object.metadata.namespace ?? '', name: job });
      const removed = await this.#parts.nats.removeSavepoint(identity, owner);
      if (removed.kind !== 'done' && sinceMs < NATS_WAIT_MS) return { kind: 'again', afterMs: 1_000 };
    }
    return outcome(
      await this.#setFinalizers(
        object,
        finalizers.filter((name) => name !== FINALIZER),
      ),
      null,
    );
  }

  async #setFinalizers({ metadata }: AnyObject, finalizers: readonly string[]): Promise<Trouble | null> {
    const named = { namespace: metadata.namespace ?? '', name: metadata.name };
    return setFinalizers(this.#parts.client, resources.streamSavepoints, named, () => finalizers);
  }
}

function outcome(trouble: Trouble | null, afterMs: number | null): WorkOutcome {
  if (trouble !== null) return { kind: 'failed', reason: trouble.reason, retryAfterMs: trouble.retryAfterMs };
  return afterMs === null ? { kind: 'done' } : { kind: 'again', afterMs };
}

function statusOf(object: AnyObject): StreamSavepointStatus {
  return (object['status'] ?? {}) as StreamSavepointStatus;
}

/** Why no savepoint can be taken of it, as only workers can hand in the state of their tasks; null: it can. A job whose sources would be paused for
 *  one that nobody can finish counts, too. */
export function notRunning(object: AnyObject): string | null {
  const { name, status, spec } = jobObjectOf(object);
  if (status.phase !== 'Running' && status.phase !== 'Upgrading')
    return `StreamJob ${name} is ${status.phase ?? 'Pending'}: a savepoint is taken of a job that runs`;
  const { replicas, scaling, pools } = clusterPart(spec);
  if (pools.length === 0) return null;
  const sizes = [
    { pool: DEFAULT_POOL, mode: scaling.mode, declared: replicas, scaled: status.scaling },
    ...pools.map((pool) => ({
      pool: pool.name,
      mode: pool.scaling.mode,
      declared: pool.replicas,
      scaled: status.pools?.find((one) => one.name === pool.name)?.scaling,
    })),
  ];
  const empty = sizes.find(({ mode, declared, scaled }) => declared === 0 || (mode === 'Apply' && scaled?.replicas === 0));
  if (empty === undefined) return null;
  return `no worker runs in pool ${empty.pool} of StreamJob ${name}: a savepoint is taken of all stages, so each pool needs one`;
}
