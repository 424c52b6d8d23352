// What a record says of time on the exchanges that its stage writes.

import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import type { RecordHeader } from '../journal/record.ts';
import type { EdgePlan } from '../plan/physical-plan.ts';
import type { Chain } from './chain.ts';

export type OutTime = Pick<RecordHeader, 'watermarks' | 'idle'>;

const NONE: readonly number[] = [];

/** `isEnded`: the task has, and so have all its exchanges. */
export function outTime(edges: readonly EdgePlan[], chain: Pick<Chain, 'edgeWatermarks' | 'idleEdges'>, isEnded: boolean): OutTime {
  const watermarks = edges.map((edge) => {
    if (edge.retired === true) return null;
    if (isEnded) return WATERMARK_MAX;
    const watermark = chain.edgeWatermarks.get(edge.index) ?? WATERMARK_MIN;
    return watermark === WATERMARK_MIN || watermark === WATERMARK_MAX ? null : watermark;
  });
  if (chain.idleEdges.size === 0 || isEnded) return { watermarks, idle: NONE };
  return { watermarks, idle: edges.flatMap(({ index }, place) => (chain.idleEdges.has(index) ? [place] : [])) };
}

/** The lowest watermark of what a source gives out; dead letters have none. */
export function lowestOut(edges: readonly EdgePlan[], { edgeWatermarks }: Pick<Chain, 'edgeWatermarks'>): number {
  const data = edges.filter(({ from, retired }) => from.node !== '*' && retired !== true);
  return Math.min(...data.map(({ index }) => edgeWatermarks.get(index) ?? WATERMARK_MIN), WATERMARK_MAX);
}

/** Equal when nothing has changed. */
export function timeText({ watermarks, idle }: OutTime): string {
  return idle.length === 0 ? watermarks.join() : `${watermarks.join()} ${idle.join()}`;
}
