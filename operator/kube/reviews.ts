// What the API server says of somebody else: who a token is of, and what they may do. Nothing is stored by asking.

import type { KubeClient } from './kube-client.ts';
import type { KubeFailure, KubeResult } from './kube-result.ts';

/** As the cluster names who holds a token. */
export type KubeUser = {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
};

export type AccessAsked = {
  readonly verb: string;
  /** Empty: the core group. */
  readonly group: string;
  readonly resource: string;
  /** null: in all namespaces. */
  readonly namespace: string | null;
};

/** null: nobody whom the cluster knows. */
export async function whoHas(
  client: KubeClient,
  token: string,
): Promise<{ readonly kind: 'ok'; readonly user: KubeUser | null } | KubeFailure> {
  const answer = await review<{ authenticated?: boolean; user?: KubeUser }>(client, TOKENS, 'TokenReview', { token });
  if (answer.kind !== 'ok') return answer;
  const { authenticated, user } = answer.object.status ?? {};
  return { kind: 'ok', user: authenticated === true && user?.username !== undefined ? user : null };
}

export async function mayDo(
  client: KubeClient,
  { username, uid, groups, extra }: KubeUser,
  { verb, group, resource, namespace }: AccessAsked,
): Promise<{ readonly kind: 'ok'; readonly isAllowed: boolean } | KubeFailure> {
  const answer = await review<{ allowed?: boolean }>(client, ACCESS, 'SubjectAccessReview', {
    user: username,
    uid,
    groups,
    extra,
    resourceAttributes: { verb, group, resource, ...(namespace === null ? {} : { namespace }) },
  });
  return answer.kind === 'ok' ? { kind: 'ok', isAllowed: answer.object.status?.allowed === true } : answer;
}

const TOKENS = 'authentication.k8s.io/v1/tokenreviews';
const ACCESS = 'authorization.k8s.io/v1/subjectaccessreviews';

function review<T>(client: KubeClient, path: string, kind: string, spec: object): Promise<KubeResult<{ readonly status?: T }>> {
  const apiVersion = path.slice(0, path.lastIndexOf('/'));
  const body = { apiVersion, kind, spec };
  return client.raw({ method: 'POST', path: `/apis/${path}`, contentType: 'application/json', body }) as Promise<
    KubeResult<{ readonly status?: T }>
  >;
}
