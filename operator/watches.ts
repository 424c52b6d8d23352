// What the operator watches, and which job a change concerns.
//
//   W1. Children and pods are watched by our labels only: Secrets of others are never read.
//   W2. A change of a child wakes its job; the job looks at everything anyway.

import type { Clock, Random } from '../runtime/base/clock.ts';
import type { KubeClient } from './kube/kube-client.ts';
import type { AnyObject } from './kube/kube-object.ts';
import { Reflector, type ReflectorHealth, type Scope } from './kube/reflector.ts';
import { resources, type Resource } from './kube/resource.ts';
import type { WorkQueue } from './kube/work-queue.ts';
import type { Log } from './log.ts';
import type { Caches } from './reconcile/observe.ts';
import { USERS_SECRET } from './reconcile/user-secrets.ts';
import { JOB_LABEL, USER_LABEL } from './resources/manifest.ts';

type Kind = keyof Caches;

const kinds: readonly Kind[] = [
  'streamJobs',
  'streamSavepoints',
  'pods',
  'deployments',
  'networkPolicies',
  'podDisruptionBudgets',
  'secrets',
  'userSecrets',
];
const own: readonly Kind[] = ['streamJobs', 'streamSavepoints'];
const RESYNC_MS = 60_000;

export type WatchesParts = {
  readonly client: KubeClient;
  readonly namespaces: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
};

type Queue = Pick<WorkQueue, 'add'>;
export type Fed = { readonly jobs: Queue; readonly savepoints: Queue; /** null: nobody is let in. */ readonly users: Queue | null };

export class Watches {
  readonly caches: Readonly<Record<Kind, Reflector>>;

  constructor({ client, namespaces, clock, random, log }: WatchesParts) {
    const scope: Scope = namespaces.length === 0 ? { kind: 'cluster' } : { kind: 'namespaces', namespaces };
    const make = (kind: Kind): Reflector =>
      new Reflector({
        client,
        resource: resourceOf(kind),
        scope,
        ...(own.includes(kind) ? { resyncMs: RESYNC_MS } : { labelSelector: kind === 'userSecrets' ? USER_LABEL : JOB_LABEL }),
        clock,
        random,
        onProblem: (problem) => log('warn', `watching ${resourceOf(kind).plural}: ${problem}`),
      });
    this.caches = Object.fromEntries(kinds.map((kind) => [kind, make(kind)])) as Record<Kind, Reflector>;
  }

  start(): void {
    for (const kind of kinds) this.caches[kind].start();
  }

  async synced(): Promise<void> {
    await Promise.all(kinds.map((kind) => this.caches[kind].synced));
  }

  /** Wakes keys of the queues from now on. */
  feed({ jobs, savepoints, users }: Fed): void {
    for (const kind of kinds) {
      this.caches[kind].subscribe(({ object }) => {
        const namespace = object.metadata.namespace ?? '';
        if (kind === 'userSecrets') return users?.add(`${namespace}/${object.metadata.name}`);
        if (kind === 'streamJobs') users?.add(`${namespace}/${USERS_SECRET}`);
        const key = kind === 'streamSavepoints' ? jobOfSavepoint(object) : jobOf(kind, object);
        if (key !== null) jobs.add(key);
        if (kind === 'streamSavepoints') savepoints.add(`${namespace}/${object.metadata.name}`);
      });
    }
  }

  /** null: all caches are filled. */
  notReady(): string | null {
    const missing = kinds.filter((kind) => !this.caches[kind].isSynced());
    return missing.length === 0 ? null : `not listed yet: ${missing.map(toldAs).join(', ')}`;
  }

  /** By what is watched. */
  health(): readonly (readonly [resource: string, health: ReflectorHealth])[] {
    return kinds.map((kind) => [toldAs(kind), this.caches[kind].health()]);
  }

  async stop(): Promise<void> {
    await Promise.all(kinds.map((kind) => this.caches[kind].stop()));
  }
}

function resourceOf(kind: Kind): Resource {
  return kind === 'userSecrets' ? resources.secrets : resources[kind];
}

function toldAs(kind: Kind): string {
  return kind === 'userSecrets' ? 'secrets of users' : resources[kind].plural;
}

function jobOf(kind: Kind, { metadata }: AnyObject): string | null {
  const name = kind === 'streamJobs' ? metadata.name : metadata.labels?.[JOB_LABEL];
  return name === undefined ? null : `${metadata.namespace ?? ''}/${name}`;
}

/** A job may wait for it, before an upgrade or to be restored. */
function jobOfSavepoint(object: AnyObject): string | null {
  const { job } = (object['spec'] ?? {}) as { readonly job?: string };
  return job === undefined ? null : `${object.metadata.namespace ?? ''}/${job}`;
}
