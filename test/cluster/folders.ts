// Where the test cluster keeps things.
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Folders = {
  /** What was built, by a hash of what it was built from: all clones of this user share it. */
  readonly cache: string;
  /** What runs now: one cluster per machine, or per user where it is not root's. */
  readonly state: string;
};

/** What is in the folder of this file. */
export const sourceFolder = import.meta.dirname;

export function foldersOf(environment: NodeJS.ProcessEnv, isRoot: boolean): Folders {
  const cache = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'millrace', 'cluster');
  // A socket's path has 107 bytes at most, and what is under /run is gone after a restart, as the cluster is.
  return { cache, state: isRoot ? '/run/millrace-cluster' : join(cache, 'state') };
}

export const kubeconfigOf = (folders: Folders): string => join(folders.state, 'kubeconfig');
export const socketOf = (folders: Folders): string => join(folders.state, 'docker.sock');
