// What stages send to themselves: by `feedback`, and by `sendTo` of their actors. Pure.

import type { DeclaredEdge, Live } from '../api.ts';
import { rate } from './format.ts';

export type Loop = { readonly label: string; readonly eventsPerS: number };

/** Of those edges, what is of one label together. */
export function loopsOf(edges: readonly Pick<DeclaredEdge, 'index' | 'label'>[], live: Live): readonly Loop[] {
  const perS = new Map(live.edges.map(({ index, eventsPerS }) => [index, eventsPerS]));
  const byLabel = Map.groupBy(edges, ({ label }) => label);
  return [...byLabel].map(([label, some]) => ({ label, eventsPerS: some.reduce((sum, { index }) => sum + (perS.get(index) ?? 0), 0) }));
}

/** `feedback 12/s, sendTo 3.0/s`, of each stage that has any. */
export function loopTexts(edges: readonly DeclaredEdge[], live: Live): ReadonlyMap<string, string> {
  const loops = edges.filter(({ from, to }) => from === to);
  const byStage = Map.groupBy(loops, ({ from }) => from);
  return new Map([...byStage].map(([stage, own]) => [stage, loopsOf(own, live).map(loopText).join(', ')]));
}

/** Not torn apart at the end of a line. */
export function loopText({ label, eventsPerS }: Loop): string {
  return `${label}\u00a0${rate(eventsPerS)}`;
}

const ROW = 17;
const LETTER = 6.4;
/** Letters of `↻ `, of a rate, and of the space around them. */
const AROUND = 12;

/** Of a label with a row for each of them. */
export function loopLabelSize(labels: readonly string[]): { readonly width: number; readonly height: number } {
  const rows = [...new Set(labels)];
  return { width: LETTER * (AROUND + Math.max(...rows.map(({ length }) => length))), height: ROW * rows.length };
}
