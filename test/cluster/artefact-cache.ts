// What is expensive to make is made once per set of inputs.
//
//   C1. An artefact lies in a folder named by the hash of its inputs; it appears there whole, by a rename.
//   C2. Only the holder of the cluster's lock makes artefacts, so a draft that is there already was left by a process that died.
//   C3. What nobody asked for during `keptMs` is removed: a new version does not fill the disk for ever.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

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
export async function ensureArtefact(cache: string, { name, key, make }: Artefact, log: Log): Promise<string> {
  const folder = join(cache, `${name}-${key}`);
  if (!existsSync(folder)) {
    const startedMs = performance.now();
    const draft = `${folder}.draft`;
    await rm(draft, { recursive: true, force: true }); // C2
    await mkdir(draft, { recursive: true });
    await make(draft);
    await rename(draft, folder); // C1
    log(`made ${name} (${Math.round((performance.now() - startedMs) / 1000)} s)`);
  }
  const now = new Date();
  await utimes(folder, now, now);
  return folder;
}

/** C3, and drafts of processes that died (C2). */
export async function removeUnused(cache: string, nowMs: number): Promise<void> {
  if (!existsSync(cache)) return;
  for (const entry of await readdir(cache)) {
    if (!/-[0-9a-f]{16}(\.draft)?$/.test(entry)) continue;
    const { mtimeMs } = await stat(join(cache, entry));
    if (entry.endsWith('.draft') || nowMs - mtimeMs > keptMs) await rm(join(cache, entry), { recursive: true, force: true });
  }
}

/** Name and content of every file below a folder, in the order of names: an input for keyOf. */
export async function contentOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = paths.toSorted().map(async (path) => [path.slice(folder.length), await readFile(path, 'utf8')]);
  return (await Promise.all(contents)).flat();
}
