// The test cluster of this machine, for suites: bring it up, use it, take it down. `main.ts` is the same for hands.
import { ensureCluster, builtParts, stockParts, type Context, type Made, type Parts } from './cluster-making.ts';
import { isMode, modes, planCluster, type Mode, type Plan } from './cluster-plan.ts';
import { forgetState, inTurn, readState } from './cluster-state.ts';
import { dockerOf, ourEngine, startEngine, stopEngine, type Engine } from './docker-engine.ts';
import type { Log } from './artefact-cache.ts';
import { existingCluster, existingStatus, LOAD_VARIABLE, type Existing } from './existing-cluster.ts';
import { foldersOf, kubeconfigOf } from './folders.ts';
import { KindCluster } from './kind-cluster.ts';
import { nodeNames } from './kind-config.ts';
import { machineFacts } from './machine.ts';
import { ensureServerArchive, serverImage, type Server } from './server-images.ts';
import { lowerGuard, raiseGuard, removeNetwork } from './network-guard.ts';
import { ProgramFailed } from './program-run.ts';
import { ensurePrograms } from './programs.ts';
import { ensureTools, type Tools } from './tools.ts';

export type Cluster = {
  readonly kind: 'built' | 'stock' | 'existing';
  readonly kubeconfig: string;
  readonly tools: Tools;
  /** For the environment of programs that use the cluster: KUBECONFIG and, where it is not the usual one, DOCKER_HOST. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the nodes, the control plane first. */
  readonly nodes: () => Promise<readonly string[]>;
  /** Puts the images of an archive onto every node. */
  readonly loadImage: (archive: string) => Promise<void>;
  /** Puts the image of a server that the chart brings onto every node; resolves with its reference. */
  readonly loadServerImage: (server: Server) => Promise<string>;
  /** A docker command with the engine whose containers the nodes are; resolves with its standard output. */
  readonly docker: (args: readonly string[]) => Promise<string>;
};

export type UpOptions = { readonly mode?: Mode; readonly log?: Log; readonly environment?: NodeJS.ProcessEnv };

/** This machine can't have a cluster. The message is a sentence for people. */
export class NoCluster extends Error {
  override readonly name = 'NoCluster';
}

/** Why `upCluster` would refuse on this machine; null when it would try. Changes nothing. */
export async function whyNoCluster(options: UpOptions = {}): Promise<string | null> {
  const plan = planCluster(modeOf(options), (await contextOf(options)).facts);
  return plan.kind === 'none' ? plan.why : null;
}

/** The cluster, made when it is not there. Throws NoCluster where there can't be one. */
export async function upCluster(options: UpOptions = {}): Promise<Cluster> {
  const context = await contextOf(options);
  const { folders, facts, log } = context;
  const plan = planCluster(modeOf(options), facts);
  if (plan.kind === 'none') throw new NoCluster(plan.why);
  if (plan.kind === 'existing') return existingCluster(await existingOf(context));
  const parts = await partsOf(context, plan);
  return kindCluster(context, parts, await inTurn(folders, log, () => ensureCluster(context, parts)));
}

/** Makes what `upCluster` would make before a node starts, and starts none: so it may run beside other work. Throws NoCluster where there
 *  can't be a cluster. */
export async function buildCluster(options: UpOptions = {}): Promise<void> {
  const context = await contextOf(options);
  const plan = planCluster(modeOf(options), context.facts);
  if (plan.kind === 'none') throw new NoCluster(plan.why);
  if (plan.kind === 'existing') await existingOf(context);
  else await partsOf(context, plan);
}

async function partsOf(context: Context, plan: Extract<Plan, { kind: 'stock' | 'built' }>): Promise<Parts> {
  const stock = plan.kind === 'stock' ? await stockParts(context) : null;
  if (stock === null && plan.kind === 'stock' && !plan.orBuilt)
    throw new NoCluster("the Docker engine has no node image of kind's and cannot get it, and none can be built here");
  return stock ?? builtParts(context);
}

/** Removes the cluster, its network and guard, and our engine if it runs; what was built stays. Nothing when there is none, or when it is
 *  somebody else's. */
export async function downCluster(options: UpOptions = {}): Promise<void> {
  const { folders, log } = await contextOf(options);
  if (modeOf(options) === 'existing') return log('the cluster of KUBECONFIG was there before, and stays');
  await inTurn(folders, log, async () => {
    const known = await readState(folders);
    const running = await ourEngine(folders);
    if (known === null && running === null) return log('there is no cluster');
    // Containers of an engine that died are still on the disk: it has to run for their removal, and may start them first.
    if (known?.isGuarded !== false) await raiseGuard();
    const engine: Engine = known?.engine === 'found' ? { origin: 'found', dockerHost: known.dockerHost } : await startEngine(folders);
    const tools = known?.tools ?? (await ensurePrograms(folders.cache, ['kind', 'kubectl'], log)).paths;
    await new KindCluster(folders, tools, engine.dockerHost).delete();
    await removeNetwork(dockerOf(engine));
    if (known?.isGuarded !== false) await lowerGuard();
    if (engine.origin === 'ours') await stopEngine(folders);
    await forgetState(folders);
    log('the cluster is gone');
  });
}

/** What is there now, as lines. */
export async function clusterStatus(options: UpOptions = {}): Promise<readonly string[]> {
  const context = await contextOf(options);
  const { folders, facts } = context;
  if (modeOf(options) === 'existing') {
    const plan = planCluster('existing', facts);
    return plan.kind === 'none' ? [plan.why] : existingStatus(await existingOf(context));
  }
  const known = await readState(folders);
  if (known === null) return ['there is no cluster'];
  const cluster = new KindCluster(folders, known.tools, known.dockerHost);
  const isHealthy = known.phase === 'ready' && (await cluster.isHealthy());
  return [
    `${isHealthy ? 'ready' : known.phase === 'ready' ? 'NOT READY' : 'half made'}, ${known.kind}, nodes ${nodeNames.join(' ')}`,
    `export KUBECONFIG=${kubeconfigOf(folders)}`,
    ...(known.dockerHost === undefined ? [] : [`export DOCKER_HOST=${known.dockerHost}`]),
    ...Object.entries(known.tools).map(([name, path]) => `${name}: ${path}`),
  ];
}

async function contextOf({ environment = process.env, log = () => {} }: UpOptions): Promise<Context> {
  const folders = foldersOf(environment, process.getuid?.() === 0);
  return { folders, environment, log, facts: await machineFacts(environment, folders) };
}

async function existingOf({ folders, environment, facts, log }: Context): Promise<Existing> {
  return {
    kubeconfig: environment['KUBECONFIG'] ?? '',
    loadCommand: environment[LOAD_VARIABLE],
    tools: await ensureTools(folders.cache, facts, log, { isKindNeeded: false }),
    cache: folders.cache,
    log,
  };
}

function modeOf({ mode, environment = process.env }: UpOptions): Mode {
  const wanted = mode ?? (environment['MILLRACE_CLUSTER'] || 'auto');
  if (!isMode(wanted)) throw new Error(`MILLRACE_CLUSTER is ${wanted}; it can be ${modes.join(', ')}`);
  return wanted;
}

function kindCluster({ folders, log }: Context, parts: Parts, { cluster, engine }: Made): Cluster {
  const docker = dockerOf(engine);
  const { dockerHost } = engine;
  return {
    kind: parts.kind,
    kubeconfig: kubeconfigOf(folders),
    tools: parts.tools,
    env: { KUBECONFIG: kubeconfigOf(folders), ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }) },
    nodes: async () => nodeNames,
    loadImage: (archive) => cluster.loadImage(archive),
    loadServerImage: async (server) => {
      await cluster.loadImage(await ensureServerArchive(server, folders.cache, log));
      return serverImage(server);
    },
    docker: async (args) => {
      const ended = await docker(args);
      if (ended.code !== 0) throw new ProgramFailed(['docker', ...args], ended);
      return ended.stdout;
    },
  };
}
