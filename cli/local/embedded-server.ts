// The nats-server of a run on this machine: made for one data folder, ended with the run.
//
//   M1. One server per data folder: a second run is refused with who holds it (MR1006), and touches nothing.
//   M2. A holder that died leaves nothing behind: its server ends by itself (server-supervisor.mjs), and is waited for; or
//       the next run ends it, when its supervisor was killed too. It is known by its process's start, or by its unique name.
//   M3. A server that dies is started again on the same port and store; the run sees a lost connection only.
import { randomBytes } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MillraceError } from '../../runtime/base/errors.ts';
import { claim, type Claim, type Owner } from '../setup/lock.mjs';
import { findNatsServer, NatsServerNotFound } from '../setup/nats-server.mjs';
import { maxPayloadBytesDefault, serverConfigText, type Durability } from './server-config.ts';
import { greet } from './server-greeting.ts';
import { endProcess, freePort, startServerProcess, type ProcessIdentity, type ServerProcess } from './server-process.ts';

export type EmbeddedServerOptions = {
  /** Made when missing. Holds the server's store, configuration and log. */
  readonly dataDir: string;
  readonly durability: Durability;
  /** Named in the error when the folder is in use. Default: the folder. */
  readonly job?: string;
  readonly maxPayloadBytes?: number;
  /** For tests. Default: a free one. */
  readonly port?: number;
};

export interface EmbeddedServer {
  /** `nats://127.0.0.1:PORT`, the same for the whole run. */
  readonly url: string;
  /** Of the nats-server now running. */
  readonly pid: number;
  readonly logPath: string;
  /** Ends it in bounded time and frees the folder. */
  stop(): Promise<void>;
  /** Resolves with the reason when it is gone for good; a stop is one. */
  readonly ended: Promise<string>;
}

type Mine = Extract<Claim, { kind: 'mine' }>;
/** What the holder of a data folder tells about itself. */
type Note = { readonly serverName: string; readonly port: number; readonly server: ProcessIdentity | null };

/** Its crashes are rare; one that crashes this often has a reason that another start does not mend. */
const restartsMax = 20;
/** A server picks its port before it binds it; somebody else may be faster. */
const portAttemptsMax = 5;
const orphanTimeoutMs = 20_000;
const orphanPollMs = 100;
const greetTimeoutMs = 1_000;
const logBytesMax = 64 * 1024 * 1024;

/** Starts the server of `dataDir` and resolves when its JetStream answers. Rejects with MR1001, MR1002, MR1005, MR1006. */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const binary = natsServerPath();
  const lock = await takeFolder(options);
  try {
    if (lock.before !== null) await endOrphan(lock.before, options);
    const { port, server, logPath } = await startOnSomePort(options, binary, lock);
    return {
      url: `nats://127.0.0.1:${port}`,
      get pid() {
        return server.pid;
      },
      logPath,
      stop: async () => {
        await server.stop();
        lock.release();
      },
      ended: server.ended,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function natsServerPath(): string {
  try {
    return findNatsServer().path;
  } catch (error) {
    if (error instanceof NatsServerNotFound) throw new MillraceError('MR1002', { tried: error.tried, minimum: error.minimum });
    throw error;
  }
}

async function takeFolder({ dataDir, job }: EmbeddedServerOptions): Promise<Mine> {
  try {
    await mkdir(join(dataDir, 'jetstream'), { recursive: true });
    const claimed = claim(dataDir, 'server');
    if (claimed.kind === 'mine') return claimed;
    throw inUse(claimed.by, job ?? dataDir);
  } catch (error) {
    if (error instanceof MillraceError) throw error;
    throw new MillraceError('MR1001', { path: dataDir, problem: error instanceof Error ? error.message : String(error) }, error);
  }
}

function inUse(owner: Owner, job: string): MillraceError {
  return new MillraceError('MR1006', { job, holder: holderOf(owner), sinceMs: owner.sinceMs });
}

function holderOf(owner: Owner): string {
  const note = parseNote(owner.note);
  return `process ${owner.pid}${note === null ? '' : ` (its NATS is nats://127.0.0.1:${note.port})`}`;
}

async function startOnSomePort(
  options: EmbeddedServerOptions,
  binary: string,
  lock: Mine,
): Promise<{ readonly port: number; readonly server: ServerProcess; readonly logPath: string }> {
  const { dataDir, durability } = options;
  const serverName = `millrace-${randomBytes(9).toString('base64url')}`;
  const configPath = join(dataDir, 'nats.conf');
  const logPath = join(dataDir, 'nats.log');
  await rotateLog(logPath);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const maxPayloadBytes = options.maxPayloadBytes ?? maxPayloadBytesDefault;
    await writeFile(
      configPath,
      serverConfigText({ serverName, port, storeFolder: join(dataDir, 'jetstream'), durability, maxPayloadBytes }),
    );
    try {
      const note = (server: ProcessIdentity | null): void => lock.note(JSON.stringify({ serverName, port, server } satisfies Note));
      // Before the start: should this process die in the middle, the next one knows which server to look for.
      note(null);
      const server = await startServerProcess({ binary, configPath, serverName, port, logPath, restartsMax, onStarted: note });
      return { port, server, logPath };
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      const isPortTaken = problem.includes('address already in use');
      if (isPortTaken && options.port === undefined && attempt < portAttemptsMax) continue;
      throw new MillraceError('MR1005', { url: `nats://127.0.0.1:${port}`, problem: `${problem} (its log is ${logPath})` }, error);
    }
  }
}

/** M2. Its process is what counts: a server that ends stops answering long before it has written its store. */
async function endOrphan(owner: Owner, { job, dataDir }: EmbeddedServerOptions): Promise<void> {
  const note = parseNote(owner.note);
  if (note === null) return;
  if (note.server !== null && note.server.started !== null) return endProcess(note.server);
  // The holder died before it knew the process, or the system does not tell processes apart: the name does.
  const deadlineMs = performance.now() + orphanTimeoutMs;
  while ((await greet(note.port, greetTimeoutMs))?.serverName === note.serverName) {
    if (performance.now() > deadlineMs) throw inUse(owner, job ?? dataDir);
    await sleep(orphanPollMs);
  }
}

function parseNote(text: string): Note | null {
  return text === '' ? null : (JSON.parse(text) as Note);
}

/** The log of earlier runs is kept, once. */
async function rotateLog(logPath: string): Promise<void> {
  const size = await stat(logPath).then(
    (file) => file.size,
    () => 0,
  );
  if (size > logBytesMax) await rename(logPath, `${logPath}.1`);
}
