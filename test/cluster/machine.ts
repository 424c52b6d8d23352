// What this machine has, and the Debian packages that it lacks.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from './artefact-cache.ts';
import { isOlder, type MachineFacts } from './cluster-plan.ts';
import { findEngine } from './docker-engine.ts';
import { sourceFolder, type Folders } from './folders.ts';
import { run, tryRun, whereIs } from './program-run.ts';

const aptTimeoutMs = 10 * 60_000;

/** Programs of the built mode, and the package of each. */
const packageOf: Readonly<Record<string, string>> = {
  docker: 'docker.io',
  dockerd: 'docker.io',
  runc: 'runc',
  iptables: 'iptables',
  ip: 'iproute2',
  debootstrap: 'debootstrap',
};

export async function machineFacts(environment: NodeJS.ProcessEnv, folders: Folders): Promise<MachineFacts> {
  const kubeconfig = environment['KUBECONFIG'];
  return {
    platform: process.platform,
    isRoot: process.getuid?.() === 0,
    hasEngine: (await findEngine(environment, folders)) !== null,
    goVersion: await goVersion(),
    goMinimum: goMinimum(),
    missingPrograms: Object.keys(packageOf).filter((program) => whereIs(program) === null),
    hasApt: whereIs('apt-get') !== null,
    hasKubeconfig: kubeconfig !== undefined && existsSync(kubeconfig),
  };
}

/** Installs what the built mode lacks; starts no service. */
export async function installMissing(missing: readonly string[], log: Log): Promise<void> {
  const packages = [...new Set(missing.map((program) => packageOf[program] ?? program))];
  if (packages.length === 0) return;
  log(`installing Debian packages: ${packages.join(' ')}`);
  // In run level 1 the packages' own scripts start nothing: the engine that we start has folders of its own.
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const lock = ['-o', 'DPkg::Lock::Timeout=300']; // somebody else may be installing
  await run('apt-get', [...lock, 'update', '-qq'], { env, timeoutMs: aptTimeoutMs });
  await run('apt-get', [...lock, 'install', '-y', '-qq', '--no-install-recommends', ...packages], { env, timeoutMs: aptTimeoutMs });
}

async function goVersion(): Promise<string | null> {
  const { code, stdout } = await tryRun('go', ['env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' }, timeoutMs: 30_000 });
  return code === 0 ? stdout.trim() : null;
}

function goMinimum(): string {
  const folder = join(sourceFolder, 'modules');
  const wanted = readdirSync(folder).map((module) => /^go (\S+)$/m.exec(readFileSync(join(folder, module, 'go.mod'), 'utf8'))?.[1] ?? '0');
  return wanted.reduce((newest, each) => (isOlder(newest, each) ? each : newest));
}
