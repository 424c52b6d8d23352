// NATS for all jobs: each in its account, with a connection of the operator's own there and one in the account of its namespace, which the
// namespace's jobs share.
//
//   T1. What a job lives of is asked and told in its account only: nothing of one reaches another, whoever writes what there.
//   T2. A connection is made when its job is asked about first, and closed when nobody has asked for IDLE_MS; one that jobs share when
//       none of them is left.

import type { NatsConnection } from '@nats-io/transport-node';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { Backlogs, NatsObserved } from '../lifecycle/observed.ts';
import type {
  Done,
  JobCredentials,
  LoadAsked,
  LoadObserved,
  NatsSide,
  Resolved,
  RevisionToWrite,
  SavepointProgress,
  UserAccount,
  UserRole,
} from '../reconcile/nats-side.ts';
import type { Accounts } from './accounts.ts';
import { ConnectingNats } from './connecting-nats.ts';
import type { JobNats, Login, SetImports } from './job-nats.ts';
import type { JobViews, Viewed } from './job-view.ts';
import { namespaceOf, roleCredentials, type AccountName, type Credentials, type NatsAccount } from './nats-keys.ts';
import { Semaphore } from './semaphore.ts';

export type TenantNatsParts = {
  readonly accounts: Accounts;
  /** As the operator, in that account. */
  readonly connect: (account: NatsAccount) => Promise<NatsConnection>;
  readonly open: (opened: OpenedJob) => JobNats;
  readonly clock: Clock;
  /** A new reason, for the log. */
  readonly onTrouble: (identity: string, reason: string) => void;
};

export type OpenedJob = {
  readonly connections: JobConnections;
  readonly savepoints: () => Promise<NatsConnection>;
  readonly login: Extract<Login, { kind: 'signed' }>;
};

type Tenant = { readonly nats: ConnectingNats; askedMs: number };
/** Kept by id of its account. */
type Shared = { readonly namespace: string; readonly connection: Promise<NatsConnection> };

const IDLE_MS = 10 * 60_000;
/** Of hundreds that are made at once each would wait for all others, longer than it has time. */
const AT_ONCE = 8;

export class TenantNats implements NatsSide, JobViews {
  readonly #parts: TenantNatsParts;
  readonly #tenants = new Map<string, Tenant>();
  readonly #opening = new Semaphore(AT_ONCE);
  readonly #shared = new Map<string, Shared>();
  readonly #users = new Map<string, Credentials>();
  readonly #listeners: ((identity: string) => void)[] = [];

  constructor(parts: TenantNatsParts) {
    this.#parts = parts;
  }

  get up(): boolean {
    return this.#parts.accounts.up;
  }

  expect(identity: string): void {
    this.#of(identity);
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

  backlogs(identity: string, plan: PhysicalPlan): Promise<Backlogs> {
    return this.#of(identity).backlogs(identity, plan);
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

  removeState(identity: string, of: 'run' | 'job'): Promise<Done> {
    return this.#of(identity).removeState(identity, of);
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

  credentials(identity: string, plan: PhysicalPlan): Promise<JobCredentials | null> {
    return this.#of(identity).credentials(identity, plan);
  }

  /** Null while servers do not know the account: credentials that nobody accepts would only puzzle. */
  async userCredentials({ namespace, job }: UserAccount, role: UserRole): Promise<Credentials | null> {
    const name: AccountName = job === null ? { kind: 'namespace', namespace } : { kind: 'job', identity: `${namespace}_${job}` };
    const account = await this.#parts.accounts.register(name).catch(() => null);
    if (account === null) return null;
    const key = `${account.id} ${role}`;
    const known = this.#users.get(key) ?? (await roleCredentials(account.seed, role));
    this.#users.set(key, known);
    return known;
  }

  view(identity: string): Promise<Viewed> {
    return this.#of(identity).view(identity);
  }

  onChange(listener: (identity: string) => void): void {
    this.#listeners.push(listener);
    for (const [identity, { nats }] of this.#tenants) nats.onChange(ofJob(identity, listener));
  }

  #of(identity: string): ConnectingNats {
    const nowMs = this.#parts.clock.monotonicMs();
    const tenant = this.#tenants.get(identity) ?? this.#open(identity, nowMs);
    tenant.askedMs = nowMs;
    return tenant.nats;
  }

  #open(identity: string, nowMs: number): Tenant {
    this.#closeIdle(nowMs);
    const { accounts, connect, open, clock, onTrouble } = this.#parts;
    const nats = new ConnectingNats();
    for (const listener of this.#listeners) nats.onChange(ofJob(identity, listener));
    const tenant = { nats, askedMs: nowMs };
    this.#tenants.set(identity, tenant);
    const namespace = namespaceOf(identity);
    let seed: string;
    const setImports: SetImports = (imports) =>
      accounts
        .setImports(identity, imports)
        .catch((error: unknown) => onTrouble(identity, error instanceof Error ? error.message : String(error)));
    void nats.start({
      connect: () =>
        this.#opening.take(async () => {
          const [job, streams] = await Promise.all([
            accounts.register({ kind: 'job', identity }),
            accounts.register({ kind: 'namespace', namespace }),
          ]);
          seed = job.seed;
          return { streams: await this.#sharedConnection(namespace, streams), job: await connect(job) };
        }),
      open: (connections) =>
        open({
          connections,
          savepoints: async () => this.#sharedConnection(namespace, await accounts.register({ kind: 'savepoints', namespace })),
          login: { kind: 'signed', seed, setImports },
        }),
      sleep: (ms) => clock.sleep(ms),
      onTrouble: (reason) => onTrouble(identity, reason),
      onConnected: () => undefined,
    });
    return tenant;
  }

  #sharedConnection(namespace: string, account: NatsAccount): Promise<NatsConnection> {
    const known = this.#shared.get(account.id);
    if (known !== undefined) return known.connection;
    const connection = this.#parts.connect(account);
    this.#shared.set(account.id, { namespace, connection });
    connection.catch(() => this.#shared.delete(account.id)); // who asks again tries again
    return connection;
  }

  /** T2. */
  #closeIdle(nowMs: number): void {
    for (const [identity, { nats, askedMs }] of this.#tenants) {
      if (nowMs - askedMs <= IDLE_MS) continue;
      this.#tenants.delete(identity);
      void nats.close();
    }
    const namespaces = new Set([...this.#tenants.keys()].map(namespaceOf));
    for (const [id, { namespace, connection }] of this.#shared) {
      if (namespaces.has(namespace)) continue;
      this.#shared.delete(id);
      connection.then(
        (made) => made.close(),
        () => undefined,
      );
    }
  }
}

/** T1. */
function ofJob(identity: string, listener: (identity: string) => void): (identity: string) => void {
  return (told) => (told === identity ? listener(told) : undefined);
}
