// One owner at a time of a folder, among processes of this machine; an owner that died does not block the next.
//
// Plain JavaScript: set-up needs it before anything is installed.
// The lock is the file `<name>.<generation>.lock` with the highest generation. To take over, a process creates the next
// generation, whole and exclusively (a hard link to a finished file).
//   L1. The highest generation is never removed, only marked as released; so generations never go back, and of two
//       processes that saw the same dead owner only one creates its successor.
//   L2. An owner is alive when a process of its id runs and started when the owner did (the kernel reuses ids).
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Each turn lost means that another process came first: this many in a row do not happen. */
const attemptsMax = 100;

/**
 * @typedef {{ pid: number, started: string | null, sinceMs: number, released: boolean, note: string }} Owner
 *   `note` is what the owner tells about itself.
 * @typedef {{ kind: 'mine', release: () => void, note: (note: string) => void, before: Owner | null } | { kind: 'held', by: Owner }} Claim
 *   `before`: the owner that died without releasing, if one did.
 */

/**
 * Takes the lock `name` in `folder` (made when missing), or tells who has it. Never waits.
 * @param {string} folder
 * @param {string} name
 * @param {string} [note]
 * @returns {Claim}
 */
export function claim(folder, name, note = '') {
  mkdirSync(folder, { recursive: true });
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const highest = highestGeneration(folder, name);
    const owner = highest === 0 ? null : readOwner(lockPath(folder, name, highest));
    if (owner === 'gone') continue;
    if (owner !== null && !owner.released && isAlive(owner)) return { kind: 'held', by: owner };
    const self = { pid: process.pid, started: startedOf(process.pid), sinceMs: Date.now(), released: false, note };
    if (!createExclusively(lockPath(folder, name, highest + 1), self)) continue;
    if (highestGeneration(folder, name) !== highest + 1) {
      rmSync(lockPath(folder, name, highest + 1), { force: true });
      continue;
    }
    removeBelow(folder, name, highest + 1);
    return mine(lockPath(folder, name, highest + 1), self, owner !== null && !owner.released ? owner : null);
  }
  throw new Error(`could not take the lock ${join(folder, name)} in ${attemptsMax} attempts`);
}

/**
 * @param {string} path
 * @param {Owner} self
 * @param {Owner | null} before
 * @returns {Claim}
 */
function mine(path, self, before) {
  let current = self;
  /** @param {Partial<Owner>} change */
  const rewrite = (change) => {
    current = { ...current, ...change };
    const draft = writeDraft(path, current);
    renameSync(draft, path);
  };
  return { kind: 'mine', before, release: () => rewrite({ released: true }), note: (note) => rewrite({ note }) };
}

/**
 * @param {string} path
 * @param {Owner} owner
 */
function writeDraft(path, owner) {
  const draft = `${path}.${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  writeFileSync(draft, JSON.stringify(owner));
  return draft;
}

/**
 * @param {string} path
 * @param {Owner} owner
 */
function createExclusively(path, owner) {
  const draft = writeDraft(path, owner);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * @param {string} path
 * @returns {Owner | 'gone'}
 */
function readOwner(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return 'gone';
    throw error;
  }
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {number} generation
 */
function lockPath(folder, name, generation) {
  return join(folder, `${name}.${generation}.lock`);
}

/**
 * @param {string} folder
 * @param {string} name
 */
function highestGeneration(folder, name) {
  return Math.max(0, ...generations(folder, name));
}

/**
 * @param {string} folder
 * @param {string} name
 */
function generations(folder, name) {
  return readdirSync(folder)
    .filter((file) => file.startsWith(`${name}.`) && file.endsWith('.lock'))
    .map((file) => Number(file.slice(name.length + 1, -'.lock'.length)))
    .filter((generation) => Number.isInteger(generation));
}

/**
 * @param {string} folder
 * @param {string} name
 * @param {number} generation
 */
function removeBelow(folder, name, generation) {
  for (const old of generations(folder, name)) if (old < generation) rmSync(lockPath(folder, name, old), { force: true });
}

/**
 * L2. Where the system does not tell when a process started, one of the same id counts as the same.
 * @param {{ pid: number, started: string | null }} owner
 */
export function isAlive(owner) {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return false;
  }
  return owner.started === null || owner.started === startedOf(owner.pid);
}

/**
 * When the process started, in the kernel's ticks since boot together with the boot; null where the system does not tell,
 * and for one that has ended but that its parent has not noticed yet.
 * @param {number} pid
 */
export function startedOf(pid) {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name stands in parentheses and may hold anything; the fields after it are numbered from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTicks] = [fields[3 - 3], fields[22 - 3]];
    return state === 'Z' || state === 'X' ? null : `${boot}:${startTicks}`;
  } catch {
    return null;
  }
}
