// `--set name=value`: the value of a parameter of the job.

import { InvalidArgumentError } from 'commander';

/** Adds one `name=value` to those before it. */
export function addParameter(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError(`must be name=value, not ${JSON.stringify(text)}.`);
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
