// Secrets with credentials for people and their applications: who feeds the jobs of a namespace and reads their results.
//
//   millrace-nats-app        made in each namespace that has a StreamJob: role `app`
//   any, with USER_LABEL     made by a person, empty: filled for the role that the label names; with USER_JOB_LABEL for the account of
//                            that job, else for the namespace's
//
//   U1. Of a Secret that a person made nothing but our annotation and our key is written, and only while it is still that one.
//   U2. Rights that are the same are not given anew: credentials that are in use stay.
//   U3. Nothing is removed: streams outlive their jobs, and who reads them needs to get in.

import type { KubeClient } from '../kube/kube-client.ts';
import type { AnyObject } from '../kube/kube-object.ts';
import { resources } from '../kube/resource.ts';
import type { WorkOutcome } from '../kube/work-queue.ts';
import { USER_JOB_LABEL, USER_LABEL } from '../resources/manifest.ts';
import { CREDENTIALS_ANNOTATION } from '../resources/worker-deployment.ts';
import { kubeTrouble } from './apply.ts';
import type { NatsSide, UserRole } from './nats-side.ts';
import type { Caches } from './observe.ts';

export type UserSecretsParts = {
  readonly client: KubeClient;
  readonly caches: Pick<Caches, 'streamJobs' | 'userSecrets'>;
  readonly nats: Pick<NatsSide, 'userCredentials'>;
};

export const USERS_SECRET = 'millrace-nats-app';
const KEY = 'nats.creds';
const AGAIN_MS = 2_000;
const ROLES: readonly string[] = ['app', 'admin'] satisfies readonly UserRole[];

export class UserSecrets {
  readonly #parts: UserSecretsParts;

  constructor(parts: UserSecretsParts) {
    this.#parts = parts;
  }

  async reconcile(namespace: string, name: string): Promise<WorkOutcome> {
    const { caches, nats, client } = this.#parts;
    const live = caches.userSecrets.get(namespace, name);
    if (live?.metadata.deletionTimestamp !== undefined) return { kind: 'done' };
    const role = this.#roleOf(namespace, name, live);
    if (role === null) return { kind: 'done' };
    const credentials = await nats.userCredentials({ namespace, job: live?.metadata.labels?.[USER_JOB_LABEL] ?? null }, role);
    if (credentials === null) return { kind: 'again', afterMs: AGAIN_MS };
    if (live !== undefined && isFilled(live, credentials.hash)) return { kind: 'done' };
    const answer = await client.apply(resources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace,
        annotations: { [CREDENTIALS_ANNOTATION]: credentials.hash },
        ...(live === undefined
          ? { labels: { [USER_LABEL]: role, 'app.kubernetes.io/managed-by': 'millrace' } }
          : { uid: live.metadata.uid }),
      },
      data: { [KEY]: Buffer.from(credentials.text).toString('base64') },
    });
    const trouble = kubeTrouble('Secret', answer, ['not-found']);
    return trouble === null ? { kind: 'done' } : { kind: 'failed', reason: trouble.reason, retryAfterMs: trouble.retryAfterMs };
  }

  /** null: it is not to be filled. */
  #roleOf(namespace: string, name: string, live: AnyObject | undefined): UserRole | null {
    const asked = live?.metadata.labels?.[USER_LABEL];
    if (asked !== undefined) return ROLES.includes(asked) ? (asked as UserRole) : null;
    return name === USERS_SECRET && this.#parts.caches.streamJobs.list(namespace).length > 0 ? 'app' : null;
  }
}

function isFilled(live: AnyObject, hash: string): boolean {
  const data = (live['data'] ?? {}) as Readonly<Record<string, string>>;
  return live.metadata.annotations?.[CREDENTIALS_ANNOTATION] === hash && (data[KEY] ?? '') !== '';
}
