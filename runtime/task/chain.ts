// The fused transforms of one stage, run for one partition: batches and watermarks go through in topological order.
//
// Owns: routing between nodes, watermarks per node, what leaves on edges. Does not own: state (state/), commits (step.ts).
//   H1. Synchronous: when `push` or `advance` returns, everything they caused has reached the edges.
//   H2. A node's watermark is that of its inputs together (time/watermark.ts) and never goes back. It is idle when they are: then it
//       holds no node or stage behind it back.
//   H3. On a rise, timers due at or before the new watermark fire first, in order, then the transform's onWatermark.
//   H4. Where another plan left nodes and edges otherwise connected, `settle` lets watermarks rise to what the inputs allow now.
//   H5. A traced event reaches a transform that does not carry traces itself alone, in its place among the others: what is
//       emitted meanwhile is of its trace. Traced or not, the results are the same.
//   H7. No watermark comes by an exchange of the stage to itself. What it brings when the watermark has ended meets timers that are due
//       at once (`fireBehindEnd`).
//   H6. What a transform emits is what it took in, or was made by it: transforms that absorb, and late events, which are counted
//       as late. Each reader but the first makes one more; what nobody reads is one less.

import { assert } from '../base/assert.ts';
import type { Batch, DeadLetter, Key } from '../event/batch.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import type { TraceContext } from '../base/trace-context.ts';
import { withTraces } from '../event/trace-marks.ts';
import type { TraceMark } from '../event/trace-marks.ts';
import { isFeedback, type EdgePlan, type NodePlan, type StagePlan } from '../plan/physical-plan.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { together, type Together } from '../time/watermark.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import type { Attributes } from '../telemetry/span.ts';
import { MILLRACE, EVENTS, cleanText } from '../telemetry/conventions.ts';
import type { TransformFigures } from '../transforms/figures.ts';
import { LATE } from '../transforms/transform.ts';
import type { StepContext, Table, Timer, Transform } from '../transforms/transform.ts';
import { Contributors } from '../transforms/contributors.ts';
import { KeyWatch, type KeyLook } from './key-watch.ts';
import type { StepTrace } from './step-trace.ts';
import { TimerTraces } from './timer-traces.ts';
import { followKeys, piece } from './traced-batches.ts';

/** What one step let out of the stage. */
export type ChainOutput = {
  /** By edge index: batches in emission order. */
  readonly edges: ReadonlyMap<number, Batch[]>;
  readonly deadLetters: readonly DeadLetter[];
  readonly filtered: number;
  readonly late: number;
  /** Events that came to be here less those that nobody reads, and those that went into state. */
  readonly made: number;
  readonly absorbed: number;
};

export type ChainParts = {
  readonly stage: StagePlan;
  readonly edges: readonly EdgePlan[];
  readonly state: PartitionState;
  readonly makeTransform: (node: NodePlan) => Transform;
  readonly table: (name: string) => Table;
  /** null: nothing is traced. */
  readonly trace?: StepTrace | null;
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
  /** Nodes that get what actors of the stage send each other. */
  readonly #receivers: Node[] = [];
  readonly edgeWatermarks = new Map<number, number>();
  readonly idleEdges = new Set<number>();
  edgeBatches = new Map<number, Batch[]>();
  deadLetters: DeadLetter[] = [];
  filtered = 0;
  late = 0;
  made = 0;
  absorbed = 0;
  readonly trace: StepTrace | null;
  /** The trace of what is worked on (H5). */
  active: TraceContext | null = null;
  /** How often the event that is worked on was tried, when it was put in again. */
  attempts: number | null = null;

  constructor(parts: ChainParts) {
    this.trace = parts.trace ?? null;
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
    const readers = this.#byEdge.get(edge) ?? [];
    this.made += batch.values.length * (readers.length - 1); // H6
    for (const { node, input } of readers) node.receive(input, batch);
  }

  /** An event that transform `nodeId` has refused before: straight to it. A letter that it becomes again says so. False: there is no
   *  such transform here. */
  pushAgain(nodeId: string, input: number, batch: Batch, attempts: number): boolean {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return false;
    this.attempts = attempts;
    node.receive(input, batch);
    this.attempts = null;
    return true;
  }

  /** Events of the stage's own source. */
  pushSource(batch: Batch): void {
    for (const node of this.#sources) node.receive(0, batch);
  }

  /** What all partitions that an edge comes from say together. */
  advanceEdge(edge: number, watermark: number, isIdle = false): void {
    for (const { node, input } of this.#byEdge.get(edge) ?? []) node.advance(input, watermark, isIdle);
  }

  /** H7. */
  fireBehindEnd(): void {
    for (const node of this.#receivers) node.fireBehindEnd();
  }

  advanceSource(watermark: number): void {
    for (const node of this.#sources) node.advance(0, watermark, false);
  }

  /** The stage's own source has nothing for now, or has again; so much time went by meanwhile by the clock. */
  idleSource(isIdle: boolean, passedMs: number): void {
    for (const node of this.#sources) node.advance(0, node.watermark, isIdle);
    if (passedMs > 0) for (const node of this.#nodes.values()) node.passQuiet(passedMs);
  }

  /** The stage's own source has nothing for now. */
  get isSourceIdle(): boolean {
    return this.#sources.some(({ isIdle }) => isIdle);
  }

  /** After the state was restored and before the first event: watermarks as they stood, by edge and by node. */
  restored(edges: ReadonlyMap<number, Together>, nodes: NodeWatermarks, isSourceIdle = false): void {
    for (const node of this.#nodes.values()) node.restored(edges, nodes, (id) => this.#node(id).isIdle, isSourceIdle);
    for (const edge of this.edgeWatermarks.keys()) {
      const from = [...this.#nodes.values()].find((node) => node.feedsEdge(edge));
      if (from !== undefined) this.edgeWatermarks.set(edge, nodes[from.nodeId]?.[1] ?? WATERMARK_MIN);
      if (from?.isIdle === true) this.idleEdges.add(edge);
    }
  }

  /** H4; once, after `restored`. Inputs that hold a watermark back may be gone, and nodes between others may be new. */
  settle(): void {
    for (const node of this.#nodes.values()) node.settle();
  }

  /** What left since the last call. */
  take(): ChainOutput {
    const { edgeBatches: edges, deadLetters, filtered, late, made, absorbed } = this;
    const output = { edges, deadLetters, filtered, late, made, absorbed };
    this.edgeBatches = new Map();
    this.deadLetters = [];
    this.filtered = this.late = this.made = this.absorbed = 0;
    return output;
  }

  /** Events that lie in the state and will go on as they are. */
  held(): number {
    let held = 0;
    for (const node of this.#nodes.values()) held += node.held;
    return held;
  }

  /** Input and output watermark per node: stored in each record, so that a restart judges lateness as before. */
  watermarks(): NodeWatermarks {
    return Object.fromEntries([...this.#nodes].map(([id, node]) => [id, [node.watermark, node.emitted] as const]));
  }

  /** What transforms tell of themselves, by node. */
  figures(): Readonly<Record<string, TransformFigures>> {
    return Object.fromEntries([...this.#nodes].flatMap(([id, node]) => (node.figures === null ? [] : [[id, node.figures]])));
  }

  /** Begins, or goes on, to note what one node gets of a key; null: there is no such node. */
  watch(nodeId: string, nowMs: number): KeyWatch | null {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return null;
    node.watch ??= new KeyWatch(nowMs);
    return node.watch;
  }

  /** Traces that are kept of one key of one node. Changes nothing. */
  tracesOf(nodeId: string, key: Key): Pick<KeyLook, 'timerTraces' | 'contributors'> {
    const node = this.#node(nodeId);
    return { timerTraces: node.timerTraces.of(key), contributors: node.contributors.all(key) };
  }

  #node(id: string): Node {
    const found = this.#nodes.get(id);
    assert(found !== undefined, `node ${id} is in its stage`);
    return found;
  }

  #wire(node: Node, parts: ChainParts): void {
    if (node.plan.op.kind === 'source') this.#sources.push(node);
    if (node.inputsOfOthers !== null) this.#receivers.push(node);
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
  isIdle = false;
  /** While somebody looks at keys of this node. */
  watch: KeyWatch | null = null;
  readonly #chain: Chain;
  readonly #state: PartitionState;
  readonly #transform: Transform | null;
  readonly #table: (name: string) => Table;
  readonly #inputWatermarks: number[];
  readonly #inputIdle: boolean[];
  /** Per input, whether it comes from another stage or node; null: all do. */
  readonly inputsOfOthers: readonly boolean[] | null;
  readonly #main: Target[] = [];
  readonly #named = new Map<string, Target[]>();
  readonly #all: Target[] = [];
  readonly contributors: Contributors;
  readonly timerTraces: TimerTraces;
  /** Input of the events that the transform looks at; null: it looks at none. */
  #input: number | null = null;

  constructor(chain: Chain, plan: NodePlan, parts: ChainParts) {
    this.#chain = chain;
    this.plan = plan;
    this.nodeId = plan.id;
    this.#state = parts.state;
    this.cells = parts.state.cells(plan.id);
    const traces = parts.state.traces(plan.id);
    this.contributors = new Contributors(traces);
    this.timerTraces = new TimerTraces(traces);
    this.#table = parts.table;
    this.#transform = plan.op.kind === 'source' ? null : parts.makeTransform(plan);
    const isOwn = plan.inputs.map((input) => input.kind === 'edge' && isFeedback(parts.edges[input.edge] as EdgePlan));
    this.inputsOfOthers = isOwn.includes(true) ? isOwn.map((own) => !own) : null;
    this.#inputWatermarks = Array.from({ length: Math.max(1, plan.inputs.length) }, (_, input) =>
      isOwn[input] === true ? WATERMARK_MAX : WATERMARK_MIN,
    );
    this.#inputIdle = this.#inputWatermarks.map(() => false);
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
    if (this.watch !== null && !this.watch.note(batch, this.#chain.nowMs)) this.watch = null;
    this.#input = input;
    if (batch.traces !== undefined) this.#receiveTraced(batch, batch.traces, input);
    else if (this.#transform === null) this.emit(batch);
    else this.#transform.onBatch(batch, this, this.plan.inputs[input]?.side ?? 'left');
    this.#input = null;
  }

  /** H5. */
  #receiveTraced(batch: Batch, traces: readonly TraceMark[], input: number): void {
    const outer = this.#chain.active;
    const take = (part: Batch, active: TraceContext | null): void => {
      this.#chain.active = active;
      this.#transform?.onBatch(part, this, this.plan.inputs[input]?.side ?? 'left');
    };
    if (this.#transform === null) this.emit(batch);
    else if (this.#transform.carriesTraces === true) take(batch, null);
    else {
      let from = 0;
      for (const { at, context } of traces) {
        if (at > from) take(piece(batch, from, at), null);
        take(piece(batch, at, at + 1), context);
        from = at + 1;
      }
      if (from < batch.values.length) take(piece(batch, from, batch.values.length), null);
    }
    this.#chain.active = outer;
  }

  advance(input: number, watermark: number, isIdle: boolean): void {
    if (watermark === this.#inputWatermarks[input] && isIdle === this.#inputIdle[input]) return;
    this.#inputWatermarks[input] = watermark;
    this.#inputIdle[input] = isIdle;
    this.settle();
  }

  /** H7. */
  fireBehindEnd(): void {
    if (this.watermark !== WATERMARK_MAX) return;
    this.#fireTimers(WATERMARK_MAX);
    this.#transform?.onWatermark?.(WATERMARK_MAX, this);
  }

  settle(): void {
    const { watermark, isIdle } = together(this.#inputWatermarks, this.#inputIdle);
    this.#rise(watermark);
    if (isIdle === this.isIdle) return;
    this.isIdle = isIdle;
    this.#tellTargets();
  }

  passQuiet(passedMs: number): void {
    this.#transform?.onQuiet?.(passedMs, this);
  }

  #rise(lowest: number): void {
    if (lowest <= this.watermark) return;
    this.watermarkNext = lowest;
    this.#fireTimers(lowest);
    if (this.#transform?.onWatermark === undefined) this.emitWatermark(lowest);
    else this.#transform.onWatermark(lowest, this);
    this.watermark = lowest;
  }

  /** In topological order: `isIdle` is known of the nodes before. */
  restored(edges: ReadonlyMap<number, Together>, nodes: NodeWatermarks, isIdle: (nodeId: string) => boolean, isSourceIdle: boolean): void {
    const own = nodes[this.nodeId];
    if (own !== undefined) [this.watermark, this.emitted] = own;
    this.watermarkNext = this.watermark;
    this.plan.inputs.forEach((input, index) => {
      if (this.inputsOfOthers?.[index] === false) return;
      const edge = input.kind === 'edge' ? edges.get(input.edge) : undefined;
      this.#inputWatermarks[index] = (input.kind === 'edge' ? edge?.watermark : nodes[input.from.node]?.[1]) ?? WATERMARK_MIN;
      this.#inputIdle[index] = input.kind === 'edge' ? edge?.isIdle === true : isIdle(input.from.node);
    });
    if (this.plan.inputs.length === 0) {
      this.#inputWatermarks[0] = this.watermark;
      this.#inputIdle[0] = isSourceIdle;
    }
    this.isIdle = together(this.#inputWatermarks, this.#inputIdle).isIdle;
    this.#transform?.restored?.(this);
  }

  feedsEdge(edge: number): boolean {
    return this.#all.some((target) => target.kind === 'edge' && target.edge === edge);
  }

  emit(batch: Batch, output?: string): void {
    if (batch.values.length === 0) return;
    if (this.#chain.active !== null || batch.traces !== undefined) batch = this.#traced(batch);
    const targets = output === undefined ? this.#main : (this.#named.get(output) ?? NOBODY);
    const isTakenIn = this.#transform?.absorbs !== true && output !== LATE; // H6
    this.#chain.made += batch.values.length * (isTakenIn ? targets.length - 1 : targets.length);
    for (const target of targets) {
      if (target.kind === 'node') target.node.receive(target.input, batch);
      else this.#collect(target.edge, batch);
    }
  }

  emitWatermark(watermark: number): void {
    if (watermark <= this.emitted) return;
    this.emitted = watermark;
    this.#tellTargets();
  }

  #tellTargets(): void {
    const { edgeWatermarks, idleEdges } = this.#chain;
    for (const target of this.#all) {
      if (target.kind === 'node') target.node.advance(target.input, this.emitted, this.isIdle);
      else {
        edgeWatermarks.set(target.edge, this.emitted);
        if (this.isIdle) idleEdges.add(target.edge);
        else idleEdges.delete(target.edge);
      }
    }
  }

  get figures(): TransformFigures | null {
    return this.#transform?.figures?.(this) ?? null;
  }

  setTimer(timer: Timer): void {
    this.timerTraces.set(timer, this.#chain.active);
    this.#state.setTimer(this.nodeId, timer);
  }

  clearTimer(key: string, id: string): void {
    this.timerTraces.take({ key, id });
    this.#state.clearTimer(this.nodeId, key, id);
  }

  deadLetter(letter: Omit<DeadLetter, 'at'>, trace?: TraceContext): void {
    const { trace: spans, active, deadLetters, attempts } = this.#chain;
    const dead = {
      ...letter,
      at: this.nodeId,
      ...(letter.input !== undefined || this.#input === 0 ? {} : { input: this.#input }),
      ...(attempts === null ? {} : { attempts }),
    };
    deadLetters.push(spans === null ? dead : spans.deadLetter(dead, trace ?? active ?? undefined));
  }

  get trace(): TraceContext | null {
    return this.#chain.active;
  }

  note(name: string, attributes: Attributes): void {
    if (this.#chain.active !== null) this.#chain.trace?.note(this.#chain.active, name, attributes);
  }

  gathered(from: readonly TraceContext[], identity: string): TraceContext {
    return this.#chain.trace?.gathered(from, this.nodeId, identity) ?? (from[0] as TraceContext);
  }

  /** What is emitted for a traced event is traced; what was held back since an earlier step goes on in a span of this one. */
  #traced(batch: Batch): Batch {
    const { trace, active } = this.#chain;
    if (trace === null) return batch.traces === undefined ? batch : withTraces(batch, []);
    if (batch.traces === undefined) return { ...batch, traces: batch.values.map((_, at) => ({ at, context: active as TraceContext })) };
    return { ...batch, traces: batch.traces.map(({ at, context }) => ({ at, context: trace.enter(context) })) };
  }

  countLate(events: number): void {
    this.#chain.late += events;
  }

  countFiltered(events: number): void {
    this.#chain.filtered += events;
  }

  countAbsorbed(events: number): void {
    this.#chain.absorbed += events;
  }

  countMade(events: number): void {
    this.#chain.made += events;
  }

  get held(): number {
    return this.#transform?.held?.() ?? 0;
  }

  table(name: string): Table {
    return this.#table(name);
  }

  #fireTimers(watermark: number): void {
    if (this.#transform?.onTimer === undefined) return;
    for (let timer = this.#state.popDue(this.nodeId, watermark); timer !== null; timer = this.#state.popDue(this.nodeId, watermark)) {
      const trace = this.timerTraces.take(timer);
      this.watch?.noteTimer(timer, trace?.traceId ?? null);
      if (trace === null || this.#chain.trace === null) {
        this.#transform.onTimer(timer, this);
        continue;
      }
      this.#chain.active = this.#chain.trace.enter(trace);
      this.note(EVENTS.timer, { [MILLRACE.node]: this.nodeId, [MILLRACE.timer]: cleanText(timer.id), [MILLRACE.eventTimeMs]: timer.atMs });
      this.#transform.onTimer(timer, this);
      this.#chain.active = null;
    }
  }

  #collect(edge: number, emitted: Batch): void {
    const { trace } = this.#chain;
    const batch = trace === null || trace.followed.size === 0 ? emitted : followKeys(emitted, trace, `${edge}`);
    const batches = this.#chain.edgeBatches.get(edge);
    if (batches === undefined) this.#chain.edgeBatches.set(edge, [batch]);
    else batches.push(batch);
  }
}

const NOBODY: readonly Target[] = [];
