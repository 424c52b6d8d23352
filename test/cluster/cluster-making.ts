// Makes a cluster: first what it is made of, then kind does it, behind the guard.
//
//   K1. `up` on a healthy cluster of the same making keeps it; any other is removed first. One cluster per machine.
//   K2. No node starts before the guard is there, and no cluster is handed out without (network-guard.ts).
import { existsSync } from 'node:fs';
import { keyOf, removeUnused, type Log } from './artefact-cache.ts';
import { readState, writeState, type ClusterState } from './cluster-state.ts';
import type { MachineFacts } from './cluster-plan.ts';
import { dockerOf, findEngine, startEngine, type Engine } from './docker-engine.ts';
import { kubeconfigOf, type Folders } from './folders.ts';
import { pinnedVersions } from './inner-images.ts';
import { KindCluster } from './kind-cluster.ts';
import { clusterName, kindConfig, nodeNames, type KindChoice } from './kind-config.ts';
import { installMissing } from './machine.ts';
import { assertGuard, ensureNetwork, raiseGuard, type Docker } from './network-guard.ts';
import { ensureBase, ensureNodeImage } from './node-image.ts';
import { clusterPrograms, ensurePrograms } from './programs.ts';
import { ensureTools, type Tools } from './tools.ts';

export type Context = {
  readonly folders: Folders;
  readonly facts: MachineFacts;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Log;
};

/** Everything that is there before a node starts. */
export type Parts = {
  readonly kind: 'built' | 'stock';
  /** Another key is another cluster. */
  readonly key: string;
  readonly choice: KindChoice;
  readonly tools: Tools;
  /** Starts it where none runs. */
  readonly engine: () => Promise<Engine>;
  readonly loadNodeImage: (docker: Docker) => Promise<void>;
};

/** A node that a test has just cut off, or a busy machine, comes back within this; what does not is broken. */
const recoveryMs = 60_000;
/** kind's own node image (its default), when the engine has it or can get it. */
const stockImage = 'kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5';

/** Null: the engine has no node image and can't get one. */
export async function stockParts(context: Context): Promise<Parts | null> {
  const { folders, facts, environment, log } = context;
  const engine = await findEngine(environment, folders);
  if (engine === null) return null;
  const docker = dockerOf(engine);
  if ((await docker(['image', 'inspect', stockImage])).code !== 0) {
    log(`asking the Docker engine to pull ${stockImage.split('@')[0]}`);
    const pulled = await docker(['pull', '--quiet', stockImage]);
    if (pulled.code !== 0) {
      log(`it can't: ${pulled.stderr.trim().split('\n').at(-1)}`);
      return null;
    }
  }
  const choice = { kind: 'stock' } as const;
  const key = keyOf([stockImage, JSON.stringify(kindConfig(choice))]);
  const tools = await ensureTools(folders.cache, facts, log);
  return { kind: 'stock', key, choice, tools, engine: async () => engine, loadNodeImage: async () => {} };
}

/** Builds what is not in the cache: from cold this takes a third of an hour on two cores. Nobody else's turn is needed. */
export async function builtParts({ folders, facts, environment, log }: Context): Promise<Parts> {
  await installMissing(facts.missingPrograms, log);
  // The base comes over the network while the compiler works. Both are waited for: a failure must not leave the other behind.
  const [base, programs] = await Promise.allSettled([ensureBase(folders.cache, log), ensurePrograms(folders.cache, clusterPrograms, log)]);
  if (base.status === 'rejected') throw base.reason;
  if (programs.status === 'rejected') throw programs.reason;
  const image = await ensureNodeImage(folders, { programs: programs.value, base: base.value, log });
  const engine = async (): Promise<Engine> => {
    await raiseGuard(); // K2: an engine that starts may start nodes that it had when it was ended
    return (await findEngine(environment, folders)) ?? (await startEngine(folders));
  };
  const loadNodeImage = async (docker: Docker): Promise<void> => {
    if ((await docker(['image', 'inspect', image.reference])).code === 0) return;
    log('loading the node image');
    const loaded = await docker(['load', '--quiet', '--input', image.archive]);
    if (loaded.code !== 0) throw new Error(`the engine did not take the node image: ${loaded.stderr.trim()}`);
  };
  const choice = { kind: 'built', nodeImage: image.reference, ...pinnedVersions() } as const;
  const { kind, kubectl, helm3, helm4 } = programs.value.paths;
  const key = keyOf([image.key, JSON.stringify(kindConfig(choice))]);
  return { kind: 'built', key, engine, choice, tools: { kind, kubectl, helm3, helm4 }, loadNodeImage };
}

export type Made = { readonly cluster: KindCluster; readonly engine: Engine };

/** K1. Resolves when pods can be run. To be called in turn. */
export async function ensureCluster(context: Context, parts: Parts): Promise<Made> {
  const { folders, facts, log } = context;
  const engine = await parts.engine();
  const made = { engine, cluster: new KindCluster(folders, parts.tools, engine.dockerHost) };
  const known = await readState(folders);
  if (known?.phase === 'ready' && known.key === parts.key && (await isUsable(context, parts, made))) return made;

  const startedMs = performance.now();
  const docker = dockerOf(engine);
  const isGuarded = parts.kind === 'built' || canGuard(facts, engine);
  const state: Omit<ClusterState, 'phase'> = {
    kind: parts.kind,
    key: parts.key,
    tools: parts.tools,
    isGuarded,
    engine: engine.origin,
    ...(engine.dockerHost === undefined ? {} : { dockerHost: engine.dockerHost }),
  };
  await writeState(folders, { phase: 'making', ...state });
  await made.cluster.delete();
  await parts.loadNodeImage(docker);
  if (isGuarded)
    await raiseGuard(); // K2
  else log('WARNING: no guard can be set here (not root, or the engine is elsewhere): packets for unknown services may leave the machine');
  await ensureNetwork(docker);
  log(`creating cluster ${clusterName}`);
  await made.cluster.create(parts.choice);
  if (isGuarded) await assertGuard(docker, guardedNodes(parts));
  await writeState(folders, { phase: 'ready', ...state });
  if (engine.origin === 'ours') await docker(['image', 'prune', '--all', '--force']); // node images of older makings
  await removeUnused(folders.cache, Date.now());
  log(`cluster ${clusterName} is ready (${Math.round((performance.now() - startedMs) / 1000)} s)`);
  return made;
}

async function isUsable({ folders, facts, log }: Context, parts: Parts, { cluster, engine }: Made): Promise<boolean> {
  // Nodes that a new engine started again may have each other's addresses: that cluster does not come back.
  const isThere = engine.isNew !== true && existsSync(kubeconfigOf(folders)) && (await areRunning(dockerOf(engine)));
  if (!isThere || !(await cluster.becomesHealthy(recoveryMs))) {
    log('the cluster that is there does not answer, or a node is not ready; making it anew');
    return false;
  }
  if (parts.kind === 'stock' && !canGuard(facts, engine)) return true;
  try {
    await raiseGuard();
    await assertGuard(dockerOf(engine), guardedNodes(parts));
    return true;
  } catch (error) {
    log(`${error instanceof Error ? error.message : String(error)}; making it anew`);
    return false;
  }
}

/** They are not when the engine, or the machine, was ended under them. */
async function areRunning(docker: Docker): Promise<boolean> {
  const { stdout } = await docker(['ps', '--format', '{{.Names}}', '--filter', `label=io.x-k8s.kind.cluster=${clusterName}`]);
  return nodeNames.every((name) => stdout.split('\n').includes(name));
}

/** Nodes of kind's own image have no guard of their own. */
function guardedNodes(parts: Parts): readonly string[] {
  return parts.kind === 'built' ? nodeNames : [];
}

function canGuard(facts: MachineFacts, { dockerHost }: Engine): boolean {
  const isHere = dockerHost === undefined || dockerHost.startsWith('unix://');
  return facts.platform === 'linux' && facts.isRoot && isHere;
}
