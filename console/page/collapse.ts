// Large jobs in few boxes: stages at the same distance from the sources stand together until somebody opens them. Pure.
//
//   CO1. However many stages there are, no more than OPENED_MAX boxes are drawn beside what cannot be collapsed: groups have at most
//        GROUP_MAX stages, and opening one closes others when there would be more.
//   CO2. An opened group is a column that can be read: as small as it may be with about GROUPS in all.

import type { DeclaredEdge, DeclaredStage, Live } from '../api.ts';

/** Up to this many stages each has its own box. */
export const BOXES_MAX = 60;
const GROUP_MIN = 4;
const GROUP_MAX = 100;
/** A column of this many boxes can be read in a window. */
const COLUMN = 16;
const GROUPS = 30;
/** What browsers move without effort. */
export const OPENED_MAX = 160;

export type Shown =
  | { readonly kind: 'stage'; readonly id: string; readonly stage: DeclaredStage }
  | { readonly kind: 'group'; readonly id: string; readonly stages: readonly DeclaredStage[] };
export type ShownEdge = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly labels: readonly string[];
  readonly indices: readonly number[];
};

/** What is drawn of the stages; `opened`: ids of groups that are shown stage by stage. */
export function collapse(
  stages: readonly DeclaredStage[],
  edges: readonly DeclaredEdge[],
  opened: ReadonlySet<string>,
): { readonly shown: readonly Shown[]; readonly edges: readonly ShownEdge[] } {
  const groups = new Map<string, DeclaredStage[]>();
  const depths = stages.length > BOXES_MAX ? depthsOf(stages, edges) : null;
  for (const stage of stages) {
    const name = depths === null ? `stage ${stage.id}` : `group ${depths.get(stage.id) ?? 0} ${stage.kind}`;
    const known = groups.get(name);
    if (known === undefined) groups.set(name, [stage]);
    else known.push(stage);
  }
  split(groups, Math.min(GROUP_MAX, Math.max(COLUMN, Math.ceil(stages.length / GROUPS))));
  const shown = [...groups].flatMap(([id, members]): Shown[] =>
    depths === null || members.length < GROUP_MIN || opened.has(id)
      ? members.map((stage) => ({ kind: 'stage', id: stage.id, stage }))
      : [{ kind: 'group', id, stages: members }],
  );
  const boxOf = new Map(
    shown.flatMap((one) => (one.kind === 'stage' ? [[one.id, one.id]] : one.stages.map(({ id }) => [id, one.id]))) as [string, string][],
  );
  return { shown, edges: mergedEdges(edges, boxOf) };
}

/** The groups that are open when one more is opened: the one alone when there would be too many boxes (CO1). */
export function opening(
  id: string,
  opened: ReadonlySet<string>,
  stages: readonly DeclaredStage[],
  edges: readonly DeclaredEdge[],
): ReadonlySet<string> {
  const all = new Set([...opened, id]);
  return collapse(stages, edges, all).shown.length <= OPENED_MAX ? all : new Set([id]);
}

/** CO1, CO2: into parts of about the same size. */
function split(groups: Map<string, DeclaredStage[]>, sizeMax: number): void {
  for (const [name, members] of groups) {
    if (members.length <= sizeMax) continue;
    groups.delete(name);
    const size = Math.ceil(members.length / Math.ceil(members.length / sizeMax));
    for (let from = 0; from < members.length; from += size) groups.set(`${name} from ${from + 1}`, members.slice(from, from + size));
  }
}

function mergedEdges(edges: readonly DeclaredEdge[], boxOf: ReadonlyMap<string, string>): readonly ShownEdge[] {
  const byEnds = new Map<string, { from: string; to: string; labels: string[]; indices: number[] }>();
  for (const { from, to, index, label } of edges) {
    const ends = [boxOf.get(from), boxOf.get(to)];
    if (ends[0] === undefined || ends[1] === undefined || (ends[0] === ends[1] && from !== to)) continue;
    const id = ends.join(' → ');
    const known = byEnds.get(id) ?? { from: ends[0], to: ends[1], labels: [], indices: [] };
    known.labels.push(label);
    known.indices.push(index);
    byEnds.set(id, known);
  }
  return [...byEnds].map(([id, edge]) => ({ id, ...edge }));
}

/** Longest way from a source. Stages come in topological order. */
function depthsOf(stages: readonly DeclaredStage[], edges: readonly DeclaredEdge[]): ReadonlyMap<string, number> {
  const before = new Map<string, string[]>();
  for (const { from, to } of edges) if (from !== to) before.set(to, [...(before.get(to) ?? []), from]);
  const depths = new Map<string, number>();
  for (const { id } of stages) depths.set(id, Math.max(-1, ...(before.get(id) ?? []).map((from) => depths.get(from) ?? 0)) + 1);
  return depths;
}

export function rateOf({ indices }: ShownEdge, live: Live): number {
  return live.edges.reduce((sum, { index, eventsPerS }) => sum + (indices.includes(index) ? eventsPerS : 0), 0);
}

/** Lag as seconds of work at the pace of now: what counts is not how many wait, but for how long. */
export function heatOf(lagEvents: number | null, perS: number): 'none' | 'low' | 'middle' | 'high' {
  if (lagEvents === null || lagEvents === 0) return 'none';
  const seconds = perS > 0 ? lagEvents / perS : lagEvents > 1_000 ? Infinity : 1;
  return seconds < 2 ? 'low' : seconds < 15 ? 'middle' : 'high';
}
