// The plan while it is made: which stage each transform lies in, and which exchanges lead where.
//
// Owns: stages, nodes and edges as they come. Does not own: the decision what lies where (plan.ts, place-stage.ts).

import type { SourceSpec } from '../../crds/stream-job/sources.ts';
import type { SinkSpec } from '../../crds/stream-job/spec.ts';
import { assert } from '../base/assert.ts';
import type { EdgePlan, NodeInput, NodePlan, OnErrorPlan, StageKind, StagePlan } from './physical-plan.ts';
import { DEAD_LETTERS, DEAD_LETTERS_SUBJECT, streamName, subjectPrefix } from './plan-names.ts';
import { eventTimeOp, sourceAlignment, sourceIdle } from './time-ops.ts';

/** An output of a node, and the stage that it comes out of. */
export type Outlet = { readonly stage: string; readonly node: string; readonly output: string | null };
/** What a node reads: an outlet of its own stage, or an edge. */
export type Inlet = { readonly from: Outlet | number; readonly side: 'left' | 'right' } & Pick<
  Extract<NodeInput, { kind: 'edge' }>,
  'untimed' | 'turn'
>;

type StageDraft = {
  readonly id: string;
  readonly kind: StageKind;
  readonly partitionCount: number;
  readonly nodes: NodePlan[];
  readonly reason: string;
  readonly fused: string[];
  readonly sharing: string[];
  readonly ordered: string[];
  readonly clocked: string[];
  readonly looped: string[];
};
type NodeDraft = Pick<NodePlan, 'id' | 'op'> & {
  readonly inputs: readonly Inlet[];
  readonly onError?: OnErrorPlan | undefined;
  readonly side?: string;
};
type EdgeOptions = { readonly toStage: string; readonly partitioning: EdgePlan['partitioning']; readonly label: string };

export class Placement {
  readonly #job: string;
  readonly #stages = new Map<string, StageDraft>();
  readonly #edges: EdgePlan[] = [];
  /** Outlets by what users write: `name`, `name.output`. Several: the transform runs in several stages. */
  readonly #outlets = new Map<string, readonly Outlet[]>();
  /** By structure: stages and key nodes that equal needs share. */
  readonly #sharedStages = new Map<string, string>();
  readonly #sharedNodes = new Map<string, Outlet>();

  constructor(job: string) {
    this.#job = job;
  }

  addSource(spec: SourceSpec, partitionCount: number): void {
    this.addStage({
      id: spec.name,
      kind: 'source',
      partitionCount,
      reason: `a source begins a stage, ${partitionCount === 1 ? 'its one split is its partition' : `each of its ${partitionCount} splits is a partition`}`,
    });
    const op = { kind: 'source' as const, spec, ...sourceIdle(spec), ...sourceAlignment(spec) };
    const read = this.addNode(spec.name, { id: spec.name, inputs: [], op });
    const { eventTime } = spec;
    const outlet =
      eventTime === undefined
        ? read
        : this.addNode(spec.name, {
            id: `${spec.name}/time`,
            inputs: [{ from: read, side: 'left' }],
            op: eventTimeOp(eventTime),
          });
    this.publish(spec.name, [outlet]);
  }

  addSink(spec: SinkSpec, edges: readonly number[]): void {
    this.addStage({
      id: spec.name,
      kind: 'sink',
      partitionCount: 1,
      reason: 'a sink is a stage of its own: a slow one holds up only what feeds it',
    });
    this.addNode(spec.name, { id: spec.name, inputs: edges.map((from) => ({ from, side: 'left' })), op: { kind: 'sink', spec } });
  }

  addStage({
    id,
    kind,
    partitionCount,
    reason,
  }: {
    readonly id: string;
    readonly kind: StageKind;
    readonly partitionCount: number;
    readonly reason: string;
  }): void {
    assert(!this.#stages.has(id), () => `stage ${id} is new`);
    this.#stages.set(id, { id, kind, partitionCount, nodes: [], reason, fused: [], sharing: [], ordered: [], clocked: [], looped: [] });
  }

  /** The stage that already serves `structure`, or `id` from now on. */
  share(structure: string, id: string): string {
    const stage = this.#sharedStages.get(structure) ?? id;
    this.#sharedStages.set(structure, stage);
    return stage;
  }

  /** The node that already serves `structure`, or what `make` adds. */
  shareNode(structure: string, make: () => Outlet): Outlet {
    const node = this.#sharedNodes.get(structure) ?? make();
    this.#sharedNodes.set(structure, node);
    return node;
  }

  /** Notes, for the reader of the plan, that `name` lies in `stage`, and why. */
  note(stage: string, why: 'fused' | 'sharing' | 'ordered' | 'clocked' | 'looped', name: string): void {
    this.#stage(stage)[why].push(name);
  }

  addNode(stage: string, { id, inputs, op, onError, side }: NodeDraft): Outlet {
    const { nodes } = this.#stage(stage);
    assert(!nodes.some((node) => node.id === id), () => `node ${id} is new in stage ${stage}`);
    const more = { ...(onError === undefined ? {} : { onError }), ...(side === undefined ? {} : { side }) };
    nodes.push({ id, inputs: inputs.map((inlet) => toInput(inlet, stage)), op, ...more });
    return { stage, node: id, output: null };
  }

  /** The index of the edge that takes `from` to `toStage`; made when it is not there. */
  addEdge(from: Outlet, { toStage, partitioning, label }: EdgeOptions): number {
    const same = this.#edges.find(
      (edge) =>
        edge.toStage === toStage && edge.fromStage === from.stage && edge.from.node === from.node && edge.from.output === from.output,
    );
    if (same !== undefined) return same.index;
    const index = this.#edges.length;
    // A transform that runs in several stages has an edge from each: the stage tells them apart.
    const place =
      label === from.stage || label.startsWith(`${from.stage}.`) || label.startsWith(`${from.stage}/`) ? label : `${from.stage}/${label}`;
    this.#edges.push({
      index,
      id: `${place}→${toStage}`,
      fromStage: from.stage,
      from: { node: from.node, output: from.output },
      toStage,
      partitioning,
    });
    return index;
  }

  /** Makes `outlets` known under the name that users write. */
  publish(reference: string, outlets: readonly Outlet[]): void {
    this.#outlets.set(reference, outlets);
  }

  /** Outlets of `name` or `name.output`; of an output that is not known by itself (what functions emit), those of its stage. */
  outletsOf(reference: string): readonly Outlet[] {
    const own = this.#outlets.get(reference);
    if (own !== undefined) return own;
    const dot = reference.indexOf('.');
    const found = this.#outlets.get(reference.slice(0, dot));
    assert(dot > 0 && found !== undefined, () => `${reference} is an output (rules-graph)`);
    return found.map((outlet) => ({ ...outlet, output: reference.slice(dot + 1) }));
  }

  partitionCountOf(stage: string): number {
    return this.#stage(stage).partitionCount;
  }

  stageIds(): readonly string[] {
    return [...this.#stages.keys()];
  }

  finish(): { readonly stages: readonly StagePlan[]; readonly edges: readonly EdgePlan[] } {
    const kinds: readonly StageKind[] = ['source', 'keyed', 'sink'];
    const drafts = kinds.flatMap((kind) => [...this.#stages.values()].filter((stage) => stage.kind === kind));
    const indicesOf = (holds: (edge: EdgePlan) => boolean): readonly number[] => this.#edges.filter(holds).map(({ index }) => index);
    const stages = drafts.map(({ id, kind, partitionCount, nodes, ...why }, index) => ({
      id,
      index,
      kind,
      partitionCount,
      nodes,
      inputs: indicesOf(({ toStage }) => toStage === id),
      outputs: indicesOf(({ fromStage }) => fromStage === id),
      stream: streamName(this.#job, streamPart(id, kind)),
      subjectPrefix: subjectPrefix(this.#job, id),
      reasons: reasonsOf(why),
    }));
    return { stages, edges: this.#edges };
  }

  #stage(id: string): StageDraft {
    const found = this.#stages.get(id);
    assert(found !== undefined, () => `stage ${id} is there`);
    return found;
  }
}

function reasonsOf({
  reason,
  fused,
  sharing,
  ordered,
  clocked,
  looped,
}: Pick<StageDraft, 'reason' | 'fused' | 'sharing' | 'ordered' | 'clocked' | 'looped'>): readonly string[] {
  const sentences = [reason];
  if (sharing.length > 0)
    sentences.push(`${sharing.join(', ')} ${sharing.length > 1 ? 'share' : 'shares'} it: the same input by the same key`);
  if (ordered.length > 0)
    sentences.push(
      `events wait for the watermark, so that ${ordered.join(', ')} ${ordered.length > 1 ? 'see' : 'sees'} them in event-time order`,
    );
  if (clocked.length > 0)
    sentences.push(`${clocked.join(', ')} ${clocked.length > 1 ? 'work' : 'works'} by the clock: events happen when they come here`);
  if (looped.length > 0)
    sentences.push('what comes back to it comes by an exchange to itself; the watermark stays behind what is on its way');
  if (fused.length > 0)
    sentences.push(`${fused.join(', ')} ${fused.length > 1 ? 'run here too: they need' : 'runs here too: it needs'} no other key`);
  return sentences;
}

/** Sinks write little and are many: they share a journal stream. Dead letters have one to themselves, so that a flood of
 *  them fills no other sink's. */
function streamPart(id: string, kind: StageKind): string {
  if (id === DEAD_LETTERS || id === DEAD_LETTERS_SUBJECT) return 'dead';
  return kind === 'sink' ? 'sinks' : id;
}

function toInput({ from, side, ...edge }: Inlet, stage: string): NodeInput {
  if (typeof from === 'number') return { kind: 'edge', edge: from, side, ...edge };
  assert(from.stage === stage, () => `${from.node} lies in stage ${stage}`);
  return { kind: 'node', from: { node: from.node, output: from.output }, side };
}
