// The operator as a whole: watches filled, one leader, three queues, until it is stopped.
//
//   starting ─▶ standby ─▶ leading ─▶ stopped
//
//   O1. Only the leader works on keys; a standby has full caches and takes over at once.
//   O2. Who loses the lease stops writing at once, and the process ends: nothing of the old leader goes on.
//   O3. Stopping finishes the rounds that run, then gives the lease back.

import type { Clock, Random } from '../runtime/base/clock.ts';
import { assert } from '../runtime/base/assert.ts';
import { MetricSet } from '../runtime/telemetry/metric-set.ts';
import { tellJobs } from './job-metrics.ts';
import type { Call } from './kube/call-meter.ts';
import { EventRecorder } from './kube/events.ts';
import { KubeClient } from './kube/kube-client.ts';
import { splitKey } from './kube/kube-object.ts';
import { KubeTransport } from './kube/kube-transport.ts';
import { ServerClock } from './kube/server-clock.ts';
import { LeaderLease } from './kube/leader-lease.ts';
import type { KubeConnection } from './kube/kube-config.ts';
import { resources } from './kube/resource.ts';
import { WorkQueue, type WorkFailure, type WorkOutcome } from './kube/work-queue.ts';
import type { Log } from './log.ts';
import type { JobViews, Viewed } from './nats/job-view.ts';
import { OperatorMeter, tellQueue, tellWatch, type QueueName } from './operator-meter.ts';
import type { OperatorOptions } from './options.ts';
import { natsPortsOf } from './resources/network-policy.ts';
import type { ClusterSettings } from './reconcile/children.ts';
import { CodeStore } from './reconcile/code-store.ts';
import type { Cache } from './reconcile/observe.ts';
import type { NatsSide } from './reconcile/nats-side.ts';
import { identityOf } from './reconcile/stream-job-object.ts';
import { Reconciler } from './reconcile/reconciler.ts';
import { SavepointReconciler } from './reconcile/savepoint-reconciler.ts';
import { UserSecrets } from './reconcile/user-secrets.ts';
import type { KeptTrace, RoundTraces } from './round-traces.ts';
import { Watches } from './watches.ts';

export type OperatorParts = {
  readonly options: OperatorOptions;
  readonly connection: KubeConnection;
  /** Made with the client that acts for the leader: it may have to make the Secret with the server's keys. A standby is connected too:
   *  it answers who looks, and takes over at once. */
  readonly openNats: (client: KubeClient) => Promise<NatsSide & JobViews>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** null: nothing is traced. */
  readonly traces: RoundTraces | null;
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
  readonly #meter = new OperatorMeter();
  #nats: (NatsSide & JobViews) | null = null;
  #opening: Promise<NatsSide & JobViews> | null = null;
  #events: EventRecorder | null = null;
  #jobs: WorkQueue | null = null;
  #savepoints: WorkQueue | null = null;
  /** null too when NATS is not the chart's own: nobody is let in by us then. */
  #users: WorkQueue | null = null;

  constructor(given: OperatorParts) {
    const clock = new ServerClock(given.clock);
    const parts = (this.#parts = { ...given, clock });
    const { options, connection, random, log } = parts;
    const transport = new KubeTransport(connection, (date, roundTripMs) => clock.heard(date, roundTripMs));
    // Reads and the lease itself are for everybody; all else is the leader's (O2).
    const onCall = (call: Call): void => {
      this.#meter.call(call);
      parts.traces?.called(call);
    };
    const electing = new KubeClient({ transport, onCall });
    this.#client = new KubeClient({ transport, onCall, mayWrite: () => this.#lease.isLeader() });
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
    this.#opening = this.#parts.openNats(this.#client);
    this.#opening.then(
      (nats) => (this.#nats = nats),
      () => undefined, // told by who leads
    );
    await this.#watches.synced();
    this.#parts.log('info', 'caches are filled; waiting to lead');
    this.#lease.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#jobs?.drain(), this.#savepoints?.drain(), this.#users?.drain()]);
    await this.#events?.flush();
    await this.#lease.stop();
    await this.#watches.stop();
  }

  /** For the console. */
  get streamJobs(): Cache {
    return this.#watches.caches.streamJobs;
  }

  /** For the console. */
  async view(identity: string): Promise<Viewed> {
    return this.#nats?.view(identity) ?? { kind: 'absent', reason: 'the keys of NATS are not known yet' };
  }

  notReady(): string | null {
    return this.#watches.notReady();
  }

  async #lead(): Promise<void> {
    const { options, clock, random, log } = this.#parts;
    log('info', 'leading', { lease: options.leaseName, pod: options.pod });
    const client = this.#client;
    const nats = await this.#opening;
    assert(nats !== null, 'NATS is opened before anybody can lead');
    // An operator that starts anew has nothing to tell: least of all that NATS is away because it did not look yet.
    for (let waitedMs = 0; !nats.up && waitedMs < FIRST_CONTACT_MS; waitedMs += LOOK_MS) await clock.sleep(LOOK_MS);
    const caches = this.#watches.caches;
    for (const { metadata } of caches.streamJobs.list())
      nats.expect(identityOf({ namespace: metadata.namespace ?? '', name: metadata.name }));
    const events = (this.#events = new EventRecorder({ client, clock, random, instance: options.pod }));
    const code = new CodeStore((namespace, name) => client.get(resources.configMaps, { namespace, name }));
    const reconciler = new Reconciler({ client, caches, nats, code, clock, events, settings: settingsOf(options) });
    const savepoints = new SavepointReconciler({ client, caches, nats, clock, events });
    this.#jobs = this.#queue('jobs', (namespace, name) => reconciler.reconcile(namespace, name));
    this.#savepoints = this.#queue('savepoints', (namespace, name) => savepoints.reconcile(namespace, name));
    const users = new UserSecrets({ client, caches, nats });
    if (options.nats.mode === 'bundled') this.#users = this.#queue('users', (namespace, name) => users.reconcile(namespace, name));
    nats.onChange((identity) => this.#jobs?.add(keyOfIdentity(identity)));
    this.#jobs.start();
    this.#savepoints.start();
    this.#users?.start();
    this.#watches.feed({ jobs: this.#jobs, savepoints: this.#savepoints, users: this.#users });
  }

  #queue(queue: QueueName, work: (namespace: string, name: string) => Promise<WorkOutcome>): WorkQueue {
    const { clock, random, options, traces } = this.#parts;
    return new WorkQueue({
      work: async (key) => {
        const { namespace, name } = splitKey(key);
        const beganMs = clock.monotonicMs();
        let kind: WorkOutcome['kind'] = 'failed'; // so does what throws
        const kept: KeptTrace[] = [];
        const onKept = (trace: KeptTrace): void => void kept.push(trace);
        try {
          const round = (): Promise<WorkOutcome> => work(namespace ?? '', name);
          const outcome = traces === null ? await round() : await traces.round(queue, key, round, onKept);
          kind = outcome.kind;
          return outcome;
        } finally {
          this.#meter.round(queue, kind, { durationMs: clock.monotonicMs() - beganMs, endMs: clock.nowMs() }, kept[0]);
        }
      },
      workersMax: options.concurrency,
      clock,
      random,
      onFailed: (failure) => this.#failed(failure),
    });
  }

  #failed({ key, reason, failures, retryMs, cause }: WorkFailure): void {
    const stack = cause instanceof Error ? { stack: cause.stack } : {};
    this.#parts.log('warn', `${key}: ${reason}; tried ${failures} times, again in ${Math.round(retryMs)} ms`, stack);
  }

  metrics(): MetricSet {
    const metrics = new MetricSet();
    const isLeader = this.#lease.isLeader();
    metrics.add('millrace_operator_leader', {}, isLeader ? 1 : 0);
    this.#meter.tell(metrics);
    tellQueue(metrics, 'jobs', this.#jobs?.metrics() ?? null);
    tellQueue(metrics, 'savepoints', this.#savepoints?.metrics() ?? null);
    tellQueue(metrics, 'users', this.#users?.metrics() ?? null);
    for (const [resource, health] of this.#watches.health()) tellWatch(metrics, resource, health);
    if (!isLeader) return metrics;
    metrics.add('millrace_operator_events_dropped', {}, this.#events?.dropped() ?? 0);
    metrics.add('millrace_operator_nats_connected', {}, this.#nats?.up === true ? 1 : 0);
    tellJobs(metrics, this.#watches.caches.streamJobs.list(), this.#parts.clock.nowMs());
    return metrics;
  }
}

function settingsOf({ worker, namespace, nats, metricsFrom }: OperatorOptions): ClusterSettings {
  return {
    defaults: worker,
    operatorNamespace: namespace,
    nats: { mode: nats.mode, ports: natsPortsOf(nats.url) },
    metricsFrom,
  };
}

/** `<namespace>_<name>` as the queue's key. */
function keyOfIdentity(identity: string): string {
  const at = identity.indexOf('_');
  return `${identity.slice(0, at)}/${identity.slice(at + 1)}`;
}
