// Where the time of a .cpuprofile went: by function, own time only; and by function of ours, with all that it called of
// Node and of packages. Loading modules is one line: it is the price of starting.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aligned } from './table.ts';

type Node = {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
};
type Profile = { readonly nodes: readonly Node[]; readonly samples: readonly number[]; readonly timeDeltas: readonly number[] };

const ROWS = 30;
const LOADING = /^node:internal\/(modules|deps|bootstrap)|^wasm:/;
const root = fileURLToPath(new URL('../../', import.meta.url));

/** A table for people. What waited is left out; shares are of what worked. */
export function hotSpots(path: string): string {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8')) as Profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const [own, ours] = [new Map<string, number>(), new Map<string, number>()];
  let total = 0;
  samples.forEach((id, index) => {
    const node = byId.get(id) as Node;
    if (node.callFrame.functionName === '(idle)') return;
    const ms = (timeDeltas[index] ?? 0) / 1000;
    total += ms;
    add(own, nameOf(node), ms);
    add(
      ours,
      callerOf(node, (of) => byId.get(parents.get(of.id) ?? -1)),
      ms,
    );
  });
  return [`${Math.round(total)} ms of work`, tableOf(own, total), tableOf(ours, total)].join('\n\n');
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: Node): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${placeOf(url)}:${lineNumber + 1}`;
}

/** The innermost function of ours that led here. */
function callerOf(node: Node, parentOf: (node: Node) => Node | undefined): string {
  for (let at: Node | undefined = node; at !== undefined; at = parentOf(at)) {
    if (LOADING.test(at.callFrame.url)) return '(loading modules)';
    if (at.callFrame.url.startsWith('file:') && !at.callFrame.url.includes('node_modules')) return nameOf(at);
  }
  return nameOf(node);
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
