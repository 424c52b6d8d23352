// What is known of the cluster that runs on this machine, and whose turn it is to change that.
import { mkdir, readFile, rm, writeFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { inTurnFor, type Log } from './artefact-cache.ts';
import type { Folders } from './folders.ts';
import type { KindTools } from './kind-cluster.ts';

export type ClusterState = {
  /** `making`: an `up` is at work, or died at it; such a cluster is removed by the next. */
  readonly phase: 'making' | 'ready';
  readonly kind: 'built' | 'stock';
  /** What it was made from; another key is another cluster. */
  readonly key: string;
  readonly engine: 'found' | 'ours';
  readonly dockerHost?: string;
  readonly isGuarded: boolean;
  readonly tools: KindTools;
};

export async function readState(folders: Folders): Promise<ClusterState | null> {
  try {
    return JSON.parse(await readFile(stateFile(folders), 'utf8')) as ClusterState;
  } catch {
    return null;
  }
}

export async function writeState(folders: Folders, state: ClusterState): Promise<void> {
  await mkdir(folders.state, { recursive: true });
  await writeFile(`${stateFile(folders)}.draft`, JSON.stringify(state));
  await rename(`${stateFile(folders)}.draft`, stateFile(folders));
}

export async function forgetState(folders: Folders): Promise<void> {
  await rm(stateFile(folders), { force: true });
}

/** One process of this machine at a time: `up` of a second clone waits, and then finds the cluster that the first made. */
export function inTurn<T>(folders: Folders, log: Log, act: () => Promise<T>): Promise<T> {
  return inTurnFor(folders.state, 'turn', log, act);
}

const stateFile = (folders: Folders): string => join(folders.state, 'cluster.json');
