// Who of several operator processes acts: the one that holds a Lease.
//
//   L1. `isLeader` is true only while the last renewal that the server confirmed was SENT less than `renewDeadlineMs` ago, by the
//       monotonic clock. Others take over `durationMs` after they saw it at the earliest: never two leaders at once.
//   L2. Wall clocks are written for people and compared by nobody.
//   L3. Leadership is lost once: then the process must end; another start begins anew.
//   L4. Stopping gives the lease back, so the next leader need not wait.

import type { Clock, Random } from '../../runtime/base/clock.ts';
import type { KubeClient } from './kube-client.ts';
import { LEASE_DURATION_MS, LEASE_RENEW_DEADLINE_MS, LEASE_RETRY_MS } from './kube-limits.ts';
import type { AnyObject } from './kube-object.ts';
import { resources } from './resource.ts';

export type LeaderLeaseOptions = {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly namespace: string;
  readonly name: string;
  /** Of this process: pod name and pod uid. After a restart of the container the same identity goes on at once. */
  readonly identity: string;
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** It leads from now on. `signal` aborts when it no longer does. */
  readonly onLeading: (signal: AbortSignal) => void;
  /** It led and no longer does (not called after `stop`). The process must stop acting and end. */
  readonly onLost: (reason: string) => void;
};

type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};

/** What was seen of the lease, and when it was seen to change. */
type Seen = { readonly version: string; readonly atMs: number };

export class LeaderLease {
  readonly #options: Required<LeaderLeaseOptions>;
  readonly #stopping = new AbortController();
  readonly #leading = new AbortController();
  #loop: Promise<void> | null = null;
  #seen: Seen | null = null;
  #holder: string | null = null;
  #renewedMs = -Infinity;
  #hasLed = false;
  #isLost = false;

  constructor(options: LeaderLeaseOptions) {
    const defaults = { durationMs: LEASE_DURATION_MS, renewDeadlineMs: LEASE_RENEW_DEADLINE_MS, retryMs: LEASE_RETRY_MS };
    this.#options = { ...defaults, ...options };
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  isLeader(): boolean {
    const { clock, renewDeadlineMs } = this.#options;
    return this.#hasLed && !this.#isLost && clock.monotonicMs() - this.#renewedMs < renewDeadlineMs;
  }

  /** Identity of who leads as far as this process knows; null: nobody, or not asked yet. */
  leader(): string | null {
    return this.#holder;
  }

  /** Gives the lease back, if held. Whatever acts by it must have ended before. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    if (this.isLeader()) await this.#giveBack();
    this.#isLost = true;
    this.#leading.abort();
  }

  async #run(): Promise<void> {
    const { clock, random, retryMs } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted && !this.#isLost) {
      const sentMs = clock.monotonicMs();
      if (await this.#takeOrRenew()) this.#renewed(sentMs);
      if (this.#hasLed && !this.isLeader()) return this.#lose('the lease could not be renewed in time');
      // Standbys do not ask in step.
      await clock.sleep(this.#hasLed ? retryMs : retryMs * (0.8 + 0.4 * random.next()), signal);
    }
  }

  #renewed(sentMs: number): void {
    this.#renewedMs = sentMs;
    if (this.#hasLed) return;
    this.#hasLed = true;
    this.#options.onLeading(this.#leading.signal);
  }

  #lose(reason: string): void {
    if (this.#isLost || this.#stopping.signal.aborted) return;
    this.#isLost = true;
    this.#leading.abort();
    this.#options.onLost(reason);
  }

  /** True: the server confirmed that the lease is ours. */
  async #takeOrRenew(): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    const found = await client.get(resources.leases, { namespace, name });
    if (found.kind === 'not-found') {
      const made = await client.create(resources.leases, this.#lease({}, 0));
      return this.#confirmed(made);
    }
    if (found.kind !== 'ok') return false;
    const spec = specOf(found.object);
    this.#holder = spec.holderIdentity || null;
    if (this.#holder !== null && this.#holder !== identity) {
      if (this.#hasLed) {
        this.#lose(`${this.#holder} holds the lease now`);
        return false;
      }
      if (!this.#isExpired(found.object, spec)) return false;
    }
    const transitions = (spec.leaseTransitions ?? 0) + (this.#holder === identity ? 0 : 1);
    const { metadata } = found.object;
    // Written over exactly what was read: of two that take it, one is refused.
    const lease = { ...this.#lease(spec, transitions), metadata } as unknown as AnyObject;
    return this.#confirmed(await client.replace(resources.leases, lease));
  }

  #confirmed(answer: { readonly kind: string; readonly object?: AnyObject }): boolean {
    if (answer.kind !== 'ok') return false;
    this.#holder = this.#options.identity;
    return true;
  }

  /** L1: by our own clock since we saw it change last; what it says of times is not looked at. */
  #isExpired({ metadata }: AnyObject, spec: LeaseSpec): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#seen?.version !== metadata.resourceVersion) this.#seen = { version: metadata.resourceVersion, atMs: nowMs };
    const durationMs = Math.max(this.#options.durationMs, (spec.leaseDurationSeconds ?? 0) * 1_000);
    return nowMs - this.#seen.atMs >= durationMs;
  }

  #lease(before: LeaseSpec, leaseTransitions: number): Parameters<KubeClient['create']>[1] {
    const { namespace, name, identity, durationMs, clock } = this.#options;
    const now = microTime(clock.nowMs());
    const spec: LeaseSpec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1_000),
      acquireTime: before.holderIdentity === identity ? (before.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions,
    };
    return { apiVersion: resources.leases.apiVersion, kind: resources.leases.kind, metadata: { name, namespace }, spec };
  }

  async #giveBack(): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    const found = await client.get(resources.leases, { namespace, name });
    if (found.kind !== 'ok' || specOf(found.object).holderIdentity !== identity) return;
    const spec: LeaseSpec = { ...specOf(found.object), holderIdentity: '', leaseDurationSeconds: 1 };
    await client.replace(resources.leases, { ...found.object, spec } as AnyObject);
  }
}

function specOf(lease: AnyObject): LeaseSpec {
  return (lease['spec'] ?? {}) as LeaseSpec;
}

/** Kubernetes' MicroTime. */
function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}
