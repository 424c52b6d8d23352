// For tests: a real nats-server where each job's workers have exactly their rights, what an operator does for a job, and worker pods
// as processes of their own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StreamJob } from '../../crds/stream-job/spec.ts';
import { maxPayloadBytesDefault, serverConfigText } from '../../cli/local/server-config.ts';
import { freePort, startServerProcess, type ServerProcess } from '../../cli/local/server-process.ts';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';
import { openDirectory } from '../adapters/nats/directory.ts';
import { oneConnection, type JobConnections } from '../adapters/nats/job-connections.ts';
import { ensureJobStreams } from '../adapters/nats/job-streams.ts';
import { connectNats } from '../adapters/nats/nats-connection.ts';
import { mergedRights, workerPermissions, type WorkerPermissions } from '../adapters/nats/worker-permissions.ts';
import { systemRandom } from '../adapters/node/random.ts';
import { ensureUserStreams } from '../connectors/nats/plan-streams.ts';
import { planToJson } from '../job/code-marks.ts';
import { readStreamJob } from '../plan/check.ts';
import type { PhysicalPlan } from '../plan/physical-plan.ts';
import { planJob } from '../plan/plan.ts';
import type { Directory } from '../worker/directory.ts';
import type { JobRecord } from '../worker/job-record.ts';

export type TenantServer = {
  readonly port: number;
  /** With all rights. */
  readonly url: string;
  readonly logPath: string;
  /** Address of a user with these rights and no others, from now on. */
  allow(user: string, permissions: WorkerPermissions): Promise<string>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
};

/** One account; who gives no name has all rights, so the server can be looked after. */
export async function startTenantServer(): Promise<TenantServer> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-tenants-'));
  const port = await freePort();
  const serverName = `tenants-${port}-${process.pid}`;
  const configPath = join(folder, 'nats.conf');
  const logPath = join(folder, 'nats.log');
  await mkdir(join(folder, 'store'));
  const users = new Map<string, WorkerPermissions>();
  const write = (): Promise<void> => {
    const base = serverConfigText({
      serverName,
      port,
      storeFolder: join(folder, 'store'),
      durability: 'process',
      maxPayloadBytes: maxPayloadBytesDefault,
    });
    const lines = [...users].map(([user, rights]) => {
      const { publish, subscribe } = mergedRights(rights);
      const permissions = { publish: { allow: publish }, subscribe: { allow: subscribe } };
      return `{ user: ${JSON.stringify(user)}, password: p, permissions: ${JSON.stringify(permissions)} }`;
    });
    const text = `${base}\naccounts { J { jetstream: enabled, users: [ { user: op, password: p }\n${lines.join('\n')} ] } }\nno_auth_user: op\n`;
    return writeFile(configPath, text);
  };
  await write();
  const binary = findNatsServer().path;
  const start = (): Promise<ServerProcess> => startServerProcess({ binary, configPath, serverName, port, logPath, restartsMax: 0 });
  let running: ServerProcess | null = await start();
  const end = async (how: (server: ServerProcess) => Promise<void>): Promise<void> => {
    const server = running;
    running = null;
    if (server !== null) await how(server);
  };
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    logPath,
    allow: async (user, permissions) => {
      users.set(user, permissions);
      await write();
      process.kill(running!.pid, 'SIGHUP');
      const url = `nats://${user}:p@127.0.0.1:${port}`;
      for (;;) {
        const found = await connectNats({ url, name: 'asks' }).then(
          (nc) => nc.close().then(() => true),
          (error: Error) => !/Authorization/i.test(error.message),
        );
        if (found) return url;
      }
    },
    kill: () => end((server) => server.kill()),
    restart: async () => {
      await end((server) => server.stop());
      running = await start();
    },
    stop: async () => {
      await end((server) => server.stop());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type OperatedJob = {
  readonly identity: string;
  readonly plan: PhysicalPlan;
  readonly directory: Directory;
  readonly permissions: WorkerPermissions;
  readonly importsStreams: boolean;
  /** By which it reads imported streams: their consumers are somebody else's to make (operator/nats/stock.ts). */
  readonly runId: string;
};

export type OperateOptions = Partial<Pick<JobRecord, 'revision' | 'code' | 'workers' | 'runId' | 'restore'>> & {
  readonly identity: string;
  readonly before?: PhysicalPlan | null;
};

/** What the operator does before it writes the record: the plan, its streams, the rights of its workers. */
export async function prepareJob(
  connection: NatsConnection | JobConnections,
  declared: string | StreamJob,
  { identity, before = null, runId = systemRandom.id() }: OperateOptions,
): Promise<OperatedJob> {
  const job = typeof declared === 'string' ? readStreamJob(declared, { file: 'job.yaml', parameters: {} }) : declared;
  const planned = planJob(job, {}, { identity, deadLetterFile: false, before });
  const connections = 'job' in connection ? connection : oneConnection(connection);
  const plan = await ensureUserStreams(connections, planned);
  await ensureJobStreams(connections.job, plan, { replicas: 1, laneBytesMax: -1 });
  const directory = await openDirectory(connections.job, identity);
  const importsStreams = connections.job !== connections.streams;
  const plans = [plan, ...(before === null ? [] : [before])];
  const permissions = workerPermissions({ identity, plans, importedBy: importsStreams ? runId : undefined });
  return { identity, plan, directory, permissions, importsStreams, runId };
}

/** Makes workers run it. */
export async function writeRecord({ plan, directory, importsStreams, runId }: OperatedJob, options: OperateOptions): Promise<JobRecord> {
  const record: JobRecord = {
    runId: options.runId ?? runId,
    revision: options.revision ?? 1,
    plan: planToJson(plan),
    module: null,
    code: options.code ?? null,
    splitCounts: {},
    baseDir: '/data',
    outDir: '/tmp',
    importsStreams,
    isReplay: false,
    speed: null,
    workers: options.workers ?? 1,
    reportMs: 250,
    restore: options.restore ?? null,
    fingerprint: plan.fingerprint,
    startedMs: Date.now(),
  };
  await directory.put('job', record);
  return record;
}

export type PodProcess = {
  readonly child: ChildProcess;
  /** Of a log that is text: each line as `msg`. */
  readonly lines: readonly Record<string, unknown>[];
  /** Status and body of a probe; null while nobody listens. */
  probe(name: string): Promise<{ readonly status: number; readonly body: Record<string, unknown> } | null>;
  metrics(): Promise<string>;
  /** Resolves with the exit code. */
  readonly exited: Promise<number | null>;
  /** Resolves with the exit code and how long it took. */
  end(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly ms: number }>;
};

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const running = new Set<ChildProcess>();
/** By which Node and V8 end a process themselves: no memory, a failed check, a fault. No test sends them. */
const FAULTS = new Set<NodeJS.Signals>(['SIGABRT', 'SIGBUS', 'SIGILL', 'SIGSEGV', 'SIGTRAP']);
const LAST_WORDS = 20;

export type PodSettings = {
  readonly natsUrl: string;
  readonly job: string;
  readonly worker: string;
  readonly credentials?: string;
  readonly filesDir?: string;
  /** Another program than the sources: a bundle. */
  readonly main?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of Node. */
  readonly flags?: readonly string[];
};

export function startPod(settings: PodSettings): PodProcess {
  const { natsUrl, job, worker, credentials, filesDir, main = MAIN, environment = {}, flags = [] } = settings;
  const child = spawn(process.execPath, [...flags, main], {
    env: {
      PATH: process.env['PATH'] ?? '',
      MILLRACE_NATS_URL: natsUrl,
      MILLRACE_JOB: job,
      MILLRACE_WORKER: worker,
      MILLRACE_HTTP_PORT: '0',
      ...environment,
      MILLRACE_FILES: filesDir ?? tmpdir(),
      ...(credentials === undefined ? {} : { MILLRACE_NATS_CREDENTIALS: credentials }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts)
      lines.push(environment['MILLRACE_LOG'] === 'text' ? { msg: part } : (JSON.parse(part) as Record<string, unknown>));
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => lines.push({ level: 'stderr', msg: text }));
  const exited = once(child, 'close').then(([code]: unknown[]) => {
    running.delete(child);
    return code as number | null;
  });
  const port = (): number | undefined => lines.find(({ msg }) => msg === 'started')?.['port'] as number | undefined;
  const get = async (path: string): Promise<Response | null> => {
    if (FAULTS.has(child.signalCode ?? 'SIGTERM')) throw new Error(`${worker} has died of ${child.signalCode}: ${lastWords(lines)}`);
    const found = port();
    return found === undefined ? null : fetch(`http://127.0.0.1:${found}/${path}`).catch(() => null);
  };
  return {
    child,
    lines,
    exited,
    probe: async (name) => {
      const response = await get(name);
      return response === null ? null : { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    metrics: async () => (await get('metrics'))?.text() ?? '',
    end: async (signal = 'SIGTERM') => {
      const startMs = performance.now();
      child.kill(signal);
      return { code: await exited, ms: performance.now() - startMs };
    },
  };
}

/** What Node printed when it died is no line of JSON. */
function lastWords(lines: readonly Record<string, unknown>[]): string {
  return lines
    .filter(({ level }) => level === 'stderr')
    .slice(-LAST_WORDS)
    .map(({ msg }) => String(msg))
    .join('');
}

/** For afterEach: ends what a test that failed has left. */
export async function endPods(): Promise<void> {
  const left = [...running];
  const closed = left.map((child) => once(child, 'close'));
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(closed);
}
