// One nats-server process: starts it under its supervisor, waits until JetStream answers, ends it in bounded time.
//
//   S1. The server ends when this process ends, however that ends (server-supervisor.mjs, P1).
//   S2. It is in a session of its own: Ctrl-C reaches Millrace, which drains first, not the server.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive, startedOf } from '../setup/lock.mjs';
import { greet } from './server-greeting.ts';

export type ServerProcessOptions = {
  readonly binary: string;
  readonly configPath: string;
  readonly serverName: string;
  readonly port: number;
  readonly logPath: string;
  /** How often in a row a server that died by itself is started again. */
  readonly restartsMax: number;
  /** Called at each start of the nats-server. */
  readonly onStarted?: (server: ProcessIdentity) => void;
};

export interface ServerProcess {
  /** Of the nats-server itself, not of its supervisor. Changes when it is started again. */
  readonly pid: number;
  /** Ends it (SIGTERM, after a bounded wait SIGKILL). Resolves when it is gone; does nothing the second time. */
  stop(): Promise<void>;
  /** SIGKILL at once. Resolves when it is gone, or when it is started again where `restartsMax` allows. */
  kill(): Promise<void>;
  /** Resolves when it is gone for good, with the reason. */
  readonly ended: Promise<string>;
}

/** A server that restores a large store answers late; nothing else takes that long. */
const readyTimeoutMs = 60_000;
const greetTimeoutMs = 2_000;
const pollMs = 15;
/** Longer than its supervisor gives it. */
const endTimeoutMs = 20_000;
/** Below those that systems give away (32768 on Linux, 49152 elsewhere) and those of Kubernetes' services (30000). */
const portFirst = 20_000;
const portCount = 10_000;
/** Processes begin apart from each other. */
let portNext = process.pid * 101;
const supervisorPath = fileURLToPath(new URL('./server-supervisor.mjs', import.meta.url));

/** A process, known again though the kernel reuses ids; `started` is null where the system does not tell. */
export type ProcessIdentity = { readonly pid: number; readonly started: string | null };

type Told = { readonly kind: 'started'; readonly pid: number } | { readonly kind: 'died'; readonly reason: string };

/** Starts the server and resolves when its JetStream answers; rejects with what its log says when it can't. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { binary, configPath, logPath, restartsMax } = options;
  const supervisor = fork(supervisorPath, [JSON.stringify({ binary, args: ['-c', configPath], logPath, restartsMax })], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  let server: ProcessIdentity = { pid: 0, started: null };
  let reason = 'stopped';
  supervisor.on('message', (told: Told) => {
    if (told.kind === 'died') return void (reason = told.reason);
    server = { pid: told.pid, started: startedOf(told.pid) };
    options.onStarted?.(server);
  });
  const ended = once(supervisor, 'exit').then(() => reason);
  await untilReady(supervisor, options);
  // It may have ended in this very moment; `ended` tells.
  supervisor.send('ready', () => {});
  unref(supervisor);
  return {
    get pid() {
      return server.pid;
    },
    stop: async () => {
      await stopSupervisor(supervisor);
      // Its supervisor has ended it, unless that was killed itself.
      if (server.started !== null) await endProcess(server);
    },
    kill: async () => {
      supervisor.ref();
      supervisor.channel?.ref();
      const died = Promise.race([once(supervisor, 'message'), ended]);
      signalTo(server.pid, 'SIGKILL');
      await died;
      if (restartsMax === 0) return void (await ended);
      unref(supervisor);
    },
    ended,
  };
}

/** Ends a nats-server: SIGTERM, which does no harm when it is ending already, and SIGKILL after a bounded wait. */
export async function endProcess(server: ProcessIdentity): Promise<void> {
  const deadlineMs = performance.now() + endTimeoutMs;
  let signal: 'SIGTERM' | 'SIGKILL' | null = 'SIGTERM';
  while (isAlive(server)) {
    if (signal !== null) signalTo(server.pid, signal);
    await sleep(pollMs);
    signal = performance.now() > deadlineMs ? 'SIGKILL' : null;
  }
}

function signalTo(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in this very moment.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/**
 * A port on 127.0.0.1 that nobody uses at this moment, and that is likely to be free when a program that is started now listens on it: the system
 * gives it to nobody who asks for any port, this process does not get it again soon, and others look elsewhere.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < portCount; tries++) {
    const port = portFirst + (portNext++ % portCount);
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${portFirst} to ${portFirst + portCount - 1} is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function untilReady(supervisor: ChildProcess, options: ServerProcessOptions): Promise<void> {
  const deadlineMs = performance.now() + readyTimeoutMs;
  while (performance.now() < deadlineMs) {
    if (supervisor.exitCode !== null || supervisor.signalCode !== null) break;
    const greeting = await greet(options.port, greetTimeoutMs);
    if (greeting?.serverName === options.serverName && greeting.hasJetStream) return;
    await sleep(pollMs);
  }
  await stopSupervisor(supervisor);
  throw new Error(`nats-server did not start: ${await lastLines(options.logPath)}`);
}

/** A server alone does not keep this process running. */
function unref(supervisor: ChildProcess): void {
  supervisor.unref();
  supervisor.channel?.unref();
}

async function stopSupervisor(supervisor: ChildProcess): Promise<void> {
  if (supervisor.exitCode !== null || supervisor.signalCode !== null) return;
  const exit = once(supervisor, 'exit');
  supervisor.ref();
  if (supervisor.connected) supervisor.disconnect();
  await exit;
}

async function lastLines(logPath: string): Promise<string> {
  const text = await readFile(logPath, 'utf8').catch(() => '');
  const lines = text.trim().split('\n');
  const telling = lines.filter((line) => /\[(FTL|ERR)\]/.test(line) || line.startsWith('nats-server:'));
  return (telling.length > 0 ? telling : lines).slice(-3).join(' | ') || 'it wrote no log';
}
