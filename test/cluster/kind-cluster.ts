// The cluster as kind makes it: create, look, load images, delete.
import { writeFile, rm, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubeconfigOf, type Folders } from './folders.ts';
import { clusterName, kindConfig, nodeNames, type KindChoice } from './kind-config.ts';
import { network } from './network-guard.ts';
import { run, tryRun } from './program-run.ts';

const createTimeoutMs = 5 * 60_000;
const readyTimeoutMs = 3 * 60_000;
const commandTimeoutMs = 5 * 60_000;
const pollMs = 250;

export type KindTools = { readonly kind: string; readonly kubectl: string };

export class KindCluster {
  readonly #folders: Folders;
  readonly #tools: KindTools;
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(folders: Folders, tools: KindTools, dockerHost: string | undefined) {
    this.#folders = folders;
    this.#tools = tools;
    this.#env = { DOCKER_HOST: dockerHost, KIND_EXPERIMENTAL_DOCKER_NETWORK: network, KUBECONFIG: kubeconfigOf(folders) };
  }

  /** Creates it and waits until pods can be run. The network must be there (network-guard.ts). */
  async create(choice: KindChoice): Promise<void> {
    await mkdir(this.#folders.state, { recursive: true });
    const config = join(this.#folders.state, 'kind.json');
    await writeFile(config, JSON.stringify(kindConfig(choice), null, 2));
    await this.#kind(['create', 'cluster', '--config', config, '--kubeconfig', kubeconfigOf(this.#folders)], createTimeoutMs);
    await this.#waitReady();
  }

  /** Removes it, in whatever state it is. */
  async delete(): Promise<void> {
    await this.#kind(['delete', 'cluster', '--name', clusterName, '--kubeconfig', kubeconfigOf(this.#folders)], commandTimeoutMs);
    await rm(kubeconfigOf(this.#folders), { force: true });
  }

  /** True when every node says that it is ready and the API answers. */
  async isHealthy(): Promise<boolean> {
    const query = '{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}';
    const nodes = await this.kubectl(['get', 'nodes', '-o', `jsonpath=${query}`]).catch(() => '');
    const ready = nodes.split(' ').filter((word) => word.endsWith('=True'));
    return nodeNames.every((name) => ready.includes(`${name}=True`));
  }

  /** Waits for it: a busy machine, or a node that was cut off and is back, is not a broken cluster. */
  async becomesHealthy(withinMs: number): Promise<boolean> {
    const deadlineMs = Date.now() + withinMs;
    while (!(await this.isHealthy())) {
      if (Date.now() > deadlineMs) return false;
      await sleep(pollMs);
    }
    return true;
  }

  async loadImage(archive: string): Promise<void> {
    await this.#kind(['load', 'image-archive', archive, '--name', clusterName], commandTimeoutMs);
  }

  kubectl(args: readonly string[], timeoutMs = commandTimeoutMs): Promise<string> {
    const all = ['--kubeconfig', kubeconfigOf(this.#folders), '--request-timeout=10s', ...args];
    return run(this.#tools.kubectl, all, { env: this.#env, timeoutMs });
  }

  async #waitReady(): Promise<void> {
    if (!(await this.becomesHealthy(readyTimeoutMs))) throw new Error(`the nodes were not ready after ${readyTimeoutMs / 1000} s`);
    await this.#waitRollout('deployment/coredns');
    // Pods cannot be made before it is there.
    for (const deadlineMs = Date.now() + readyTimeoutMs; ; await sleep(pollMs)) {
      const { code } = await tryRun(this.#tools.kubectl, ['get', 'serviceaccount', 'default'], { env: this.#env, timeoutMs: 30_000 });
      if (code === 0) return;
      if (Date.now() > deadlineMs) throw new Error('the namespace `default` got no service account');
    }
  }

  async #waitRollout(what: string): Promise<void> {
    const args = ['--kubeconfig', kubeconfigOf(this.#folders), '-n', 'kube-system', 'rollout', 'status', what];
    await run(this.#tools.kubectl, [...args, `--timeout=${readyTimeoutMs / 1000}s`], {
      env: this.#env,
      timeoutMs: readyTimeoutMs + 30_000,
    });
  }

  async #kind(args: readonly string[], timeoutMs: number): Promise<void> {
    await run(this.#tools.kind, args, { env: this.#env, timeoutMs });
  }
}
