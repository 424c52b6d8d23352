// A StreamJob from its first word to its end, with what is there at each rest: the same whenever the operator was killed.
//
//   L1. Compared is everything but times, uids, run ids and versions, and the hashes of what was applied, which has the owner's
//       uid in it, and of credentials, which are the accounts': they differ from life to life. Nor ConservationOK: it is told when the records were looked at, some time later.
//   L2. With deletionPolicy Delete nothing of the job is left, its dead letters neither.
import { until } from '../../support/until.ts';
import { children, JOB, jobPath, type ControlPlane } from './control-plane.ts';

/** A process that starts on a busy machine takes most of a minute to lead. */
const restMs = 180_000;
const changed = { stages: [{ name: 'twice', from: 'load', map: { key: 'event.key', n: 'event.n * 3' } }] };

const steps = [
  { name: 'deployed', change: {}, reason: 'ScaledToZero 1' },
  { name: 'changed', change: changed, reason: 'ScaledToZero 2' },
  { name: 'suspended', change: { ...changed, suspend: true }, reason: 'Suspended 2' },
  { name: 'resumed', change: changed, reason: 'ScaledToZero 2' },
] as const;

/** Credentials of the job's workers, and of applications. */
const SECRETS = [`${JOB}-nats`, 'millrace-nats-app'] as const;

export type Expected = Map<string, string>;

/** Lives it. A rest that `expected` knows has to become that one; one that it does not know is put in. */
export async function liveJob(plane: ControlPlane, namespace: string, expected: Expected, story: () => string): Promise<void> {
  for (const { name, change, reason } of steps) {
    await plane.apply(namespace, change);
    let seen: string | null = '';
    const tell = async (): Promise<string> => `seen: ${seen}\n${await restOf(plane, namespace)}\n${story()}`;
    await until(`${name} is ${reason}`, restMs, async () => (seen = await plane.readiness(namespace)) === reason, tell);
    const known = expected.get(name);
    if (known === undefined) expected.set(name, await restOf(plane, namespace));
    else
      await until(`${name} is as it was without a kill:\n${known}`, restMs, async () => (await restOf(plane, namespace)) === known, tell);
  }
  await plane.remove(jobPath(namespace));
  await until('the job is gone', restMs, async () => (await plane.get(jobPath(namespace))) === null, story);
  const left = (await plane.streams(namespace)).map(({ name }) => name); // L2
  if (left.length > 0) throw new Error(`left in NATS: ${left.join(', ')}\n${story()}`);
}

async function restOf(plane: ControlPlane, namespace: string): Promise<string> {
  const job = await plane.get(jobPath(namespace));
  const parts: Record<string, unknown> = {
    finalizers: job?.metadata['finalizers'],
    status: job?.status,
    streams: await plane.streams(namespace),
    secrets: await Promise.all(SECRETS.map(async (name) => keysOf(await plane.get(`/api/v1/namespaces/${namespace}/secrets/${name}`)))),
  };
  for (const [kind, path] of Object.entries(children)) {
    const child = await plane.get(path.replace('NS', namespace));
    parts[kind] =
      child === null ? null : { spec: child.spec, labels: child.metadata['labels'], annotations: child.metadata['annotations'] };
  }
  return JSON.stringify(parts, withoutTimes, 1).replaceAll(namespace, 'NS');
}

/** What is in it is drawn. */
function keysOf(secret: unknown): readonly string[] | null {
  return secret === null ? null : Object.keys((secret as { readonly data?: object }).data ?? {});
}

/** L1; for JSON.stringify. */
export function withoutTimes(key: string, value: unknown): unknown {
  if (key === 'conditions') return (value as readonly { type: string }[]).filter(({ type }) => type !== 'ConservationOK');
  return /^(uid|runId|lastTransitionTime|since|resourceVersion|_nats\.\w+|millrace\.dev\/(applied|credentials))$/.test(key)
    ? undefined
    : value;
}
