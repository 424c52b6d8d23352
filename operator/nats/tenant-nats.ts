// NATS for the jobs of all namespaces: each in its account, with a connection of the operator's own.
//
//   T1. What concerns a namespace is asked and told in its account only: nothing of one reaches another, whoever writes what there.
//   T2. A connection is made when its namespace is asked about first, and closed when nobody has asked for IDLE_MS.

import type { NatsConnection } from '@nats-io/transport-node';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { NatsObserved } from '../lifecycle/observed.ts';
import type {
  Done,
  LoadAsked,
  LoadObserved,
  NatsSide,
  Resolved,
  RevisionToWrite,
  SavepointProgress,
  UserRole,
} from '../reconcile/nats-side.ts';
import type { Accounts } from './accounts.ts';
import { ConnectingNats } from './connecting-nats.ts';
import type { JobNats } from './job-nats.ts';
import type { JobViews, Viewed } from './job-view.ts';
import { roleCredentials, type Credentials, type NatsAccount } from './nats-keys.ts';

export type TenantNatsParts = {
  readonly accounts: Accounts;
  /** As the operator, in that account. */
  readonly connect: (account: NatsAccount) => Promise<NatsConnection>;
  readonly open: (connection: NatsConnection, account: NatsAccount) => JobNats;
  readonly clock: Clock;
  /** A new reason, for the log. */
  readonly onTrouble: (namespace: string, reason: string) => void;
};

type Tenant = { readonly nats: ConnectingNats; askedMs: number };

const IDLE_MS = 10 * 60_000;

export class TenantNats implements NatsSide, JobViews {
  readonly #parts: TenantNatsParts;
  readonly #tenants = new Map<string, Tenant>();
  readonly #users = new Map<string, Credentials>();
  readonly #listeners: ((identity: string) => void)[] = [];

  constructor(parts: TenantNatsParts) {
    this.#parts = parts;
  }

  get up(): boolean {
    return this.#parts.accounts.up;
  }

  expect(namespace: string): void {
    this.#of(`${namespace}_`);
  }

  observe(identity: string): Promise<NatsObserved> {
    return this.#of(identity).observe(identity);
  }

  resolve(identity: string, plan: PhysicalPlan): Promise<Resolved> {
    return this.#of(identity).resolve(identity, plan);
  }

  figures(identity: string, plan: PhysicalPlan): JobFigures | null {
    return this.#of(identity).figures(identity, plan);
  }

  load(identity: string, plan: PhysicalPlan, asked: LoadAsked): Promise<LoadObserved> {
    return this.#of(identity).load(identity, plan, asked);
  }

  ensure(identity: string, plan: PhysicalPlan): Promise<Done> {
    return this.#of(identity).ensure(identity, plan);
  }

  writeRevision(wanted: RevisionToWrite): Promise<Done> {
    return this.#of(wanted.identity).writeRevision(wanted);
  }

  restoreRevision(identity: string, from: number, revision: RevisionStatus): Promise<Done> {
    return this.#of(identity).restoreRevision(identity, from, revision);
  }

  clearFailure(identity: string): Promise<Done> {
    return this.#of(identity).clearFailure(identity);
  }

  removeState(identity: string): Promise<Done> {
    return this.#of(identity).removeState(identity);
  }

  prepareRestore(savepoint: string, identity: string): Promise<Done> {
    return this.#of(identity).prepareRestore(savepoint, identity);
  }

  advanceSavepoint(savepoint: string, identity: string): Promise<SavepointProgress> {
    return this.#of(identity).advanceSavepoint(savepoint, identity);
  }

  removeSavepoint(savepoint: string, identity: string): Promise<Done> {
    return this.#of(identity).removeSavepoint(savepoint, identity);
  }

  credentials(identity: string, plan: PhysicalPlan): Promise<Credentials | null> {
    return this.#of(identity).credentials(identity, plan);
  }

  /** Null while servers do not know the account: credentials that nobody accepts would only puzzle. */
  async userCredentials(namespace: string, role: UserRole): Promise<Credentials | null> {
    const account = await this.#parts.accounts.register(namespace).catch(() => null);
    if (account === null) return null;
    const key = `${namespace} ${role}`;
    const known = this.#users.get(key) ?? (await roleCredentials(account.seed, role));
    this.#users.set(key, known);
    return known;
  }

  view(identity: string): Promise<Viewed> {
    return this.#of(identity).view(identity);
  }

  onChange(listener: (identity: string) => void): void {
    this.#listeners.push(listener);
    for (const [namespace, { nats }] of this.#tenants) nats.onChange(ofNamespace(namespace, listener));
  }

  #of(identity: string): ConnectingNats {
    const namespace = identity.slice(0, identity.indexOf('_'));
    const nowMs = this.#parts.clock.monotonicMs();
    const tenant = this.#tenants.get(namespace) ?? this.#open(namespace, nowMs);
    tenant.askedMs = nowMs;
    return tenant.nats;
  }

  #open(namespace: string, nowMs: number): Tenant {
    this.#closeIdle(nowMs);
    const { accounts, connect, open, clock, onTrouble } = this.#parts;
    const nats = new ConnectingNats();
    for (const listener of this.#listeners) nats.onChange(ofNamespace(namespace, listener));
    const tenant = { nats, askedMs: nowMs };
    this.#tenants.set(namespace, tenant);
    let account: NatsAccount;
    void nats.start({
      connect: async () => connect((account = await accounts.register(namespace))),
      open: (connection) => open(connection, account),
      sleep: (ms) => clock.sleep(ms),
      onTrouble: (reason) => onTrouble(namespace, reason),
      onConnected: () => undefined,
    });
    return tenant;
  }

  /** T2. */
  #closeIdle(nowMs: number): void {
    for (const [namespace, { nats, askedMs }] of this.#tenants) {
      if (nowMs - askedMs <= IDLE_MS) continue;
      this.#tenants.delete(namespace);
      void nats.close();
    }
  }
}

/** T1. */
function ofNamespace(namespace: string, listener: (identity: string) => void): (identity: string) => void {
  return (identity) => (identity.startsWith(`${namespace}_`) ? listener(identity) : undefined);
}
