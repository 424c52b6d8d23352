// A chart as it was a version ago: without a field of the definition that came since.

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const chart = fileURLToPath(new URL('../../../charts/millrace', import.meta.url));
const DEFINITION = 'templates/crds/millrace.dev_streamjobs.yaml';

/** Makes it in `folder`; gives its path. */
export async function makeOldChart(folder: string, field: string): Promise<string> {
  const path = join(folder, 'millrace');
  await cp(chart, path, { recursive: true });
  await edit(join(path, 'Chart.yaml'), (text) => text.replace(/^version: .*$/m, 'version: 0.0.9'));
  await edit(join(path, DEFINITION), (text) => withoutKey(text, field));
  return path;
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const before = await readFile(file, 'utf8');
  const after = change(before);
  if (after === before) throw new Error(`nothing to change in ${file}`);
  await writeFile(file, after);
}

/** YAML without `key:` and what is below it, wherever it stands. */
function withoutKey(text: string, key: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.trim() === `${key}:`);
  if (at === -1) return text;
  const indent = lines[at]?.search(/\S/) ?? 0;
  const length = lines.slice(at + 1).findIndex((line) => line.search(/\S/) <= indent);
  if (length === -1) throw new Error(`${key} has no end`);
  return withoutKey(lines.toSpliced(at, length + 1).join('\n'), key);
}
