// `millrace …` as a person calls it: a process, what it printed, how it ended.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };
export type Command = { readonly child: ChildProcess; stdout(): string; readonly ended: Promise<Ended> };

const running = new Set<ChildProcess>();

export type CommandOptions = {
  readonly cwd: string;
  readonly timeoutMs?: number;
  /** Program and arguments that run the command given behind them, in the same process: `unshare -m`, `nice`. */
  readonly under?: readonly string[];
};

/** Starts it; after `timeoutMs` it is killed, and `code` is null. */
export function startCommand(args: readonly string[], options: CommandOptions): Command {
  const [program = '', ...all] = [...(options.under ?? []), process.execPath, MAIN, ...args];
  const child = spawn(program, all, {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 240_000);
  const ended = once(child, 'close').then(([code]: unknown[]): Ended => {
    clearTimeout(timer);
    running.delete(child);
    return { code: code as number | null, ...output };
  });
  return { child, stdout: () => output.stdout, ended };
}

export function runCommand(args: readonly string[], options: CommandOptions): Promise<Ended> {
  return startCommand(args, options).ended;
}

/** For afterEach: ends what a test that failed has left. */
export async function endCommands(): Promise<void> {
  const left = [...running];
  const closed = left.map((child) => once(child, 'close'));
  for (const child of left) child.kill('SIGKILL');
  await Promise.all(closed);
}

/** What was printed, as it is read: where a line ends says nothing. */
export function words(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}
