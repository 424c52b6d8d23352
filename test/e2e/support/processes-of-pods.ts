// Processes of pods, and their death without a word (SIGKILL): kubelet would let them say farewell first.

import { expect, inject } from 'vitest';
import { tryRun } from '../../cluster/program-run.ts';
import type { PodObject } from './jobs.ts';
import { get, list } from './objects.ts';
import { systemNamespace, until } from './programs.ts';

export async function operatorProcess(): Promise<{ readonly node: string; readonly isReady: boolean; readonly startedAt: string }> {
  const found = await list<PodObject>('pods', systemNamespace, 'app.kubernetes.io/component=operator');
  expect(found).toHaveLength(1);
  const [container] = found[0]?.status.containerStatuses ?? [];
  return { node: found[0]?.spec.nodeName ?? '', isReady: container?.ready === true, startedAt: container?.state?.running?.startedAt ?? '' };
}

export async function killOperator(): Promise<void> {
  const { node } = await operatorProcess();
  // The brackets keep the search from finding itself.
  await killIn(node, 'grep -qs "operator[.]mjs" $p/cmdline');
}

/** The nats-server of a pod. Its pod stays and gets another one: to delete the pod by force would be no death of the server, but a second
 *  server on the store of one that may still run. */
export async function killNats(pod: PodObject): Promise<void> {
  await killIn(pod.spec.nodeName ?? '', `grep -qs "nats-serve[r]" $p/cmdline && grep -qsz "^POD_NAME=${pod.metadata.name}$" $p/environ`);
}

/** Waits until the container of a pod, or of one that took its name, is another one. */
export async function untilRunsAnew(before: PodObject): Promise<void> {
  const { name, namespace } = before.metadata;
  const startOf = (pod: PodObject | null): string => pod?.status.containerStatuses?.[0]?.state?.running?.startedAt ?? '';
  await until(`${name} runs anew`, 150_000, async () => {
    const now = await get<PodObject>('pod', namespace, name);
    const isOther = now?.metadata.uid !== before.metadata.uid || startOf(now) !== startOf(before);
    return startOf(now) !== '' && isOther ? true : null;
  });
}

/** From within its node, which is a container. */
async function killIn(node: string, isWanted: string): Promise<void> {
  const { dockerHost } = inject('bed');
  const search = `for p in /proc/[0-9]*; do ${isWanted} && kill -9 \${p#/proc/} && echo killed; done; true`;
  const env = dockerHost === null ? {} : { DOCKER_HOST: dockerHost };
  const { code, stdout, stderr } = await tryRun('docker', ['exec', node, 'sh', '-c', search], { env, timeoutMs: 100_000 });
  expect([code, stdout.trim()], stderr).toEqual([0, 'killed']);
}
