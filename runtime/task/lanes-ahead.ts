// Which lanes a task reads on, while so much of what it has read waits that no more should.
//
//   LA1. Where a node is crowded (transforms/transform.ts, `room`), the lanes that hold its watermark back are read on: what waits is let
//        go by them. Those that are ahead are not. So there is always something to read, or nothing there.
//   LA2. A lane is read whole. One that is ahead for a node and behind for another that is crowded is read on.
//   LA3. Lanes that are idle, have ended or count for no watermark are read on: they bring nothing that waits, or are to speak first.

import { WATERMARK_MAX } from '../event/batch.ts';
import { isFeedback, type NodePlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';

export const NO_LANES: ReadonlySet<string> = new Set();

/** Of a node: how many more events it may keep, and which of its inputs hold its watermark back or are ahead. Idle ones are neither. */
export type Crowding = { readonly room: number; readonly behind: readonly number[]; readonly ahead: readonly number[] };

/** `lanes`: by input, the stages whose lanes lead to it. */
type Watched = { readonly id: string; readonly lanes: readonly ReadonlySet<string>[] };

export class LanesAhead {
  readonly #watched: readonly Watched[];
  readonly #crowdingOf: (nodeId: string) => Crowding;

  constructor(plan: Pick<PhysicalPlan, 'edges'>, stage: Pick<StagePlan, 'nodes'>, crowding: (nodeId: string) => Crowding) {
    this.#crowdingOf = crowding;
    this.#watched = stage.nodes
      .filter(({ op }) => op.kind === 'sideInput')
      .map(({ id, inputs }) => ({ id, lanes: inputs.map((input) => lanesOf(input, plan, stage)) }));
  }

  /** Stages whose lanes are not to be taken in for now. */
  get held(): ReadonlySet<string> {
    if (this.#watched.length === 0) return NO_LANES;
    const [held, wanted] = [new Set<string>(), new Set<string>()];
    for (const { id, lanes } of this.#watched) {
      const { room, ahead, behind } = this.#crowdingOf(id);
      if (room > 0) continue;
      for (const input of ahead) for (const lane of lanes[input] ?? []) held.add(lane);
      for (const input of behind) for (const lane of lanes[input] ?? []) wanted.add(lane);
    }
    for (const lane of wanted) held.delete(lane); // LA2
    return held;
  }

  /** How many events of lanes that are not held may come; Infinity: any number. */
  get room(): number {
    const rooms = this.#watched.map(({ id }) => this.#crowdingOf(id).room).filter((room) => room > 0);
    return Math.min(...rooms, Infinity);
  }
}

/** `room`: how many more it may keep. By input: its watermark, and whether it is idle. */
export function crowdingOf(room: number, watermarks: readonly number[], idle: readonly boolean[]): Crowding {
  if (room > 0) return { room, behind: [], ahead: [] };
  const open = watermarks.flatMap((watermark, input) =>
    idle[input] === true || watermark === WATERMARK_MAX ? [] : [{ watermark, input }],
  );
  const lowest = Math.min(...open.map(({ watermark }) => watermark));
  const [behind, ahead] = [open.filter(({ watermark }) => watermark === lowest), open.filter(({ watermark }) => watermark !== lowest)];
  return { room, behind: behind.map(({ input }) => input), ahead: ahead.map(({ input }) => input) };
}

/** Stages of whose lanes something comes to that input, itself or through other nodes. */
function lanesOf(
  input: NodePlan['inputs'][number],
  plan: Pick<PhysicalPlan, 'edges'>,
  stage: Pick<StagePlan, 'nodes'>,
): ReadonlySet<string> {
  if (input.kind === 'edge') {
    const edge = plan.edges[input.edge];
    return edge === undefined || isFeedback(edge) ? NO_LANES : new Set([edge.fromStage]);
  }
  const from = stage.nodes.find(({ id }) => id === input.from.node);
  return new Set((from?.inputs ?? []).flatMap((each) => [...lanesOf(each, plan, stage)]));
}
