// A real Kubernetes API server with its etcd, for one test: own folder, own ports on 127.0.0.1, no nodes, no controllers.
//
//   const server = await startApiServer();
//   afterAll(() => server.stop());
//   await server.kubectl(['apply', '-f', 'crds/']);
//
//   A1. RBAC is on. The administrator's token may do all; others come from service accounts (`kubectl create token`).
//   A2. Nothing makes objects of what is applied: a Deployment stays without pods, owners' children are not collected.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../cli/local/server-process.ts';
import { tryRun, type Ended } from '../cluster/program-run.ts';
import { apiServerArguments, etcdArguments, kubeconfigText, type ApiServerPlaces } from './api-server-config.ts';
import { findClusterPrograms } from './cluster-programs.ts';
import { startSupervised, type Supervised } from './supervised.ts';

export interface ApiServer {
  /** `https://127.0.0.1:PORT`; stays the same over kill and restart. */
  readonly url: string;
  /** Path of a kubeconfig of the administrator. */
  readonly kubeconfig: string;
  readonly adminToken: string;
  /** Path of the certificate that its own is checked with. */
  readonly caPath: string;
  /** Path of the program, for tests that start it themselves. */
  readonly kubectlPath: string;
  readonly logPath: string;
  /** Runs kubectl as the administrator, however it ends; `input` goes to its standard input. */
  kubectl(args: readonly string[], input?: string): Promise<Ended>;
  /** SIGKILL to the API server; etcd goes on. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Ends the API server when it runs, then starts it on the same port and data. Resolves when it is ready. */
  restart(): Promise<void>;
  /** Ends both and removes their folder. */
  stop(): Promise<void>;
}

const readyTimeoutMs = 120_000;
const kubectlTimeoutMs = 120_000;
const pollMs = 100;

/** Starts one; builds its programs when the cache has none. */
export async function startApiServer(): Promise<ApiServer> {
  const programs = await findClusterPrograms(['etcd', 'kube-apiserver', 'kubectl']);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-api-'));
  const { etcd, etcdPort } = await startEtcd(programs.etcd, folder);
  const places: ApiServerPlaces = { folder, port: await freePort(), etcdPort };
  const adminToken = randomBytes(24).toString('hex');
  await writeSecrets(folder, adminToken);
  const logPath = join(folder, 'api-server.log');
  let running: Supervised | null = null;
  const start = async (): Promise<void> => {
    running = await startSupervised({ binary: programs['kube-apiserver'], args: apiServerArguments(places), logPath });
    await untilReady(running, { programs: programs.kubectl, kubeconfig, logPath });
  };
  const end = async (how: (process: Supervised) => Promise<void>): Promise<void> => {
    const process = running;
    running = null;
    if (process !== null) await how(process);
  };
  const stop = async (): Promise<void> => {
    await end((process) => process.stop());
    await etcd.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const kubeconfig = join(folder, 'kubeconfig');
  const caPath = join(folder, 'apiserver.crt');
  const url = `https://127.0.0.1:${places.port}`;
  try {
    await writeFile(kubeconfig, kubeconfigText({ url, token: adminToken, caPath }), { mode: 0o600 });
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    kubeconfig,
    adminToken,
    caPath,
    kubectlPath: programs.kubectl,
    logPath,
    kubectl: (args, input) => kubectl(programs.kubectl, kubeconfig, { args, input }),
    kill: () => end((process) => process.kill()),
    restart: async () => {
      await end((process) => process.stop());
      await start();
    },
    stop,
  };
}

/** Runs kubectl with that kubeconfig; resolves with what it wrote. Rejects when it fails. */
export async function withKubectl(kubeconfig: string, args: readonly string[], input?: string): Promise<string> {
  const { kubectl: program } = await findClusterPrograms(['kubectl']);
  const ended = await kubectl(program, kubeconfig, { args, input });
  if (ended.code !== 0) throw new Error(`kubectl ${args.join(' ')} failed (exit code ${ended.code}): ${ended.stderr}`);
  return ended.stdout;
}

/** Resolves when it may be written to. One that ends meanwhile, as when somebody else got its ports, is begun again with others. */
async function startEtcd(binary: string, folder: string): Promise<{ readonly etcd: Supervised; readonly etcdPort: number }> {
  const logPath = join(folder, 'etcd.log');
  const deadlineMs = performance.now() + readyTimeoutMs;
  for (;;) {
    const places = { folder, etcdPort: await freePort(), etcdPeerPort: await freePort() };
    await rm(join(folder, 'etcd'), { recursive: true, force: true });
    const etcd = await startSupervised({ binary, args: etcdArguments(places), logPath });
    while (etcd.endedBy === null && performance.now() < deadlineMs) {
      if (await isHealthy(`http://127.0.0.1:${places.etcdPort}/health`)) return { etcd, etcdPort: places.etcdPort };
      await sleep(pollMs);
    }
    await etcd.stop();
    if (performance.now() < deadlineMs) continue;
    const log = await readFile(logPath, 'utf8').catch(() => '');
    throw new Error(`etcd is not ready (${etcd.endedBy ?? 'too slow'}): ${log.slice(-1_500)}`);
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // it does not listen yet
  }
}

type KubectlCall = { readonly args: readonly string[]; readonly input?: string | undefined };

function kubectl(program: string, kubeconfig: string, { args, input }: KubectlCall): Promise<Ended> {
  const options = { timeoutMs: kubectlTimeoutMs, ...(input === undefined ? {} : { input }) };
  // What it learns of the server goes to the cluster's own folder, not to the user's home.
  return tryRun(program, [`--kubeconfig=${kubeconfig}`, `--cache-dir=${kubeconfig}.cache`, ...args], options);
}

async function writeSecrets(folder: string, adminToken: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await writeFile(join(folder, 'accounts.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(join(folder, 'tokens.csv'), `${adminToken},test-admin,test-admin,"system:masters"\n`, { mode: 0o600 });
}

async function untilReady(
  server: Supervised,
  { programs, kubeconfig, logPath }: { readonly programs: string; readonly kubeconfig: string; readonly logPath: string },
): Promise<void> {
  const deadlineMs = performance.now() + readyTimeoutMs;
  while (performance.now() < deadlineMs && server.endedBy === null) {
    const answer = await kubectl(programs, kubeconfig, { args: ['get', '--raw', '/readyz', '--request-timeout=2s'] });
    if (answer.code === 0) return;
    await sleep(pollMs);
  }
  const log = await readFile(logPath, 'utf8').catch(() => '');
  throw new Error(`the API server is not ready (${server.endedBy ?? 'too slow'}): ${log.slice(-1_500)}`);
}
