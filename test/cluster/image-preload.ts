// Puts images into the store of a node that does not run yet: our containerd on the node's own folder, with nothing else.
import { spawn } from 'node:child_process';
import { existsSync, closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, tryRun } from './program-run.ts';

const startTimeoutMs = 30_000;
const importTimeoutMs = 120_000;
const pollMs = 100;

export type Preload = {
  readonly archives: readonly string[];
  /** The node's root folder. */
  readonly nodeRoot: string;
  /** For sockets and what runs: a short path. */
  readonly stateFolder: string;
  readonly containerd: string;
  readonly ctr: string;
};

export async function preloadImages({ archives, nodeRoot, stateFolder, containerd, ctr }: Preload): Promise<void> {
  const state = join(stateFolder, `preload-${process.pid}`);
  await rm(state, { recursive: true, force: true });
  await mkdir(state, { recursive: true });
  const config = join(state, 'config.toml');
  await writeFile(config, configOf(join(nodeRoot, 'var/lib/containerd'), state));
  const log = openSync(join(state, 'log'), 'w');
  const child = spawn(containerd, ['-c', config], { stdio: ['ignore', log, log] });
  closeSync(log);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  try {
    await waitFor(join(state, 'containerd.sock'), state);
    const inStore = ['-a', join(state, 'containerd.sock'), '-n', 'k8s.io'];
    const flags = ['--local', '--discard-unpacked-layers', '--snapshotter', 'overlayfs'];
    for (const archive of archives) await run(ctr, [...inStore, 'images', 'import', ...flags, archive], { timeoutMs: importTimeoutMs });
    // Else packed layers may stay beside the unpacked ones. The command fails when there is nothing to prune.
    await tryRun(ctr, [...inStore, 'content', 'prune', 'references'], { timeoutMs: importTimeoutMs });
  } finally {
    child.kill('SIGTERM');
    await ended;
    await rm(state, { recursive: true, force: true });
  }
}

async function waitFor(socket: string, state: string): Promise<void> {
  for (const deadlineMs = Date.now() + startTimeoutMs; !existsSync(socket); await sleep(pollMs)) {
    if (Date.now() > deadlineMs) throw new Error(`containerd did not start: ${readFileSync(join(state, 'log'), 'utf8').slice(-1500)}`);
  }
}

function configOf(root: string, state: string): string {
  return `version = 3
root = "${root}"
state = "${state}/run"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "${state}/containerd.sock"
[ttrpc]
  address = "${state}/containerd.ttrpc"
`;
}
