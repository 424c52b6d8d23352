// Other programs, run to their end.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const wordsMax = 1_500;
const killGraceMs = 5_000;

export type RunOptions = {
  readonly cwd?: string;
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
  readonly input?: string;
};
export type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** A program that did not end well; the message has its last words. */
export class ProgramFailed extends Error {
  constructor(command: readonly string[], ended: Ended) {
    const words = (ended.stderr.trim() || ended.stdout.trim()).slice(-wordsMax);
    super(`\`${command.join(' ')}\` ${ended.code === null ? 'was ended: it took too long' : `failed (exit code ${ended.code})`}: ${words}`);
    this.name = 'ProgramFailed';
  }
}

/** Runs it; resolves with what it wrote on standard output. Rejects with ProgramFailed. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const ended = await tryRun(program, args, options);
  if (ended.code !== 0) throw new ProgramFailed([program, ...args], ended);
  return ended.stdout;
}

/** Runs it, however it ends. After `timeoutMs` it is ended, and `code` is null. A program that is not there ends with 127. */
export function tryRun(program: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), killGraceMs).unref();
    }, options.timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) child[name]?.setEncoding('utf8').on('data', (text: string) => (output[name] += text));
    child.stdin?.on('error', () => {}); // it may end before it has read all; its exit code tells
    child.stdin?.end(options.input);
    const finish = (code: number | null, word = ''): void => {
      clearTimeout(limit);
      resolve({ code, stdout: output.stdout, stderr: output.stderr + word });
    };
    child.once('error', (error) => finish(127, error.message));
    child.once('close', (code) => finish(isLate ? null : (code ?? 1)));
  });
}

/** Where that program is on the PATH or in the folders of administrators' programs; null when nowhere. */
export function whereIs(program: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      continue;
    }
  }
  return null;
}
