// The operator as a process of its own, as its pod runs it: told everything by the environment. One that ends because it did not renew its
// lease in time, on a machine that stalls, is started again, as kubelet would.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../../cli/local/server-process.ts';
import type { ApiServer } from '../../support/api-server.ts';

export type OperatorPlace = {
  /** Beside its kubeconfig the operator's is written. */
  readonly server: Pick<ApiServer, 'kubeconfig'>;
  /** Where it reaches the API server; plain HTTP. */
  readonly apiUrl: string;
  readonly natsUrl: string;
  /** Secret with the keys of a NATS of its own; null or absent: NATS was there before. */
  readonly keysSecret?: string | null;
  /** Its own, and the only one that it watches. */
  readonly namespace: string;
  readonly pod?: string;
  /** The program; absent: as it is in this repository. */
  readonly entry?: string;
  /** What it is told besides, or otherwise. */
  readonly environment?: Readonly<Record<string, string>>;
};

const fromSources = join(import.meta.dirname, '../../../operator/main.ts');

export class OperatorProcess {
  readonly #entry: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess;
  #exited: Promise<unknown>;
  #isToEnd = false;
  readonly httpPort: number;
  log = '';

  private constructor(entry: string, env: NodeJS.ProcessEnv, httpPort: number) {
    this.#entry = entry;
    this.#env = env;
    this.httpPort = httpPort;
    [this.#child, this.#exited] = this.#begin();
  }

  #begin(): [ChildProcess, Promise<unknown>] {
    const child = spawn(process.execPath, [this.#entry], { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'] });
    const from = this.log.length;
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes: Buffer) => (this.log += bytes.toString()));
    child.once('close', () => {
      const isLate = /no longer leading: the lease was not renewed/.test(this.log.slice(from));
      if (isLate && !this.#isToEnd) [this.#child, this.#exited] = this.#begin();
    });
    return [child, once(child, 'exit')];
  }

  static async start({
    server,
    apiUrl,
    natsUrl,
    keysSecret = null,
    namespace,
    pod = 'operator-0',
    entry = fromSources,
    environment = {},
  }: OperatorPlace): Promise<OperatorProcess> {
    const kubeconfig = `${server.kubeconfig}-${namespace}`;
    await writeFile(kubeconfig, kubeconfigOf(apiUrl), { mode: 0o600 });
    const httpPort = await freePort();
    const env = {
      PATH: process.env['PATH'],
      KUBECONFIG: kubeconfig,
      MILLRACE_NAMESPACE: namespace,
      MILLRACE_WATCH_NAMESPACES: namespace,
      MILLRACE_POD: pod,
      MILLRACE_HTTP_PORT: String(httpPort),
      MILLRACE_WORKER_IMAGE: 'millrace-worker:test',
      ...(keysSecret === null
        ? { MILLRACE_NATS_MODE: 'external' }
        : { MILLRACE_NATS_MODE: 'bundled', MILLRACE_NATS_KEYS_SECRET: keysSecret }),
      MILLRACE_NATS_URL: natsUrl,
      MILLRACE_LOG: 'text',
      ...environment,
    };
    return new OperatorProcess(entry, env, httpPort);
  }

  get leads(): boolean {
    return / info leading /.test(this.log);
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.httpPort}/metrics`)).text();
  }

  /** Bytes of memory that it has now. */
  async memory(): Promise<number> {
    const [, kib = ''] = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${this.#child.pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Sends it at once; resolves when the process is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#isToEnd = true;
    if (this.isRunning) this.#child.kill(signal);
    await this.#exited;
  }
}

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test', // Without it client-node refuses plain HTTP.
        cluster: { server, 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
