// Writes the files of a package into a folder, and removes those of an earlier build that are no longer part of it.
//
//   W1. A file that somebody else wrote is neither overwritten nor removed.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../runtime/base/errors.ts';
import { BadDeclaration } from '../../runtime/base/issues.ts';
import { HEADER, PACKAGE_FILES } from './package-files.ts';

/** Throws BadDeclaration when a file of somebody else is in the way, MR1009 when the folder cannot be written. */
export async function writePackage(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const there = new Map<string, boolean>();
  for (const name of Object.values(PACKAGE_FILES)) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => null);
    if (text !== null) there.set(name, text.startsWith(HEADER));
  }
  const foreign = Object.keys(files).filter((name) => there.get(name) === false);
  if (foreign.length > 0)
    throw new BadDeclaration(
      folder,
      foreign.map((name) => ({
        path: name,
        message: 'was not made by `millrace build`',
        fix: 'move it away, or name another folder with -o',
      })),
    );
  const stale = [...there].filter(([name, isOurs]) => isOurs && files[name] === undefined).map(([name]) => name);
  try {
    await mkdir(folder, { recursive: true });
    for (const name of stale) await rm(join(folder, name));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  } catch (error) {
    throw new MillraceError('MR1009', { path: folder, problem: error instanceof Error ? error.message : String(error) }, error);
  }
}
