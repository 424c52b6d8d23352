// Finds a nats-server that is new enough, or gets one.
//
// Plain JavaScript without dependencies: set-up runs it on the machine's own Node before anything is installed.
//   N1. Order: $MILLRACE_NATS_SERVER (then nothing else counts), the PATH, the cache folder, the Go toolchain, the release.
//   N2. A binary in the cache was run once and told its version; it appears there by an atomic rename, whole or not at all.
//   N3. A download is unpacked only after its bytes had the sha256 that the release publishes.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join, delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Older ones lose acknowledged writes at power cuts. */
export const versionMinimum = '2.15.2';
/** The one that set-up builds or downloads. */
export const versionPinned = '2.15.2';
const versionTimeoutMs = 10_000;
const repositoryFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * @typedef {{ path: string, version: string, origin: 'explicit' | 'path' | 'cache' | 'go' | 'release' }} NatsServer
 * @typedef {Record<string, string | undefined>} Environment
 */

/** No nats-server that is new enough. `tried` says what was looked at and why it was not taken. */
export class NatsServerNotFound extends Error {
  /** @param {readonly string[]} tried */
  constructor(tried) {
    super(`no nats-server of at least ${versionMinimum}; tried: ${tried.join('; ')}`);
    this.name = 'NatsServerNotFound';
    this.code = 'MR1002';
    this.tried = tried;
    this.minimum = versionMinimum;
  }
}

/**
 * The nats-server to use, of those that are there already. Throws NatsServerNotFound.
 * @param {Environment} [environment]
 * @returns {NatsServer}
 */
export function findNatsServer(environment = process.env) {
  const { server, tried } = lookAround(environment);
  if (server === null) throw new NatsServerNotFound(tried);
  return server;
}

/**
 * N1, without getting one.
 * @param {Environment} environment
 * @returns {{ server: NatsServer | null, tried: string[] }}
 */
export function lookAround(environment) {
  /** @type {string[]} */
  const tried = [];
  const explicit = environment['MILLRACE_NATS_SERVER'];
  if (explicit) return { server: accept(explicit, 'explicit', tried, '$MILLRACE_NATS_SERVER'), tried };
  for (const candidate of onPath(environment)) {
    const server = accept(candidate, 'path', tried, 'PATH');
    if (server !== null) return { server, tried };
  }
  if (tried.length === 0) tried.push('PATH: no nats-server there');
  const cached = cachedPath(environment);
  if (isExecutable(cached)) return { server: { path: cached, version: versionPinned, origin: 'cache' }, tried };
  tried.push(`cache: no ${cached}`);
  return { server: null, tried };
}

/**
 * Where set-up keeps the nats-server that it got. The folder names the version (N2).
 * @param {Environment} environment
 */
export function cachedPath(environment) {
  const folder = environment['MILLRACE_CACHE'] || join(repositoryFolder, '.cache');
  return join(folder, `nats-server-${versionPinned}-${process.platform}-${process.arch}`, executableName('nats-server'));
}

/** @param {string} name */
export function executableName(name) {
  return process.platform === 'win32' ? `${name}.exe` : name;
}

/**
 * The first executable file of that name on the PATH of `environment`, and those after it.
 * @param {Environment} environment
 * @param {string} [name]
 */
export function onPath(environment, name = 'nats-server') {
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set(folders)].map((folder) => join(folder, executableName(name))).filter(isExecutable);
}

/**
 * What `path --version` tells: `2.15.2`, or null when it is no nats-server that runs here.
 * @param {string} path
 */
export function versionOf(path) {
  const ran = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: versionTimeoutMs, stdio: ['ignore', 'pipe', 'ignore'] });
  return /nats-server: v?(\d+\.\d+\.\d+\S*)/.exec(ran.stdout ?? '')?.[1] ?? null;
}

/**
 * True when `version` is `minimum` or later. A pre-release counts as older than its release.
 * @param {string} version
 * @param {string} minimum
 */
export function isAtLeast(version, minimum) {
  const [numbers, wanted] = [version, minimum].map((text) => text.split(/[-+]/)[0]?.split('.').map(Number) ?? []);
  for (let at = 0; at < 3; at++) {
    const difference = (numbers?.[at] ?? 0) - (wanted?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return !version.includes('-');
}

/**
 * @param {string} path
 * @param {NatsServer['origin']} origin
 * @param {string[]} tried
 * @param {string} place
 * @returns {NatsServer | null}
 */
function accept(path, origin, tried, place) {
  const version = isExecutable(path) ? versionOf(path) : null;
  if (version !== null && isAtLeast(version, versionMinimum)) return { path, version, origin };
  tried.push(`${place}: ${path} ${version === null ? 'is no nats-server that runs here' : `is ${version}, too old`}`);
  return null;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
