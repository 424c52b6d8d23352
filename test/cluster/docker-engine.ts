// The Docker engine that runs the nodes: one that runs here already, else one that we start and end.
//
//   D1. Ours has its own socket, data and runtime folders: it never touches images or containers of anyone else.
//   D2. Ours is ended by its process id, and only if that process started when ours did.
//   D3. Its data stays after `down`: the node image need not be loaded again.
import { spawn } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, startedOf } from '../../cli/setup/lock.mjs';
import { socketOf, sourceFolder, type Folders } from './folders.ts';
import { tryRun, whereIs, type Ended } from './program-run.ts';

const answerTimeoutMs = 60_000;
const endTimeoutMs = 60_000;
const pollMs = 200;
const commandTimeoutMs = 15 * 60_000;

export type Engine = {
  readonly origin: 'found' | 'ours';
  /** Just started: what its containers were before, they are no more. */
  readonly isNew?: true;
  /** For the environment of programs that talk to it; undefined: as it is. */
  readonly dockerHost: string | undefined;
};
type Process = { readonly pid: number; readonly started: string | null };

/** A docker command with that engine. */
export function dockerOf(engine: Engine): (args: readonly string[]) => Promise<Ended> {
  return (args) => tryRun('docker', args, { env: { DOCKER_HOST: engine.dockerHost }, timeoutMs: commandTimeoutMs });
}

/** The engine that DOCKER_HOST or the usual socket leads to, if it answers and is not ours. */
export async function findEngine(environment: NodeJS.ProcessEnv, folders: Folders): Promise<Engine | null> {
  const engine: Engine = { origin: 'found', dockerHost: environment['DOCKER_HOST'] };
  return engine.dockerHost !== hostOf(folders) && (await answers(engine)) ? engine : null;
}

/** Our engine, if it runs. */
export async function ourEngine(folders: Folders): Promise<Engine | null> {
  const engine: Engine = { origin: 'ours', dockerHost: hostOf(folders) };
  const isRunning = existsSync(socketOf(folders)) && runningProcess(folders) !== null;
  return isRunning && (await answers(engine)) ? engine : null;
}

/** Starts our engine (D1), or takes it when it runs already. */
export async function startEngine(folders: Folders): Promise<Engine> {
  const running = await ourEngine(folders);
  if (running !== null) return running;
  await stopEngine(folders); // one that runs but does not answer
  const engine: Engine = { origin: 'ours', dockerHost: hostOf(folders) };
  await mkdir(folders.state, { recursive: true });
  await mkdir(dataFolder(folders), { recursive: true });
  await rm(pidFile(folders), { force: true });
  // A copy: the engine may outlive the clone that started it.
  await copyFile(join(sourceFolder, 'runc-capless'), runtimeFile(folders));
  await chmod(runtimeFile(folders), 0o755);
  const log = openSync(logFile(folders), 'w');
  const child = spawn(whereIs('dockerd') ?? 'dockerd', engineArguments(folders), { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<'ended'>((resolve) => {
    child.once('error', () => resolve('ended'));
    child.once('exit', () => resolve('ended'));
  });
  child.unref();
  if (child.pid !== undefined) await remember(folders, { pid: child.pid, started: startedOf(child.pid) });
  for (const deadlineMs = Date.now() + answerTimeoutMs; Date.now() < deadlineMs;) {
    if (await answers(engine)) return { ...engine, isNew: true };
    if ((await Promise.race([ended, sleep(pollMs)])) === 'ended') break;
  }
  throw new Error(`the Docker engine did not start; it said:\n${readFileSync(logFile(folders), 'utf8').split('\n').slice(-12).join('\n')}`);
}

/** D2. Ends our engine and its containers; nothing when it does not run. */
export async function stopEngine(folders: Folders): Promise<void> {
  const running = runningProcess(folders);
  if (running !== null) {
    process.kill(running.pid, 'SIGTERM');
    const deadlineMs = Date.now() + endTimeoutMs;
    while (isAlive(running) && Date.now() < deadlineMs) await sleep(pollMs);
    if (isAlive(running)) process.kill(running.pid, 'SIGKILL');
  }
  await rm(processFile(folders), { force: true });
  // An engine that was killed leaves its data folder mounted on itself, once for each time.
  while (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${dataFolder(folders)} `))
    if ((await tryRun('umount', [dataFolder(folders)], { timeoutMs: answerTimeoutMs })).code !== 0) break;
}

function engineArguments(folders: Folders): string[] {
  const options = {
    host: hostOf(folders),
    pidfile: pidFile(folders),
    'data-root': dataFolder(folders),
    'exec-root': join(folders.state, 'exec'),
    'add-runtime': `capless=${runtimeFile(folders)}`,
    'default-runtime': 'capless',
    // No default bridge: the nodes have a network of their own, and this one's range may be taken.
    bridge: 'none',
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

async function answers(engine: Engine): Promise<boolean> {
  if (whereIs('docker') === null) return false;
  const env = { DOCKER_HOST: engine.dockerHost };
  return (await tryRun('docker', ['version', '--format', '{{.Server.Version}}'], { env, timeoutMs: 10_000 })).code === 0;
}

function runningProcess(folders: Folders): Process | null {
  try {
    const known = JSON.parse(readFileSync(processFile(folders), 'utf8')) as Process;
    return isAlive(known) ? known : null;
  } catch {
    return null; // never started, or already forgotten
  }
}

async function remember(folders: Folders, known: Process): Promise<void> {
  await writeFile(processFile(folders), JSON.stringify(known));
}

const hostOf = (folders: Folders): string => `unix://${socketOf(folders)}`;
const processFile = (folders: Folders): string => join(folders.state, 'engine.json');
const pidFile = (folders: Folders): string => join(folders.state, 'docker.pid');
const dataFolder = (folders: Folders): string => join(folders.cache, 'docker');
/** Not under /run: nothing may be executed there on some systems. */
const runtimeFile = (folders: Folders): string => join(folders.cache, 'runc-capless');
const logFile = (folders: Folders): string => join(folders.state, 'docker.log');
