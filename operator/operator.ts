// The operator as a whole: watches filled, one leader, two queues, until it is stopped.
//
//   starting ─▶ standby ─▶ leading ─▶ stopped
//
//   O1. Only the leader works on keys; a standby has full caches and takes over at once.
//   O2. Who loses the lease stops writing at once, and the process ends: nothing of the old leader goes on.
//   O3. Stopping finishes the rounds that run, then gives the lease back.

import type { Clock, Random } from '../runtime/base/clock.ts';
import type { Metric } from './http/metrics-text.ts';
import { EventRecorder } from './kube/events.ts';
import { KubeClient } from './kube/kube-client.ts';
import { splitKey } from './kube/kube-object.ts';
import { KubeTransport } from './kube/kube-transport.ts';
import { LeaderLease } from './kube/leader-lease.ts';
import type { KubeConnection } from './kube/kube-config.ts';
import { resources } from './kube/resource.ts';
import { WorkQueue, type WorkFailure, type WorkOutcome } from './kube/work-queue.ts';
import type { Log } from './log.ts';
import type { OperatorOptions } from './options.ts';
import type { ClusterSettings } from './reconcile/children.ts';
import { CodeStore } from './reconcile/code-store.ts';
import type { NatsSide } from './reconcile/nats-side.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { SavepointReconciler } from './reconcile/savepoint-reconciler.ts';
import { Watches } from './watches.ts';

export type OperatorParts = {
  readonly options: OperatorOptions;
  readonly connection: KubeConnection;
  /** Made with the client that acts for the leader: it may have to read or make the Secret with the server's keys. */
  readonly openNats: (client: KubeClient) => Promise<NatsSide>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The lease was lost: the process has to end. */
  readonly onLost: (reason: string) => void;
};

const FIRST_CONTACT_MS = 5_000;
const LOOK_MS = 50;

export class Operator {
  readonly #parts: OperatorParts;
  readonly #client: KubeClient;
  readonly #watches: Watches;
  readonly #lease: LeaderLease;
  readonly #rounds = { count: 0, seconds: 0, errors: 0 };
  #events: EventRecorder | null = null;
  #jobs: WorkQueue | null = null;
  #savepoints: WorkQueue | null = null;

  constructor(parts: OperatorParts) {
    this.#parts = parts;
    const { options, connection, clock, random, log } = parts;
    const transport = new KubeTransport(connection);
    // Reads and the lease itself are for everybody; all else is the leader's (O2).
    const electing = new KubeClient({ transport });
    this.#client = new KubeClient({ transport, mayWrite: () => this.#lease.isLeader() });
    this.#watches = new Watches({ client: electing, namespaces: options.watchNamespaces, clock, random, log });
    this.#lease = new LeaderLease({
      client: electing,
      clock,
      random,
      namespace: options.namespace,
      name: options.leaseName,
      identity: options.pod,
      onLeading: () =>
        void this.#lead().catch((error: unknown) => parts.onLost(error instanceof Error ? (error.stack ?? error.message) : String(error))),
      onLost: parts.onLost,
      onProblem: (problem) => log('warn', `lease: ${problem}`),
    });
  }

  async start(): Promise<void> {
    this.#watches.start();
    await this.#watches.synced();
    this.#parts.log('info', 'caches are filled; waiting to lead');
    this.#lease.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#jobs?.drain(), this.#savepoints?.drain()]);
    await this.#events?.flush();
    await this.#lease.stop();
    await this.#watches.stop();
  }

  notReady(): string | null {
    return this.#watches.notReady();
  }

  async #lead(): Promise<void> {
    const { options, clock, random, log, openNats } = this.#parts;
    log('info', 'leading', { lease: options.leaseName, pod: options.pod });
    const client = this.#client;
    const nats = await openNats(client);
    // An operator that starts anew has nothing to tell: least of all that NATS is away because it did not look yet.
    for (let waitedMs = 0; !nats.up && waitedMs < FIRST_CONTACT_MS; waitedMs += LOOK_MS) await clock.sleep(LOOK_MS);
    const events = (this.#events = new EventRecorder({ client, clock, random, instance: options.pod }));
    const caches = this.#watches.caches;
    const code = new CodeStore((namespace, name) => client.get(resources.configMaps, { namespace, name }));
    const reconciler = new Reconciler({ client, caches, nats, code, clock, events, settings: settingsOf(options) });
    const savepoints = new SavepointReconciler({ client, caches, nats, clock, events });
    this.#jobs = this.#queue((namespace, name) => reconciler.reconcile(namespace, name));
    this.#savepoints = this.#queue((namespace, name) => savepoints.reconcile(namespace, name));
    nats.onChange((identity) => this.#jobs?.add(keyOfIdentity(identity)));
    this.#jobs.start();
    this.#savepoints.start();
    this.#watches.feed(this.#jobs, this.#savepoints);
  }

  #queue(work: (namespace: string, name: string) => Promise<WorkOutcome>): WorkQueue {
    const { clock, random, options } = this.#parts;
    return new WorkQueue({
      work: async (key) => {
        const { namespace, name } = splitKey(key);
        const beganMs = clock.monotonicMs();
        const outcome = await work(namespace ?? '', name);
        this.#rounds.count++;
        this.#rounds.seconds += (clock.monotonicMs() - beganMs) / 1_000;
        return outcome;
      },
      workersMax: options.concurrency,
      clock,
      random,
      onFailed: (failure) => this.#failed(failure),
    });
  }

  #failed({ key, reason, failures, retryMs, cause }: WorkFailure): void {
    this.#rounds.errors++;
    const stack = cause instanceof Error ? { stack: cause.stack } : {};
    this.#parts.log('warn', `${key}: ${reason}; tried ${failures} times, again in ${Math.round(retryMs)} ms`, stack);
  }

  metrics(): readonly Metric[] {
    const jobs = this.#watches.caches.streamJobs.list();
    const phases = Map.groupBy(jobs, (object) => (object['status'] as { readonly phase?: string } | undefined)?.phase ?? 'Unknown');
    return [
      {
        name: 'millrace_jobs',
        type: 'gauge',
        help: 'StreamJobs by phase.',
        samples: [...phases].map(([phase, of]) => ({ labels: { phase }, value: of.length })),
      },
      { name: 'millrace_leader', type: 'gauge', help: '1 while this process leads.', samples: [{ value: this.#lease.isLeader() ? 1 : 0 }] },
      { name: 'millrace_reconciles', type: 'counter', help: 'Rounds that ended.', samples: [{ value: this.#rounds.count }] },
      {
        name: 'millrace_reconcile_seconds',
        type: 'counter',
        help: 'Time that rounds took, seconds.',
        samples: [{ value: this.#rounds.seconds }],
      },
      {
        name: 'millrace_reconcile_errors',
        type: 'counter',
        help: 'Rounds that have to be tried again.',
        samples: [{ value: this.#rounds.errors }],
      },
      {
        name: 'millrace_queue_depth',
        type: 'gauge',
        help: 'Keys that are due and wait for a worker.',
        samples: [{ value: this.#jobs?.metrics().depth ?? 0 }],
      },
      {
        name: 'millrace_kube_requests',
        type: 'counter',
        help: 'Calls of the API server.',
        samples: [...this.#client.callCounts()].map(([name, value]) => {
          const [verb = '', resource = ''] = name.split(' ');
          return { labels: { verb, resource }, value };
        }),
      },
      { name: 'millrace_operator_memory_bytes', type: 'gauge', help: 'Resident memory.', samples: [{ value: process.memoryUsage.rss() }] },
    ];
  }
}

function settingsOf({ worker, namespace, nats, otlpEndpoint }: OperatorOptions): ClusterSettings {
  return {
    defaults: worker,
    operatorNamespace: namespace,
    nats: { mode: nats.mode, port: portOf(nats.url, 4222) },
    otlpPort: otlpEndpoint === null ? null : portOf(otlpEndpoint, 4318),
  };
}

/** Of the first of several URLs. */
function portOf(urls: string, fallback: number): number {
  const [first = ''] = urls.split(',');
  return Number(/:(\d+)\/?$/.exec(first.trim())?.[1] ?? fallback);
}

/** `<namespace>_<name>` as the queue's key. */
function keyOfIdentity(identity: string): string {
  const at = identity.indexOf('_');
  return `${identity.slice(0, at)}/${identity.slice(at + 1)}`;
}
