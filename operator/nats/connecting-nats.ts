// The operator's way to NATS from its first moment: until the server was reached once, every question ends as `absent`.
//
//   C1. What is asked before the first attempt has ended waits for it: nobody is told that NATS is away before it was looked for.

import type { NatsConnection } from '@nats-io/transport-node';
import type { JobConnections } from '../../runtime/adapters/nats/job-connections.ts';
import { isError } from '../../runtime/base/errors.ts';
import type { PhysicalPlan } from '../../runtime/plan/physical-plan.ts';
import type { RevisionStatus } from '../../crds/stream-job/status.ts';
import type { JobFigures } from '../lifecycle/figures.ts';
import type { Backlogs, NatsAbsent, NatsObserved } from '../lifecycle/observed.ts';
import type {
  Absent,
  Done,
  JobCredentials,
  LoadAsked,
  LoadObserved,
  NatsSide,
  Resolved,
  RevisionToWrite,
  SavepointProgress,
} from '../reconcile/nats-side.ts';
import { tooOld } from './durability.ts';
import type { JobNats } from './job-nats.ts';
import type { JobViews, Viewed } from './job-view.ts';

export type ConnectingParts = {
  /** Rejects with the reason. */
  readonly connect: () => Promise<JobConnections>;
  readonly open: (connections: JobConnections) => JobNats;
  readonly sleep: (ms: number) => Promise<void>;
  /** A new reason, for the log. */
  readonly onTrouble: (reason: string) => void;
  readonly onConnected: (connection: NatsConnection) => void;
};

const RETRY_MS = 1_000;

export class ConnectingNats implements NatsSide, JobViews {
  #inner: JobNats | null = null;
  #connection: NatsConnection | null = null;
  #isClosed = false;
  readonly #tried = Promise.withResolvers<void>();
  #away: NatsAbsent = { kind: 'absent', reason: 'the first connection is being made' };
  readonly #listeners: ((identity: string) => void)[] = [];

  /** Goes on trying for ever. */
  async start({ connect, open, sleep, onTrouble, onConnected }: ConnectingParts): Promise<void> {
    while (!this.#isClosed) {
      try {
        const connections = await connect();
        this.#connection = connections.job;
        if (this.#isClosed) return await connections.job.close();
        this.#inner = open(connections);
        for (const listener of this.#listeners) this.#inner.onChange(listener);
        this.#tried.resolve();
        return onConnected(connections.job);
      } catch (error) {
        const away = awayBecause(error);
        if (away.reason !== this.#away.reason) onTrouble(away.reason);
        this.#away = away;
      }
      this.#tried.resolve();
      await sleep(RETRY_MS);
    }
  }

  /** For good; the connection that jobs share is its maker's to close. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
  }

  get up(): boolean {
    return this.#inner?.up ?? false;
  }

  /** Nothing: there is one connection for all jobs. */
  expect(): void {}

  observe(identity: string): Promise<NatsObserved> {
    return this.#ask((inner) => inner.observe(identity));
  }

  resolve(identity: string, plan: PhysicalPlan): Promise<Resolved> {
    return this.#ask((inner) => inner.resolve(identity, plan));
  }

  figures(identity: string, plan: PhysicalPlan): JobFigures | null {
    return this.#inner?.figures(identity, plan) ?? null;
  }

  load(identity: string, plan: PhysicalPlan, asked: LoadAsked): Promise<LoadObserved> {
    return this.#ask((inner) => inner.load(identity, plan, asked));
  }

  async backlogs(identity: string, plan: PhysicalPlan): Promise<Backlogs> {
    return (await this.#inner?.backlogs(identity, plan)) ?? new Map();
  }

  ensure(identity: string, plan: PhysicalPlan): Promise<Done> {
    return this.#ask((inner) => inner.ensure(identity, plan));
  }

  writeRevision(wanted: RevisionToWrite): Promise<Done> {
    return this.#ask((inner) => inner.writeRevision(wanted));
  }

  restoreRevision(identity: string, from: number, revision: RevisionStatus): Promise<Done> {
    return this.#ask((inner) => inner.restoreRevision(identity, from, revision));
  }

  clearFailure(identity: string): Promise<Done> {
    return this.#ask((inner) => inner.clearFailure(identity));
  }

  removeState(identity: string, of: 'run' | 'job'): Promise<Done> {
    return this.#ask((inner) => inner.removeState(identity, of));
  }

  prepareRestore(savepoint: string, identity: string): Promise<Done> {
    return this.#ask((inner) => inner.prepareRestore(savepoint, identity));
  }

  advanceSavepoint(savepoint: string, identity: string): Promise<SavepointProgress> {
    return this.#ask((inner) => inner.advanceSavepoint(savepoint, identity));
  }

  removeSavepoint(savepoint: string, identity: string): Promise<Done> {
    return this.#ask((inner) => inner.removeSavepoint(savepoint, identity));
  }

  credentials(identity: string, plan: PhysicalPlan): Promise<JobCredentials | null> {
    return this.#tried.promise.then(() => (this.#inner === null ? null : this.#inner.credentials(identity, plan)));
  }

  /** It cannot make users. */
  userCredentials(): Promise<null> {
    return Promise.resolve(null);
  }

  view(identity: string): Promise<Viewed> {
    return this.#ask((inner) => inner.view(identity));
  }

  onChange(listener: (identity: string) => void): void {
    this.#listeners.push(listener);
    this.#inner?.onChange(listener);
  }

  async #ask<T>(question: (inner: JobNats) => Promise<T>): Promise<T | Absent> {
    await this.#tried.promise; // C1
    return this.#inner === null ? this.#away : question(this.#inner);
  }
}

function awayBecause(error: unknown): NatsAbsent {
  if (!isError(error, 'MR1004')) return { kind: 'absent', reason: error instanceof Error ? error.message : String(error) };
  const unfit = tooOld(`the NATS server at ${error.data.url}`, error.data.version);
  return { kind: 'absent', reason: `${error.code} ${error.name}: ${unfit}`, unfit };
}
