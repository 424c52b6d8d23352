// A server program for one test, which never outlives the test's process however that ends (cli/local/server-supervisor.mjs, P1).
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Supervised {
  readonly pid: number;
  /** Null while it runs; then why it ended. */
  readonly endedBy: string | null;
  /** SIGTERM, after a bounded wait SIGKILL. Resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
}

export type Command = { readonly binary: string; readonly args: readonly string[]; readonly logPath: string };
type Told = { readonly kind: 'started'; readonly pid: number } | { readonly kind: 'died'; readonly reason: string };

const supervisorPath = fileURLToPath(new URL('../../cli/local/server-supervisor.mjs', import.meta.url));

/** Resolves when the process is there; that it answers is the caller's to find out. */
export async function startSupervised(command: Command): Promise<Supervised> {
  const supervisor = fork(supervisorPath, [JSON.stringify({ ...command, restartsMax: 0 })], {
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const exited = once(supervisor, 'exit');
  let endedBy: string | null = null;
  supervisor.on('message', (told: Told) => {
    if (told.kind === 'died') endedBy = told.reason;
  });
  const [first] = (await once(supervisor, 'message')) as [Told];
  if (first.kind === 'died') throw new Error(`${command.binary} does not start: ${first.reason}`);
  supervisor.unref();
  supervisor.channel?.unref();
  const gone = async (signal: () => void): Promise<void> => {
    supervisor.ref();
    if (supervisor.exitCode === null && supervisor.signalCode === null) signal();
    await exited;
    endedBy ??= 'stopped';
  };
  return {
    pid: first.pid,
    get endedBy() {
      return endedBy;
    },
    stop: () => gone(() => supervisor.kill('SIGTERM')),
    kill: () => gone(() => process.kill(first.pid, 'SIGKILL')),
  };
}
