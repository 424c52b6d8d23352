// Which lanes a task reads on, while so much of what it has read waits that no more should.
//
//   LA1. Where a node is crowded (transforms/transform.ts, `room`), the lanes that hold its watermark back are read on: what waits is let
//        go by them. Those that are ahead are not. So there is always something to read, or nothing there.
//   LA2. A lane is read whole. One that is ahead for a node and behind for another that is crowded is read on.
//   LA4. What was taken in counts at once, not only when watermarks have risen: a step that is long takes in several times before that.
//   LA3. Lanes that are idle, have ended or count for no watermark are read on: they bring nothing that waits, or are to speak first.

import { WATERMARK_MAX } from '../event/batch.ts';
import type { Together } from '../time/watermark.ts';
import { isFeedback, type NodePlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';

export const NO_LANES: ReadonlySet<string> = new Set();

/** Of a node: how many more events it may keep (undefined: as many as come), and what it knows of its inputs. */
export type Crowding = { readonly room: number | undefined; readonly watermarks: readonly number[]; readonly idle: readonly boolean[] };

/** What is looked at: nodes, and what was taken in of exchanges, of which nodes learn when watermarks rise only (LA4). */
export type Crowded = {
  readonly crowdingOf: (nodeId: string) => Crowding;
  readonly edgeTimes: () => ReadonlyMap<number, Together>;
};

/** `lanes`: by input, the stages whose lanes lead to it. */
type Watched = { readonly id: string; readonly inputs: NodePlan['inputs']; readonly lanes: readonly ReadonlySet<string>[] };

export class LanesAhead {
  readonly #watched: readonly Watched[];
  readonly #crowded: Crowded;

  constructor(plan: Pick<PhysicalPlan, 'edges'>, stage: Pick<StagePlan, 'nodes'>, crowded: Crowded) {
    this.#crowded = crowded;
    this.#watched = stage.nodes
      .filter(({ op }) => op.kind === 'sideInput')
      .map(({ id, inputs }) => ({ id, inputs, lanes: inputs.map((input) => lanesOf(input, plan, stage)) }));
  }

  /** Stages whose lanes are not to be taken in for now. */
  get held(): ReadonlySet<string> {
    if (this.#watched.length === 0) return NO_LANES;
    const [held, wanted] = [new Set<string>(), new Set<string>()];
    for (const { id, lanes, inputs } of this.#watched) {
      const crowding = this.#crowded.crowdingOf(id);
      if (crowding.room !== 0) continue;
      const { behind, ahead } = paces(inputs, crowding, this.#crowded.edgeTimes());
      for (const input of ahead) for (const lane of lanes[input] ?? []) held.add(lane);
      for (const input of behind) for (const lane of lanes[input] ?? []) wanted.add(lane);
    }
    for (const lane of wanted) held.delete(lane); // LA2
    return held;
  }

  /** How many more events may come before a node is crowded, 0 where one is; Infinity: any number. Lanes that are not held go on with few then. */
  get room(): number {
    const rooms = this.#watched.map(({ id }) => this.#crowded.crowdingOf(id).room ?? Infinity);
    return Math.min(...rooms, Infinity);
  }
}

/** Of the inputs of a node: those that hold its watermark back, and those that are ahead (LA3). */
function paces(inputs: NodePlan['inputs'], { watermarks, idle }: Crowding, edges: ReadonlyMap<number, Together>) {
  const open = inputs.flatMap((from, input) => {
    const known = { watermark: watermarks[input] ?? WATERMARK_MAX, isIdle: idle[input] === true };
    // That of one that counts for nothing is at its end, whatever was taken in.
    const now = from.kind === 'edge' && known.watermark !== WATERMARK_MAX ? (edges.get(from.edge) ?? known) : known;
    return now.isIdle || now.watermark === WATERMARK_MAX ? [] : [{ input, watermark: now.watermark }];
  });
  const lowest = Math.min(...open.map(({ watermark }) => watermark));
  const of = (isBehind: boolean): number[] => open.flatMap(({ input, watermark }) => ((watermark === lowest) === isBehind ? [input] : []));
  return { behind: of(true), ahead: of(false) };
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
