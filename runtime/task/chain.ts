// The fused transforms of one stage, run for one partition: batches and watermarks go through in topological order.
//
// Owns: routing between nodes, watermarks per node, what leaves on edges. Does not own: state (state/), commits (step.ts).
//   H1. Synchronous: when `push` or `advance` returns, everything they caused has reached the edges.
//   H2. A node's watermark is the minimum over its inputs and never goes back.
//   H3. On a rise, timers due at or before the new watermark fire first, in order, then the transform's onWatermark.
//   H4. Where another plan left nodes and edges otherwise connected, `settle` lets watermarks rise to what the inputs allow now.

import { assert } from '../base/assert.ts';
import type { Batch, DeadLetter } from '../event/batch.ts';
import { WATERMARK_MIN } from '../event/batch.ts';
import type { EdgePlan, NodePlan, StagePlan } from '../plan/physical-plan.ts';
import type { PartitionState } from '../state/partition-state.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import type { StepContext, Table, Timer, Transform } from '../transforms/transform.ts';

/** What one step let out of the stage. */
export type ChainOutput = {
  /** By edge index: batches in emission order. */
  readonly edges: ReadonlyMap<number, Batch[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly filtered: number;
  readonly late: number;
};

export type ChainParts = {
  readonly stage: StagePlan;
  readonly edges: readonly EdgePlan[];
  readonly state: PartitionState;
  readonly makeTransform: (node: NodePlan) => Transform;
  readonly table: (name: string) => Table;
};

/** Per node id: input and output watermark. */
export type NodeWatermarks = Readonly<Record<string, readonly [input: number, output: number]>>;

type Target = { readonly kind: 'node'; readonly node: Node; readonly input: number } | { readonly kind: 'edge'; readonly edge: number };

export class Chain {
  nowMs = 0;
  ingestMs = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #byEdge = new Map<number, { node: Node; input: number }[]>();
  readonly #sources: Node[] = [];
  readonly edgeWatermarks = new Map<number, number>();
  edgeBatches = new Map<number, Batch[]>();
  deadLetters: DeadLetter[] = [];
  filtered = 0;
  late = 0;

  constructor(parts: ChainParts) {
    for (const plan of parts.stage.nodes) this.#nodes.set(plan.id, new Node(this, plan, parts));
    for (const node of this.#nodes.values()) this.#wire(node, parts);
    for (const index of parts.stage.outputs) {
      const edge = parts.edges[index];
      assert(edge !== undefined, `edge ${index} is in the plan`);
      if (edge.retired === true) continue;
      this.edgeWatermarks.set(index, WATERMARK_MIN);
      if (edge.from.node !== '*') this.#node(edge.from.node).addTarget(edge.from.output, { kind: 'edge', edge: index });
    }
  }

  /** Events that came on edge `edge`. */
  pushEdge(edge: number, batch: Batch): void {
    for (const { node, input } of this.#byEdge.get(edge) ?? []) node.receive(input, batch);
  }

  /** Events of the stage's own source. */
  pushSource(batch: Batch): void {
    for (const node of this.#sources) node.receive(0, batch);
  }

  /** The watermark of an edge, over all partitions it comes from, is now `watermark`. */
  advanceEdge(edge: number, watermark: number): void {
    for (const { node, input } of this.#byEdge.get(edge) ?? []) node.advance(input, watermark);
  }

  advanceSource(watermark: number): void {
    for (const node of this.#sources) node.advance(0, watermark);
  }

  /** After the state was restored and before the first event: watermarks as they stood, by edge and by node. */
  restored(edges: ReadonlyMap<number, number>, nodes: NodeWatermarks): void {
    for (const node of this.#nodes.values()) node.restored(edges, nodes);
    for (const edge of this.edgeWatermarks.keys()) {
      const from = [...this.#nodes.values()].find((node) => node.feedsEdge(edge));
      if (from !== undefined) this.edgeWatermarks.set(edge, nodes[from.nodeId]?.[1] ?? WATERMARK_MIN);
    }
  }

  /** H4; once, after `restored`. Inputs that hold a watermark back may be gone, and nodes between others may be new. */
  settle(): void {
    for (const node of this.#nodes.values()) node.settle();
  }

  /** What left since the last call. */
  take(): ChainOutput {
    const output = { edges: this.edgeBatches, deadLetters: this.deadLetters, filtered: this.filtered, late: this.late };
    this.edgeBatches = new Map();
    this.deadLetters = [];
    this.filtered = 0;
    this.late = 0;
    return output;
  }

  /** Input and output watermark per node: stored in each record, so that a restart judges lateness as before. */
  watermarks(): NodeWatermarks {
    return Object.fromEntries([...this.#nodes].map(([id, node]) => [id, [node.watermark, node.emitted] as const]));
  }

  #node(id: string): Node {
    const found = this.#nodes.get(id);
    assert(found !== undefined, `node ${id} is in its stage`);
    return found;
  }

  #wire(node: Node, parts: ChainParts): void {
    if (node.plan.op.kind === 'source') this.#sources.push(node);
    node.plan.inputs.forEach((input, index) => {
      if (input.kind === 'node') {
        this.#node(input.from.node).addTarget(input.from.output, { kind: 'node', node, input: index });
        return;
      }
      assert(parts.stage.inputs.includes(input.edge), `edge ${input.edge} leads to stage ${parts.stage.id}`);
      const readers = this.#byEdge.get(input.edge) ?? [];
      readers.push({ node, input: index });
      this.#byEdge.set(input.edge, readers);
    });
  }
}

/** One transform in its place; it is also the context that the transform sees. */
class Node implements StepContext {
  readonly plan: NodePlan;
  readonly nodeId: string;
  readonly cells: KeyedCells;
  watermark = WATERMARK_MIN;
  watermarkNext = WATERMARK_MIN;
  emitted = WATERMARK_MIN;
  readonly #chain: Chain;
  readonly #state: PartitionState;
  readonly #transform: Transform | null;
  readonly #table: (name: string) => Table;
  readonly #inputWatermarks: number[];
  readonly #main: Target[] = [];
  readonly #named = new Map<string, Target[]>();
  readonly #all: Target[] = [];

  constructor(chain: Chain, plan: NodePlan, parts: ChainParts) {
    this.#chain = chain;
    this.plan = plan;
    this.nodeId = plan.id;
    this.#state = parts.state;
    this.cells = parts.state.cells(plan.id);
    this.#table = parts.table;
    this.#transform = plan.op.kind === 'source' ? null : parts.makeTransform(plan);
    this.#inputWatermarks = Array.from({ length: Math.max(1, plan.inputs.length) }, () => WATERMARK_MIN);
  }

  get nowMs(): number {
    return this.#chain.nowMs;
  }

  get ingestMs(): number {
    return this.#chain.ingestMs;
  }

  addTarget(output: string | null, target: Target): void {
    this.#all.push(target);
    if (output === null) this.#main.push(target);
    else this.#named.set(output, [...(this.#named.get(output) ?? []), target]);
  }

  receive(input: number, batch: Batch): void {
    if (batch.values.length === 0) return;
    if (this.#transform === null) this.emit(batch);
    else this.#transform.onBatch(batch, this, this.plan.inputs[input]?.side ?? 'left');
  }

  advance(input: number, watermark: number): void {
    if (watermark <= (this.#inputWatermarks[input] ?? WATERMARK_MIN)) return;
    this.#inputWatermarks[input] = watermark;
    this.#rise(this.#inputWatermarks.length === 1 ? watermark : Math.min(...this.#inputWatermarks));
  }

  settle(): void {
    this.#rise(Math.min(...this.#inputWatermarks));
  }

  #rise(lowest: number): void {
    if (lowest <= this.watermark) return;
    this.watermarkNext = lowest;
    this.#fireTimers(lowest);
    if (this.#transform?.onWatermark === undefined) this.emitWatermark(lowest);
    else this.#transform.onWatermark(lowest, this);
    this.watermark = lowest;
  }

  restored(edges: ReadonlyMap<number, number>, nodes: NodeWatermarks): void {
    const own = nodes[this.nodeId];
    if (own !== undefined) [this.watermark, this.emitted] = own;
    this.watermarkNext = this.watermark;
    this.plan.inputs.forEach((input, index) => {
      const known = input.kind === 'edge' ? edges.get(input.edge) : nodes[input.from.node]?.[1];
      this.#inputWatermarks[index] = known ?? WATERMARK_MIN;
    });
    if (this.plan.inputs.length === 0) this.#inputWatermarks[0] = this.watermark;
    this.#transform?.restored?.(this);
  }

  feedsEdge(edge: number): boolean {
    return this.#all.some((target) => target.kind === 'edge' && target.edge === edge);
  }

  emit(batch: Batch, output?: string): void {
    if (batch.values.length === 0) return;
    const targets = output === undefined ? this.#main : (this.#named.get(output) ?? []);
    for (const target of targets) {
      if (target.kind === 'node') target.node.receive(target.input, batch);
      else this.#collect(target.edge, batch);
    }
  }

  emitWatermark(watermark: number): void {
    if (watermark <= this.emitted) return;
    this.emitted = watermark;
    for (const target of this.#all) {
      if (target.kind === 'node') target.node.advance(target.input, watermark);
      else this.#chain.edgeWatermarks.set(target.edge, watermark);
    }
  }

  setTimer(timer: Timer): void {
    this.#state.setTimer(this.nodeId, timer);
  }

  clearTimer(key: string, id: string): void {
    this.#state.clearTimer(this.nodeId, key, id);
  }

  deadLetter(letter: Omit<DeadLetter, 'at'>): void {
    this.#chain.deadLetters.push({ ...letter, at: this.nodeId });
  }

  countLate(events: number): void {
    this.#chain.late += events;
  }

  countFiltered(events: number): void {
    this.#chain.filtered += events;
  }

  table(name: string): Table {
    return this.#table(name);
  }

  #fireTimers(watermark: number): void {
    if (this.#transform?.onTimer === undefined) return;
    for (let timer = this.#state.popDue(this.nodeId, watermark); timer !== null; timer = this.#state.popDue(this.nodeId, watermark)) {
      this.#transform.onTimer(timer, this);
    }
  }

  #collect(edge: number, batch: Batch): void {
    const batches = this.#chain.edgeBatches.get(edge);
    if (batches === undefined) this.#chain.edgeBatches.set(edge, [batch]);
    else batches.push(batch);
  }
}
