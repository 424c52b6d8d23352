// `--set name=value`: the value of a parameter of the job.
//
//   A path that is typed on a command line is meant from the folder where it is typed, as everywhere in a shell; one in
//   the job file, from that file's folder. So a value that names a file here is that file.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';

/** Adds one `name=value` to those before it. */
export function addParameter(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`must be name=value, not ${JSON.stringify(text)}.`);
  const value = text.slice(at + 1);
  return { ...before, [text.slice(0, at)]: isFileHere(value) ? resolve(value) : value };
}

/** Without a dot or a slash it is more likely a word or a number than a file that has this name by chance. */
function isFileHere(value: string): boolean {
  return /[./\\]/.test(value) && existsSync(value);
}
