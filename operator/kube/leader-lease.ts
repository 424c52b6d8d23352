// Who of several operator processes acts: the one that holds a Lease. What to do next is in lease-step.ts (L1, L2, L5).
//
//   candidate ── holds ──▶ leading ── not renewed in time, or another holds it ──▶ lost
//       └───────────────────── stop ─────┴──▶ stopped
//
//   L1. `isLeader` is true only while the last renewal that the server confirmed was SENT less than `renewDeadlineMs` ago, by the
//       monotonic clock. Others take over `durationMs` after they saw it, at the earliest: never two leaders at once.
//   L3. Leadership is lost once: then the process must end; another start begins anew.
//   L4. Stopping gives the lease back, so that the next leader need not wait. Whatever acts by it must have ended before.

import { assert } from '../../runtime/base/assert.ts';
import type { Clock, Random } from '../../runtime/base/clock.ts';
import { failureText } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import { LEASE_DURATION_MS, LEASE_RENEW_DEADLINE_MS, LEASE_RETRY_MS } from './kube-limits.ts';
import type { KubeResult } from './kube-result.ts';
import { heldSpec, type Lease, leaseStep, newLease, nextSight, releasedSpec, type Sight, withSpec } from './lease-step.ts';
import { resources, type Resource } from './resource.ts';

export type LeaderLeaseOptions = {
  /** One that may always write: the lease is what gives others the right to. */
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Of this process and no other: pod name and pod uid. The same pod after a restart of its container goes on at once. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly durationMs?: number;
  readonly renewDeadlineMs?: number;
  readonly retryMs?: number;
  /** It leads from now on; `signal` aborts when it no longer does. */
  readonly onLeading: (signal: AbortSignal) => void;
  /** It led and no longer does (not called by `stop`): the process must stop acting and end. */
  readonly onLost: (reason: string) => void;
  /** The lease could not be read or written; each new problem once. */
  readonly onProblem?: (problem: string) => void;
};

const leases: Resource<Lease> = resources.leases;

export class LeaderLease {
  readonly #options: LeaderLeaseOptions;
  readonly #durationMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  readonly #ending = new AbortController();
  readonly #leadership = new AbortController();
  #state: 'candidate' | 'leading' | 'lost' | 'stopped' = 'candidate';
  #running: Promise<unknown> | null = null;
  #sight: Sight | null = null;
  /** As we wrote it last, while nobody else did. */
  #held: Lease | null = null;
  #deadlineMs = -Infinity;
  #problem: string | null = null;

  constructor(options: LeaderLeaseOptions) {
    this.#options = options;
    this.#durationMs = options.durationMs ?? LEASE_DURATION_MS;
    this.#renewDeadlineMs = options.renewDeadlineMs ?? LEASE_RENEW_DEADLINE_MS;
    this.#retryMs = options.retryMs ?? LEASE_RETRY_MS;
    assert(this.#retryMs < this.#renewDeadlineMs && this.#renewDeadlineMs < this.#durationMs, 'L1: retry < renew deadline < duration');
  }

  start(): void {
    assert(this.#running === null, 'an elector starts once');
    this.#running = this.#run();
  }

  /** L1. To be asked before each write. */
  isLeader(): boolean {
    return this.#state === 'leading' && this.#isInTime();
  }

  /** Identity of who leads as far as this process knows; null: nobody, or not asked yet. */
  leader(): string | null {
    const holder = this.#sight?.holder ?? '';
    return holder === '' ? null : holder;
  }

  /** L4. Gives the lease back, if it is held. */
  async stop(): Promise<void> {
    const wasLeader = this.isLeader();
    if (this.#state !== 'lost') this.#state = 'stopped';
    this.#ending.abort();
    this.#leadership.abort();
    await this.#running;
    if (wasLeader && this.#held !== null) {
      await this.#options.client.replace(leases, withSpec(this.#held, releasedSpec(this.#held.spec, this.#options.clock.nowMs())));
    }
  }

  #isInTime(): boolean {
    return this.#options.clock.monotonicMs() < this.#deadlineMs;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#ending.signal.aborted) {
      const untilMs = await this.#attempt();
      this.#judge();
      const pauseMs = this.#retryMs * (0.75 + this.#options.random.next() / 2);
      // Exactly when it runs out, if that is sooner.
      const delayMs = untilMs === null ? pauseMs : Math.min(pauseMs, Math.max(1, untilMs - clock.monotonicMs()));
      await clock.sleep(delayMs, this.#ending.signal);
    }
  }

  /** One try to hold the lease. Gives when the one who holds it might be gone, else null. */
  async #attempt(): Promise<number | null> {
    const { client, clock, namespace, name, identity } = this.#options;
    const read = this.#held === null ? await client.get(leases, { namespace, name }) : null;
    if (read !== null && read.kind !== 'ok' && read.kind !== 'not-found') return this.#note(failureText(read));
    const lease = read === null ? this.#held : read.kind === 'ok' ? read.object : null;
    const nowMs = clock.monotonicMs();
    this.#sight = nextSight(this.#sight, lease, nowMs);
    const step = leaseStep(this.#sight, { lease, identity, nowMs });
    if (step.kind === 'wait') {
      this.#lose(`${step.holder} holds the lease`);
      return step.untilMs;
    }
    if (this.#ending.signal.aborted) return null;
    const spec = heldSpec(lease?.spec, { identity, durationMs: this.#durationMs, wallMs: clock.nowMs() });
    const written =
      step.kind === 'create'
        ? client.create(leases, newLease({ namespace, name }, spec))
        : client.replace(leases, withSpec(step.lease, spec) as Lease);
    this.#settle(await written, nowMs);
    return null;
  }

  #settle(result: KubeResult<Lease>, sentMs: number): void {
    this.#held = result.kind === 'ok' ? result.object : null;
    if (result.kind !== 'ok') return void this.#note(failureText(result));
    this.#problem = null;
    this.#sight = nextSight(this.#sight, result.object, this.#options.clock.monotonicMs());
    this.#deadlineMs = sentMs + this.#renewDeadlineMs;
    if (this.#state === 'candidate' && this.#isInTime()) this.#lead();
  }

  #lead(): void {
    this.#state = 'leading';
    void this.#watchDeadline();
    this.#options.onLeading(this.#leadership.signal);
  }

  /** A renewal that hangs must not hide that the deadline passed. */
  async #watchDeadline(): Promise<void> {
    const { clock } = this.#options;
    while (this.#state === 'leading') {
      await clock.sleep(this.#deadlineMs - clock.monotonicMs(), this.#ending.signal);
      this.#judge();
    }
  }

  #judge(): void {
    if (this.#state === 'leading' && !this.isLeader()) this.#lose(`the lease was not renewed for ${this.#renewDeadlineMs} ms`);
  }

  /** L3. */
  #lose(reason: string): void {
    if (this.#state !== 'leading') return;
    this.#state = 'lost';
    this.#ending.abort();
    this.#leadership.abort();
    this.#options.onLost(reason);
  }

  #note(problem: string): null {
    if (problem !== this.#problem) this.#options.onProblem?.(problem);
    this.#problem = problem;
    return null;
  }
}
