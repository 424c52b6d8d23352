// The process of the operator in its pod, and its death without a word (SIGKILL): kubelet would let it say farewell first.

import { expect, inject } from 'vitest';
import { tryRun } from '../../cluster/program-run.ts';
import type { PodObject } from './jobs.ts';
import { list, systemNamespace } from './programs.ts';

export async function operatorProcess(): Promise<{ readonly node: string; readonly isReady: boolean; readonly startedAt: string }> {
  const found = await list<PodObject>('pods', systemNamespace, 'app.kubernetes.io/component=operator');
  expect(found).toHaveLength(1);
  const [container] = found[0]?.status.containerStatuses ?? [];
  return { node: found[0]?.spec.nodeName ?? '', isReady: container?.ready === true, startedAt: container?.state?.running?.startedAt ?? '' };
}

/** From within its node, which is a container. The brackets keep the search from finding itself. */
export async function killOperator(): Promise<void> {
  const { node } = await operatorProcess();
  const { dockerHost } = inject('bed');
  const search = 'for p in /proc/[0-9]*; do grep -qs "operator[.]mjs" $p/cmdline && kill -9 ${p#/proc/} && echo killed; done; true';
  const env = dockerHost === null ? {} : { DOCKER_HOST: dockerHost };
  const { code, stdout, stderr } = await tryRun('docker', ['exec', node, 'sh', '-c', search], { env, timeoutMs: 100_000 });
  expect([code, stdout.trim()], stderr).toEqual([0, 'killed']);
}
