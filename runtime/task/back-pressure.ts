// Back-pressure of a task on the lanes that it reads: which it reads on, while so much of what it has read waits that no more should.
//
//   BP1. Where a node is crowded (transforms/transform.ts, `room`), the lanes that hold its watermark back are read on: what waits is let
//        go by them. The others are not, however far they have come. So there is always something to read, or nothing there.
//   BP2. A lane is read whole. One that a crowded node waits for is read on, whatever it is to another.
//   BP4. What was taken in counts at once, not only when watermarks have risen: a step that is long takes in several times before that.
//   BP3. Lanes that are idle, have ended or count for no watermark are read on: they bring nothing that waits, or are to speak first.

import { WATERMARK_MAX } from '../event/batch.ts';
import type { Together } from '../time/watermark.ts';
import { isFeedback, type NodePlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';

export const NO_LANES: ReadonlySet<string> = new Set();

/** Of a node: how many more events it may keep (undefined: as many as come), and what it knows of its inputs. */
export type Crowding = { readonly room: number | undefined; readonly watermarks: readonly number[]; readonly idle: readonly boolean[] };

/** What is looked at: nodes, and what was taken in of exchanges, of which nodes learn when watermarks rise only (BP4). */
export type Crowded = {
  readonly crowdingOf: (nodeId: string) => Crowding;
  readonly edgeTimes: () => ReadonlyMap<number, Together>;
};

/** `lanes`: by input, the stages whose lanes lead to it. */
type Watched = { readonly id: string; readonly inputs: NodePlan['inputs']; readonly lanes: readonly ReadonlySet<string>[] };

export class BackPressure {
  readonly #watched: readonly Watched[];
  readonly #crowded: Crowded;

  constructor(plan: Pick<PhysicalPlan, 'edges'>, stage: Pick<StagePlan, 'nodes'>, crowded: Crowded) {
    this.#crowded = crowded;
    this.#watched = stage.nodes
      .filter(({ op }) => op.kind === 'sideInput')
      .map(({ id, inputs }) => ({ id, inputs, lanes: inputs.map((input) => lanesOf(input, plan, stage)) }));
  }

  /** Stages whose lanes are not to be taken in for now. */
  get lanes(): ReadonlySet<string> {
    if (this.#watched.length === 0) return NO_LANES;
    const [stopped, wanted] = [new Set<string>(), new Set<string>()];
    for (const { id, lanes, inputs } of this.#watched) {
      const crowding = this.#crowded.crowdingOf(id);
      if (crowding.room !== 0) continue;
      const { lowest, others } = apart(inputs, crowding, this.#crowded.edgeTimes());
      for (const input of others) for (const lane of lanes[input] ?? []) stopped.add(lane);
      for (const input of lowest) for (const lane of lanes[input] ?? []) wanted.add(lane);
    }
    for (const lane of wanted) stopped.delete(lane); // BP2
    return stopped;
  }

  /** How many more events may come before a node is crowded, 0 where one is; Infinity: any number. Lanes that are read on go on with few then. */
  get room(): number {
    const rooms = this.#watched.map(({ id }) => this.#crowded.crowdingOf(id).room ?? Infinity);
    return Math.min(...rooms, Infinity);
  }
}

/** Of the inputs of a node: those that hold its watermark back, and the others (BP3). */
function apart(inputs: NodePlan['inputs'], { watermarks, idle }: Crowding, edges: ReadonlyMap<number, Together>) {
  const open = inputs.flatMap((from, input) => {
    const known = { watermark: watermarks[input] ?? WATERMARK_MAX, isIdle: idle[input] === true };
    // That of one that counts for nothing is at its end, whatever was taken in.
    const now = from.kind === 'edge' && known.watermark !== WATERMARK_MAX ? (edges.get(from.edge) ?? known) : known;
    return now.isIdle || now.watermark === WATERMARK_MAX ? [] : [{ input, watermark: now.watermark }];
  });
  const lowestMs = Math.min(...open.map(({ watermark }) => watermark));
  const of = (isLowest: boolean): number[] =>
    open.flatMap(({ input, watermark }) => ((watermark === lowestMs) === isLowest ? [input] : []));
  return { lowest: of(true), others: of(false) };
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
