// bench/results/<name>-<commit>.json: figures with all that they depend on.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findNatsServer } from '../../cli/setup/nats-server.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const loadAverageBefore = loadavg()[0] ?? 0;

export type Surroundings = {
  readonly machine: { readonly cpu: string; readonly cores: number; readonly memoryBytes: number; readonly kernel: string };
  readonly versions: { readonly node: string; readonly natsServer: string };
  readonly commit: string;
  /** Code was changed and not committed: the commit does not tell all. */
  readonly isDirty: boolean;
  readonly at: string;
  /** Of the last minute when the measuring began: what else the machine had to do. */
  readonly loadAverageBefore: number;
};

export function surroundings(): Surroundings {
  return {
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, memoryBytes: totalmem(), kernel: release() },
    versions: { node: process.version, natsServer: findNatsServer().version },
    commit: git('rev-parse', '--short=10', 'HEAD'),
    isDirty: git('status', '--porcelain', '--untracked-files=no') !== '',
    loadAverageBefore,
    at: new Date().toISOString(),
  };
}

/** What the figures were measured on, in one line. */
export function machineLine(): string {
  const { machine, versions, commit, isDirty, loadAverageBefore } = surroundings();
  const memory = `${Math.round(machine.memoryBytes / 2 ** 30)} GB`;
  const code = `commit ${commit}${isDirty ? ' and changes' : ''}`;
  return `${machine.cpu}, ${machine.cores} cores, ${memory}, Linux ${machine.kernel}; Node ${versions.node}, nats-server ${versions.natsServer}; ${code}; load before ${loadAverageBefore.toFixed(1)}`;
}

/** Writes the result beside the earlier ones; gives its path from the root. */
export function writeResult(name: string, result: object): string {
  const around = surroundings();
  const path = `bench/results/${name}-${around.commit}${around.isDirty ? '-dirty' : ''}.json`;
  mkdirSync(`${root}/bench/results`, { recursive: true });
  writeFileSync(`${root}/${path}`, `${JSON.stringify({ name, ...around, ...result }, null, 2)}\n`);
  return path;
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
}
