// What is expensive to make is made once per set of inputs.
//
//   C1. An artefact lies in a folder named by the hash of its inputs; it appears there whole, by a rename.
//   C2. Of several processes that want the same artefact one makes it and the others wait; a draft that its maker finds there
//       was left by one that died.
//   C3. What nobody asked for during `keptMs` is removed: a new version does not fill the disk for ever.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claim } from '../../cli/setup/lock.mjs';

const waitTimeoutMs = 60 * 60_000;
const pollMs = 500;
const keptMs = 14 * 24 * 3600 * 1000;
const keyLength = 16;

export type Log = (line: string) => void;
export type Artefact = {
  readonly name: string;
  readonly key: string;
  /** Makes it in an empty folder. */
  readonly make: (folder: string) => Promise<void>;
};

/** The key for these inputs. The order counts, and where one ends and the next begins. */
export function keyOf(inputs: readonly string[]): string {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(`${Buffer.byteLength(input)}:${input}`);
  return hash.digest('hex').slice(0, keyLength);
}

/** The folder of the artefact, which is made when it is not there. */
export async function ensureArtefact(cache: string, artefact: Artefact, log: Log): Promise<string> {
  const folder = join(cache, `${artefact.name}-${artefact.key}`);
  if (!existsSync(folder)) {
    await inTurnFor(join(cache, 'locks'), artefact.name, log, async () => {
      if (!existsSync(folder)) await makeArtefact(folder, artefact, log);
    });
  }
  const now = new Date();
  await utimes(folder, now, now);
  return folder;
}

/** Runs `act` when no other process of this machine has that turn. */
export async function inTurnFor<T>(folder: string, name: string, log: Log, act: () => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + waitTimeoutMs;
  for (let turn = 0; ; turn++) {
    const lock = claim(folder, name);
    if (lock.kind === 'mine') {
      try {
        return await act();
      } finally {
        lock.release();
      }
    }
    if (turn === 0) log(`waiting for process ${lock.by.pid}, which has the turn for ${name}`);
    if (Date.now() > deadlineMs)
      throw new Error(`process ${lock.by.pid} has the turn for ${name} since ${new Date(lock.by.sinceMs).toISOString()} and does not end`);
    await sleep(pollMs);
  }
}

/** C3. */
export async function removeUnused(cache: string, nowMs: number): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (!/-[0-9a-f]{16}(\.draft)?$/.test(entry)) continue;
    const { mtimeMs } = await stat(join(cache, entry));
    if (nowMs - mtimeMs > keptMs) await rm(join(cache, entry), { recursive: true, force: true });
  }
}

/** Name and content of every file below a folder, in the order of names: an input for keyOf. */
export async function contentOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = paths.toSorted().map(async (path) => [path.slice(folder.length), await readFile(path, 'utf8')]);
  return (await Promise.all(contents)).flat();
}

async function makeArtefact(folder: string, { name, make }: Artefact, log: Log): Promise<void> {
  const startedMs = performance.now();
  const draft = `${folder}.draft`;
  await rm(draft, { recursive: true, force: true }); // C2
  await mkdir(draft, { recursive: true });
  await make(draft);
  await rename(draft, folder); // C1
  log(`made ${name} (${Math.round((performance.now() - startedMs) / 1000)} s)`);
}
