// Which Node runs Millrace: the one of node_modules, when the machine's own is too old.
//
// Plain JavaScript: it runs on the machine's own Node (20 and later).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** From this one on Node runs `.ts` files by itself. vitest 5 needs 22.15. */
export const nodeMinimum = '22.18.0';
const versionTimeoutMs = 20_000;
const signalExitBase = 128;

export const repositoryFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const installedNodePath = join(repositoryFolder, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** @param {string} version `24.21.0`, with or without a leading v */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major === 23) return minor >= 6;
  return major > 22 || (major === 22 && minor >= 18);
}

/**
 * The version that the Node at `path` tells, or why it tells none.
 * @param {string} path
 * @returns {{ version: string } | { problem: string }}
 */
export function askNode(path) {
  const ran = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: versionTimeoutMs });
  const version = /^v(\d+\.\d+\.\d+)/.exec(ran.stdout ?? '')?.[1];
  if (version !== undefined) return { version };
  return { problem: ran.error?.message ?? (ran.stderr.trim() || `exit code ${ran.status}`) };
}

/**
 * Runs the program `file` with `args`: in this process when its Node is new enough, else in one of the installed Node,
 * whose exit code becomes ours.
 * @param {string} file
 * @param {readonly string[]} args
 */
export async function runWithNode(file, args) {
  if (isNewEnough(process.version)) {
    process.argv = [process.execPath, file, ...args];
    await import(pathToFileURL(file).href);
    return;
  }
  if (!existsSync(installedNodePath)) {
    console.error(
      `Millrace needs Node ${nodeMinimum} or newer, this is ${process.version}. Run \`npm start\` once: it installs one for this folder.`,
    );
    process.exitCode = 3;
    return;
  }
  process.exitCode = await spawnNode(file, args);
}

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @returns {Promise<number>}
 */
function spawnNode(file, args) {
  const child = spawn(installedNodePath, [file, ...args], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; the child decides when to end. Other signals come to us only.
  process.on('SIGINT', () => {});
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signalExitBase + (signal === null ? 0 : constants.signals[signal])));
  });
}
