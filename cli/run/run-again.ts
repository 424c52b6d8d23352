// A run of a job's file as a process of its own, and another after each change of what it was made of.
//
//   RA1. A run that a change finds going on is asked to end (SIGTERM): it stores what is in flight, so the next goes on from there.
//   RA2. A run that ended by itself, or never began because of a mistake, has the next one after the next change.
//   RA3. What cannot be read now (a mistake in a module) is watched as it was when it could.
//   RA4. Signals of a terminal reach this process alone and are handed on, each once: a second Ctrl-C ends a run at once.
//   RA5. A run ends with this process, also when that is killed: it sees that the channel is closed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { unwatchFile, watchFile, type Stats } from 'node:fs';
import { relative, resolve } from 'node:path';
import { exitCodes } from '../exit-codes.ts';

/** How often files are looked at; the first look at one that was saved in two steps is not the last. */
const LOOK_MS = 200;
const QUIET_MS = 150;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGWINCH'] as const;

/** `runArguments`: of the command line, without what runs it. Resolves with the exit code of the last run when it was asked to end. */
export async function runAgainAndAgain(file: string, runArguments: readonly string[]): Promise<number> {
  let run: ChildProcess | null = null;
  const asked = new AbortController();
  const handlers = SIGNALS.map((signal) => {
    const handler = (): void => {
      run?.kill(signal);
      if (signal !== 'SIGWINCH') asked.abort();
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  let watched: readonly string[] = [resolve(file)];
  try {
    for (;;) {
      watched = await filesOf(file, watched);
      if (asked.signal.aborted) return exitCodes.interrupted;
      const change = nextChange(watched);
      try {
        run = startRun(runArguments);
        const ended = once(run, 'exit') as Promise<[number | null]>;
        await Promise.race([ended, change.path]);
        if (!asked.signal.aborted && run.exitCode === null && run.signalCode === null) {
          say(`${relative('', await change.path)} has changed: running it again`);
          run.kill('SIGTERM'); // RA1
        }
        const [code] = await ended;
        run = null;
        if (!change.isThere() && !asked.signal.aborted) {
          say(
            `waiting for a change of ${watched.length === 1 ? relative('', watched[0] as string) : `one of ${watched.length} files`}; Ctrl-C ends`,
          );
          await Promise.race([change.path, once(asked.signal, 'abort')]); // RA2
        }
        if (asked.signal.aborted) return code ?? exitCodes.interrupted;
      } finally {
        change.stop();
      }
    }
  } finally {
    for (const off of handlers) off();
  }
}

function startRun(runArguments: readonly string[]): ChildProcess {
  const main = process.argv[1] as string;
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'] as const; // RA5
  return spawn(process.execPath, [...process.execArgv, main, ...runArguments], { stdio: [...stdio], detached: true }); // RA4
}

/** The file and the modules that it imports. */
async function filesOf(file: string, before: readonly string[]): Promise<readonly string[]> {
  if (!/\.[cm]?[jt]s$/.test(file)) return before;
  const { modulesOf } = await import('../deploy/module-bundle.ts');
  return modulesOf(file).catch(() => before); // RA3; the run itself says what is wrong
}

/** The first of `files` that is another than it was, when it has been the same for a moment; `stop` ends watching. */
function nextChange(files: readonly string[]): { readonly path: Promise<string>; isThere(): boolean; stop(): void } {
  const { promise: path, resolve: found } = Promise.withResolvers<string>();
  let timer: NodeJS.Timeout | null = null;
  let isThere = false;
  const looks = files.map((each) => {
    const look = (now: Stats, before: Stats): void => {
      if (now.mtimeMs === 0 || now.mtimeMs === before.mtimeMs) return; // it is gone: an editor puts another in its place
      if (timer !== null) clearTimeout(timer);
      timer = setTimeout(() => {
        isThere = true;
        found(each);
      }, QUIET_MS);
    };
    watchFile(each, { interval: LOOK_MS }, look);
    return () => unwatchFile(each, look);
  });
  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    for (const end of looks) end();
  };
  return { path, isThere: () => isThere, stop };
}

function say(text: string): void {
  process.stderr.write(`dev: ${text}\n`);
}
