// A cluster that somebody else made (MILLRACE_CLUSTER=existing): it is looked at and used, never made, changed or removed. Images get
// onto its nodes by a command of theirs.
import type { Log } from './artefact-cache.ts';
import type { Cluster } from './cluster.ts';
import { run } from './program-run.ts';
import { ensureServerArchive, serverImage } from './server-images.ts';
import type { Tools } from './tools.ts';

const lookTimeoutMs = 30_000;
const loadTimeoutMs = 5 * 60_000;
export const LOAD_VARIABLE = 'MILLRACE_CLUSTER_LOAD';
const LOAD_MEANING = 'a command that takes the path of an image archive as its last argument and puts the images onto every node';

export type Existing = {
  readonly kubeconfig: string;
  /** What LOAD_VARIABLE says. */
  readonly loadCommand: string | undefined;
  readonly tools: Tools;
  /** Where server images are built. */
  readonly cache: string;
  readonly log: Log;
};

/** Rejects with a sentence when it does not answer, or has no node that takes pods. */
export async function existingCluster(existing: Existing): Promise<Cluster> {
  const { kubeconfig, loadCommand, tools, cache, log } = existing;
  const nodes = (): Promise<readonly string[]> => readyNodes(existing);
  if ((await nodes()).length === 0) throw new Error(`the cluster of KUBECONFIG (${kubeconfig}) has no node that is ready`);
  const loadImage = async (archive: string): Promise<void> => {
    if (!loadCommand) throw new Error(`an existing cluster needs ${LOAD_VARIABLE}: ${LOAD_MEANING}`);
    await run('sh', ['-c', `${loadCommand} "$1"`, 'sh', archive], { timeoutMs: loadTimeoutMs });
  };
  return {
    kind: 'existing',
    kubeconfig,
    tools,
    env: { KUBECONFIG: kubeconfig },
    nodes,
    loadImage,
    loadServerImage: async (server) => {
      await loadImage(await ensureServerArchive(server, cache, log));
      return serverImage(server);
    },
    docker: () => Promise.reject(new Error('nodes of an existing cluster are not containers of this machine')),
  };
}

/** For people, as lines. */
export async function existingStatus(existing: Existing): Promise<readonly string[]> {
  const { kubeconfig, loadCommand, tools } = existing;
  const nodes = await readyNodes(existing);
  return [
    nodes.length === 0 ? 'NOT READY, existing, no node is ready' : `ready, existing, nodes ${nodes.join(' ')}`,
    `export KUBECONFIG=${kubeconfig}`,
    `images: ${loadCommand ? `by ${loadCommand}` : `${LOAD_VARIABLE} is not set: ${LOAD_MEANING}`}`,
    ...Object.entries(tools).map(([name, path]) => `${name}: ${path}`),
  ];
}

/** The control plane first. */
async function readyNodes({ kubeconfig, tools }: Existing): Promise<readonly string[]> {
  const args = ['--kubeconfig', kubeconfig, '--request-timeout=10s', 'get', 'nodes', '-o', 'json'];
  const { items } = JSON.parse(await run(tools.kubectl, args, { timeoutMs: lookTimeoutMs })) as { readonly items: readonly Node[] };
  const ready = items.filter(({ status }) => status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True'));
  const isControl = ({ metadata }: Node): boolean => metadata.labels?.['node-role.kubernetes.io/control-plane'] !== undefined;
  return [...ready.filter(isControl), ...ready.filter((node) => !isControl(node))].map(({ metadata }) => metadata.name);
}

type Node = {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
};
