// How this program was called, so that what it tells a person to type works where they typed before. Pure.

import { isAbsolute, join, relative } from 'node:path';

export type CalledFrom = {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The folder of Millrace's package.json. */
  readonly packageFolder: string;
};

/** `npm start` runs this one. */
const START_FILE = 'examples/flights/stream-job.yaml';

/** What stands before `run …`, `plan …` in a command that works here. */
export function programName({ environment, cwd, packageFolder }: CalledFrom): string {
  if (packageFolder.split(/[/\\]/).includes('node_modules')) return 'npx millrace';
  if (environment['npm_lifecycle_event'] === 'millrace') return 'npm run millrace --';
  if (cwd === packageFolder) return 'npx millrace';
  return `node ${quoted(shortPath(join(packageFolder, 'cli', 'bin.mjs'), cwd))}`;
}

/** The command that runs `file` with `args`: `npm start -- …` where that was the command. */
export function runCommand(from: CalledFrom, file: string, args: readonly string[]): string {
  const isStart = from.environment['npm_lifecycle_event'] === 'start' && file === START_FILE && from.cwd === from.packageFolder;
  if (isStart) return ['npm start', ...(args.length === 0 ? [] : ['--', ...args.map(quoted)])].join(' ');
  return [programName(from), 'run', ...[file, ...args].map(quoted)].join(' ');
}

/** `path` as one would type it in `cwd`: relative where that is shorter. */
export function shortPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const short = relative(cwd, path);
  if (short === '') return '.';
  return short.length < path.length ? short : path;
}

/** As a shell takes it as one word. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
