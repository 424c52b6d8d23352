// The npm packages of this folder: whether they are those of package-lock.json, and `npm ci` when not.
//
// Plain JavaScript without dependencies: set-up runs it before anything is installed.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const installTimeoutMs = 1_200_000;
const progressMs = 15_000;
const errorLinesMax = 12;

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean }} LockedPackage */

/**
 * Why node_modules is not what package-lock.json says, or null when it is.
 * npm itself writes down what it installed (node_modules/.package-lock.json), as its last act; a package added by
 * `npm install` is there too, so nothing is installed twice.
 * @param {string} root
 * @returns {string | null}
 */
export function packagesProblem(root) {
  const locked = readPackages(join(root, 'package-lock.json'));
  if (locked === null) throw new Error(`cannot read ${join(root, 'package-lock.json')}; check it out again with git`);
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (installed === null) return 'nothing is installed';
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '') continue;
    const found = installed[path];
    if (found === undefined && wanted.optional === true) continue;
    if (found === undefined) return `${path} is missing`;
    if (found.version !== wanted.version || found.integrity !== wanted.integrity)
      return `${path} is ${found.version}, locked is ${wanted.version}`;
  }
  return null;
}

/**
 * `npm ci`: removes node_modules and installs what package-lock.json says. Rejects with npm's last words.
 * @param {{ root: string, log: (line: string) => void }} options
 */
export async function installPackages({ root, log }) {
  log('installing the npm packages of package-lock.json (once, under a minute)');
  // Development packages too, whatever NODE_ENV says: the newer Node is one of them.
  await runNpm(['ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: root, log, busyWith: 'installing packages' });
}

/**
 * Runs npm with the Node that npm itself runs on: `npm ci` removes the one in node_modules.
 * @param {readonly string[]} args
 * @param {{ cwd: string, log: (line: string) => void, busyWith: string }} options
 * @returns {Promise<void>}
 */
export function runNpm(args, { cwd, log, busyWith }) {
  const cli = process.env['npm_execpath'];
  const node = process.env['npm_node_execpath'];
  const isOurs = cli !== undefined && node !== undefined && /npm-cli\.c?js$/.test(cli);
  const [program, first] = isOurs ? [node, [cli]] : ['npm', []];
  return new Promise((resolve, reject) => {
    const shell = !isOurs && process.platform === 'win32';
    const child = spawn(program, [...first, ...args], { cwd, shell, stdio: ['ignore', 'ignore', 'pipe'], timeout: installTimeoutMs });
    let said = '';
    const startedMs = Date.now();
    const ticking = setInterval(() => log(`still ${busyWith} (${Math.round((Date.now() - startedMs) / 1000)} s)`), progressMs);
    child.stderr?.on('data', (bytes) => (said = (said + bytes).slice(-8000)));
    child.once('error', (error) => finish(`${program} cannot be run: ${error.message}`));
    child.once('close', (code) => finish(code === 0 ? null : `npm ${args[0]} failed (exit code ${code}):\n${lastWords(said)}`));
    /** @param {string | null} problem */
    const finish = (problem) => {
      clearInterval(ticking);
      if (problem === null) resolve();
      else reject(new Error(problem));
    };
  });
}

/** @param {string} said */
function lastWords(said) {
  const lines = said
    .trim()
    .split('\n')
    .filter((line) => !line.startsWith('npm warn'));
  return lines
    .slice(0, errorLinesMax)
    .map((line) => `  ${line}`)
    .join('\n');
}

/**
 * @param {string} path
 * @returns {Record<string, LockedPackage> | null}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return null;
  }
}
