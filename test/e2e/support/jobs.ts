// StreamJobs as tests see them: applied, waited for, described.

import { get, list } from './objects.ts';
import { apply, kubectl, until } from './programs.ts';
import type { StreamJobStatus } from '../../../crds/stream-job/status.ts';

export type StreamJobObject = {
  readonly metadata: { readonly name: string; readonly generation: number; readonly uid: string };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: StreamJobStatus;
};

export type PodObject = {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly containerStatuses?: readonly ContainerStatus[] };
};
type ContainerStatus = {
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state?: { readonly running?: { readonly startedAt: string } };
};

export function isReady({ status: { containerStatuses } }: PodObject): boolean {
  return containerStatuses?.every(({ ready }) => ready) === true;
}

export function job(namespace: string, name: string): Promise<StreamJobObject | null> {
  return get<StreamJobObject>('streamjob', namespace, name);
}

export async function status(namespace: string, name: string): Promise<StreamJobStatus> {
  return (await job(namespace, name))?.status ?? {};
}

export function pods(namespace: string, name: string): Promise<readonly PodObject[]> {
  return list<PodObject>('pods', namespace, `millrace.dev/job=${name}`);
}

/** Waits for a phase; an error tells the job's own story. */
export async function untilPhase(namespace: string, name: string, phase: string, timeoutMs = 150_000): Promise<StreamJobStatus> {
  return until(
    `StreamJob ${namespace}/${name} is ${phase}`,
    timeoutMs,
    async () => {
      const found = await status(namespace, name);
      return found.phase === phase ? found : null;
    },
    () => story(namespace, name),
  );
}

/** Running with Ready=True for the newest generation. */
export async function untilReady(namespace: string, name: string, timeoutMs = 150_000): Promise<StreamJobStatus> {
  return until(
    `StreamJob ${namespace}/${name} is ready`,
    timeoutMs,
    async () => {
      const found = await job(namespace, name);
      const ready = found?.status?.conditions?.find(({ type }) => type === 'Ready');
      return ready?.status === 'True' && ready.observedGeneration === found?.metadata.generation ? (found?.status ?? null) : null;
    },
    () => story(namespace, name),
  );
}

/** What a person would look at when it goes wrong. */
export async function story(namespace: string, name: string): Promise<string> {
  const say = (args: readonly string[]): Promise<string> => kubectl(args).catch((error: unknown) => String(error));
  const logs = await say(['logs', '-n', namespace, '-l', `millrace.dev/job=${name}`, '--tail=20', '--prefix']);
  return [
    await say(['describe', 'streamjob', name, '-n', namespace]),
    await say(['get', 'pods', '-n', namespace, '-o', 'wide']),
    logs,
  ].join('\n');
}

export async function makeNamespace(name: string): Promise<string> {
  await apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    }),
  );
  return name;
}

/** With the state of its jobs. */
export async function removeNamespace(name: string): Promise<void> {
  for (const one of await list<StreamJobObject>('streamjobs', name))
    await kubectl(['patch', 'streamjob', one.metadata.name, '-n', name, '--type=merge', '-p', '{"spec":{"deletionPolicy":"Delete"}}']);
  await kubectl(['delete', 'streamjobs,streamsavepoints', '--all', '-n', name, '--wait=true', '--timeout=200s']);
  await kubectl(['delete', 'namespace', name, '--wait=false']);
}

/** Waits until the condition of a type is `True Reason`. */
export async function untilCondition(namespace: string, name: string, type: string, wanted: string): Promise<StreamJobStatus> {
  return until(
    `${type} of StreamJob ${namespace}/${name} is ${wanted}`,
    150_000,
    async () => {
      const found = await status(namespace, name);
      return condition(found, type) === wanted ? found : null;
    },
    () => story(namespace, name),
  );
}

/** The condition of a type, as `True Reason`. */
export function condition({ conditions }: StreamJobStatus, type: string): string {
  const found = conditions?.find((one) => one.type === type);
  return found === undefined ? 'absent' : `${found.status} ${found.reason}`;
}
