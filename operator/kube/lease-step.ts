// What an elector does next about its Lease. Pure; times are monotonic, of this process.
//
//   L1. A lease that another holds is taken only when nothing of it changed for its whole duration, as seen from here.
//   L2. Wall-clock times in the Lease are for people. A change of them is a sign of life, their value means nothing.
//   L5. A Lease that vanished while its holder lived is waited for as if it were still there.

import { resources } from './resource.ts';
import type { AnyObject, AppliedObject, KubeObject } from './kube-object.ts';

export type LeaseSpec = {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
};
export type Lease = KubeObject & { readonly spec?: LeaseSpec };

/** The last sign of life of a holder, and when it was first seen. */
export type Sight = { readonly sign: string; readonly holder: string; readonly durationMs: number; readonly atMs: number };

export type LeaseStep =
  | { readonly kind: 'create' }
  /** Write it with our name: it is ours, given back, or run out. */
  | { readonly kind: 'hold'; readonly lease: Lease }
  /** Another's, until then at least. */
  | { readonly kind: 'wait'; readonly holder: string; readonly untilMs: number };

/** What was seen, taking in what is there now. */
export function nextSight(before: Sight | null, lease: Lease | null, nowMs: number): Sight | null {
  if (lease === null) return before;
  const { holderIdentity: holder = '', leaseDurationSeconds = 0 } = lease.spec ?? {};
  const sign = JSON.stringify([lease.metadata.uid, lease.spec]);
  return before?.sign === sign ? before : { sign, holder, durationMs: leaseDurationSeconds * 1_000, atMs: nowMs };
}

export function leaseStep(
  sight: Sight | null,
  { lease, identity, nowMs }: { lease: Lease | null; identity: string; nowMs: number },
): LeaseStep {
  const isFree = sight === null || sight.holder === '' || sight.holder === identity || nowMs >= sight.atMs + sight.durationMs;
  if (!isFree) return { kind: 'wait', holder: sight.holder, untilMs: sight.atMs + sight.durationMs };
  return lease === null ? { kind: 'create' } : { kind: 'hold', lease };
}

type Holding = { readonly identity: string; readonly durationMs: number; readonly wallMs: number };

/** The spec of a lease that we hold from now on, or on. */
export function heldSpec(before: LeaseSpec | undefined, { identity, durationMs, wallMs }: Holding): LeaseSpec {
  const isOurs = before?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1_000),
    acquireTime: (isOurs ? before.acquireTime : undefined) ?? microTime(wallMs),
    renewTime: microTime(wallMs),
    leaseTransitions: (before?.leaseTransitions ?? (isOurs ? 0 : -1)) + (isOurs ? 0 : 1),
  };
}

/** A lease given back: whoever asks next may have it. */
export function releasedSpec(before: LeaseSpec | undefined, wallMs: number): LeaseSpec {
  const { leaseTransitions = 0 } = before ?? {};
  return { holderIdentity: '', leaseDurationSeconds: 1, acquireTime: microTime(wallMs), renewTime: microTime(wallMs), leaseTransitions };
}

export function newLease({ namespace, name }: { readonly namespace: string; readonly name: string }, spec: LeaseSpec): AppliedObject {
  return { apiVersion: resources.leases.apiVersion, kind: 'Lease', metadata: { namespace, name }, spec };
}

/** As the API server writes MicroTime: six digits behind the second. */
export function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/Z$/, '000Z');
}

/** The Lease with another spec and the same resourceVersion. */
export function withSpec(lease: Lease, spec: LeaseSpec): Lease & AnyObject {
  return { ...lease, spec };
}
