// Where the time of a .cpuprofile went: by function and by folder, own time only.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aligned } from './table.ts';

type Node = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
};
type Profile = { readonly nodes: readonly Node[]; readonly samples: readonly number[]; readonly timeDeltas: readonly number[] };

const ROWS = 40;
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A table for people. What waited is left out; shares are of what worked. */
export function hotSpots(path: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const [byFunction, byFile] = [new Map<string, number>(), new Map<string, number>()];
  let total = 0;
  samples.forEach((id, index) => {
    const { functionName, url, lineNumber } = (byId.get(id) as Node).callFrame;
    if (functionName === '(idle)') return;
    const ms = (timeDeltas[index] ?? 0) / 1000;
    total += ms;
    const file = placeOf(url);
    const name = functionName === '' ? '(anonymous)' : functionName;
    add(byFunction, file === '' ? name : `${name} ${file}:${lineNumber + 1}`, ms);
    add(byFile, file === '' ? name : file, ms);
  });
  return [`${Math.round(total)} ms of work`, tableOf(byFunction, total), tableOf(byFile, total)].join('\n\n');
}

function placeOf(url: string): string {
  const path = url.startsWith('file://') ? fileURLToPath(url) : url;
  if (path.startsWith(root)) return path.slice(root.length);
  const packages = path.lastIndexOf('node_modules/');
  return packages < 0 ? path : path.slice(packages);
}

function add(sums: Map<string, number>, name: string, ms: number): void {
  sums.set(name, (sums.get(name) ?? 0) + ms);
}

function tableOf(sums: ReadonlyMap<string, number>, total: number): string {
  const rows = [...sums].sort(([, a], [, b]) => b - a).slice(0, ROWS);
  return aligned(
    rows.map(([name, ms]) => [`${((100 * ms) / total).toFixed(1)} %`, `${Math.round(ms)} ms`, name]),
    'last left',
  );
}
