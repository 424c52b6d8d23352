// The file of one run behind the name that people read.
//
// A run writes its results to a file of its own, `.hourly.ndjson.millrace-<run>`, and `hourly.ndjson` is a second name
// of it (a hard link; a symbolic one where the file system has none). A fresh run thus replaces the results of an
// earlier one by giving the name away, and never empties a file:
//   U1. Nobody truncates, ever. A zombie that believes itself to be at the start of the run, and empties the file that
//       a newer owner has filled meanwhile, can't exist. Making the run's file and naming it may be done any number of
//       times, by anyone, at any time: the outcome is the same.
//   U2. A zombie of an earlier run writes to that run's file, which has lost its name: it can't touch newer results.
//   U3. The run's file stays after the end, so that a run that was killed behind its last write finds it again; the next
//       fresh run removes it. It takes no space of its own.

import { createHash } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat, symlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

export type RunFileOptions = {
  readonly path: string;
  readonly runId: string;
  /** A name that nobody else has. */ readonly uniqueId: () => string;
};

const MARK = '.millrace-';
const NAME_MAX_CHARS = 100;
const NO_HARD_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EACCES']);

/** Opens the run's file. `create`: makes it when it is not there (with its folders); else null then. */
export async function openRunFile(options: RunFileOptions, create: boolean): Promise<FileHandle | null> {
  const runPath = pathOf(options);
  const known = await openKnown(runPath);
  if (known !== null) {
    await named(options, known); // whoever made it may have died before it had its name
    return known;
  }
  if (!create) return null;
  await mkdir(dirname(options.path), { recursive: true });
  const file = await open(runPath, 'a'); // made when it is not there, left as it is when another made it meanwhile
  await file.close();
  await nameRunFile(options);
  await removeOthers(options);
  return openKnown(runPath);
}

/** Makes `path` a name of the run's file, when it is not yet. */
export async function nameRunFile(options: RunFileOptions): Promise<void> {
  const runPath = pathOf(options);
  if (await isSameFile(options.path, runPath)) return;
  const passing = `${runPath}.${options.uniqueId()}`;
  await makeLink(runPath, passing);
  await rename(passing, options.path);
  await syncFolder(dirname(options.path));
}

async function named(options: RunFileOptions, file: FileHandle): Promise<void> {
  try {
    await nameRunFile(options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openKnown(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function isSameFile(left: string, right: string): Promise<boolean> {
  try {
    const [a, b] = [await stat(left, { bigint: true }), await stat(right, { bigint: true })];
    return a.ino === b.ino && a.dev === b.dev;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function makeLink(target: string, path: string): Promise<void> {
  try {
    await link(target, path);
  } catch (error) {
    if (!NO_HARD_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await symlink(basename(target), path);
  }
}

/** Files of earlier runs under the same name, and links that a killed process left. */
async function removeOthers(options: RunFileOptions): Promise<void> {
  const folder = dirname(options.path);
  const own = basename(pathOf(options));
  const prefix = own.slice(0, own.length - options.runId.length);
  for (const name of await readdir(folder)) {
    if (name.startsWith(prefix) && name !== own) await rm(join(folder, name), { force: true });
  }
}

function pathOf({ path, runId }: RunFileOptions): string {
  const name = basename(path);
  const short =
    name.length <= NAME_MAX_CHARS ? name : `${name.slice(0, 80)}-${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
  return join(dirname(path), `.${short}${MARK}${runId}`);
}

/** Without it a power cut may lose the names of files whose bytes are safe. Not every file system can do it. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EINVAL' && code !== 'ENOTSUP' && code !== 'EPERM' && code !== 'EISDIR') throw error;
  } finally {
    await handle.close();
  }
}
