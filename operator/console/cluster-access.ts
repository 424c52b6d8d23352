// Who may look: the cluster says so. A token is reviewed, and for each namespace it is asked whether its holder may get streamjobs.
//
//   CA1. An answer counts for ANSWER_MS: who loses a right, or a token, sees nothing new after that.
//   CA2. Bounded: ANSWERS_MAX answers are kept, ASKED_MAX questions are under way; what is more is refused for now.
//   CA3. A token is kept as its hash only, and told nobody but the API server.
//   CA4. Without an answer nobody is let in.

import { createHash } from 'node:crypto';
import type { Asker, Entry } from '../../console/job-source.ts';
import type { Clock } from '../../runtime/base/clock.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { KubeFailure } from '../kube/kube-result.ts';
import { type KubeUser, mayDo, whoHas } from '../kube/reviews.ts';

export type ClusterAccessParts = { readonly client: KubeClient; readonly clock: Clock };

const ANSWER_MS = 10_000;
const ANSWERS_MAX = 4_096;
const ASKED_MAX = 64;

type Refused = Extract<Entry, { readonly kind: 'refused' }>;
const refused = (status: Refused['status'], message: string): Refused => ({ kind: 'refused', status, message });
const SAY_WHO = refused(401, 'Say who you are: a token of this cluster');
const UNKNOWN = refused(401, 'The cluster knows nobody by this token: it has expired, or is of another cluster');
const BUSY = refused(503, 'Too many ask at once who they are; it is tried again');

type Known = { readonly kind: 'user'; readonly user: KubeUser } | Refused;
type Verb = 'get' | 'update';
type Kept<T> = { readonly untilMs: number; readonly answer: Promise<T> };

export class ClusterAccess {
  readonly #parts: ClusterAccessParts;
  readonly #users = new Map<string, Kept<Known>>();
  readonly #rights = new Map<string, Kept<Entry>>();
  #asked = 0;

  constructor(parts: ClusterAccessParts) {
    this.#parts = parts;
  }

  async entry({ authorization }: Asker, namespace: string | null): Promise<Entry> {
    const token = tokenIn(authorization);
    if (token === null) return SAY_WHO;
    const known = await this.#known(token);
    if (known.kind === 'refused') return known;
    if (namespace === null) return { kind: 'allowed', who: known.user.username };
    return this.#rightIn(hashOf(token), known.user, 'get', namespace);
  }

  /** May they change jobs of the namespace? Who may declare a job anew may decide about its dead letters, too. */
  async changing({ authorization }: Asker, namespace: string): Promise<Entry> {
    const token = tokenIn(authorization);
    if (token === null) return SAY_WHO;
    const known = await this.#known(token);
    return known.kind === 'refused' ? known : this.#rightIn(hashOf(token), known.user, 'update', namespace);
  }

  #known(token: string): Promise<Known> {
    return this.#kept(this.#users, hashOf(token), () => this.#review(token));
  }

  async #rightIn(hash: string, user: KubeUser, verb: Verb, namespace: string): Promise<Entry> {
    const everywhere = await this.#right(hash, user, verb, null);
    return everywhere.kind === 'allowed' ? everywhere : this.#right(hash, user, verb, namespace);
  }

  async #review(token: string): Promise<Known> {
    const who = await this.#ask(() => whoHas(this.#parts.client, token));
    if (who === null) return BUSY;
    if (who.kind !== 'ok') return silence(who, 'create tokenreviews (authentication.k8s.io)');
    return who.user === null ? UNKNOWN : { kind: 'user', user: who.user };
  }

  #right(hash: string, user: KubeUser, verb: Verb, namespace: string | null): Promise<Entry> {
    return this.#kept(this.#rights, `${hash} ${verb} ${namespace ?? ''}`, async () => {
      const may = await this.#ask(() =>
        mayDo(this.#parts.client, user, { verb, group: 'millrace.dev', resource: 'streamjobs', namespace }),
      );
      if (may === null) return BUSY;
      if (may.kind !== 'ok') return silence(may, 'create subjectaccessreviews (authorization.k8s.io)');
      return may.isAllowed ? { kind: 'allowed', who: user.username } : forbidden(user, verb, namespace);
    });
  }

  /** CA1. Questions that are under way are shared; what is no answer is not kept. */
  #kept<T extends { readonly kind: string; readonly status?: number }>(
    answers: Map<string, Kept<T>>,
    key: string,
    ask: () => Promise<T>,
  ): Promise<T> {
    const nowMs = this.#parts.clock.monotonicMs();
    const found = answers.get(key);
    if (found !== undefined && nowMs < found.untilMs) return found.answer;
    answers.delete(key);
    for (const oldest of answers.keys()) {
      if (answers.size < ANSWERS_MAX) break;
      answers.delete(oldest); // CA2
    }
    const kept: Kept<T> = { untilMs: nowMs + ANSWER_MS, answer: ask() };
    answers.set(key, kept);
    void kept.answer.then((answer) => answer.status === 503 && answers.get(key) === kept && answers.delete(key));
    return kept.answer;
  }

  /** CA2. null: not now. */
  async #ask<T>(question: () => Promise<T>): Promise<T | null> {
    if (this.#asked >= ASKED_MAX) return null;
    this.#asked++;
    try {
      return await question();
    } finally {
      this.#asked--;
    }
  }
}

function tokenIn(authorization: string | null): string | null {
  return /^Bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? '')?.[1] ?? null;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function forbidden({ username }: KubeUser, verb: Verb, namespace: string | null): Refused {
  return refused(403, `${username} may not ${verb} streamjobs ${namespace === null ? 'everywhere' : `in namespace ${namespace}`}`);
}

/** CA4. What the operator itself may not ask somebody has to grant. */
function silence(failure: KubeFailure, right: string): Refused {
  if (failure.kind === 'refused' && failure.code === 403)
    return refused(
      503,
      `the operator may not ask the cluster who you are: its service account lacks the right to ${right}. Whoever administers the ` +
        'cluster grants it with the chart (console.clusterRoleBinding: true), or binds the account to the ClusterRole system:auth-delegator',
    );
  return refused(503, `The API server does not say who you are: ${failure.kind === 'absent' ? failure.reason : failure.message}`);
}
