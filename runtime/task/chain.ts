// The fused transforms of one stage, run for one partition: batches and watermarks go through in topological order.
//
// Owns: routing between nodes, watermarks per node, what leaves on edges. Does not own: state (state/), commits (step.ts).
//   H1. Synchronous: when `push` or `advance` returns, everything they caused has reached the edges, unless the stretch is over
//       (agenda.ts): then the rest waits, `work` goes on with it, and nothing new goes in before it is through.
//   H2. A node's watermark is that of its inputs together (time/watermark.ts) and never goes back. It is idle when they are: then it
//       holds no node or stage behind it back.
//   H3. On a rise, timers due at or before the new watermark fire first, in order, then the transform's onWatermark.
//   H4. Where another plan left nodes and edges otherwise connected, `settle` lets watermarks rise to what the inputs allow now.
//   H5. A traced event reaches a transform that does not carry traces itself alone, in its place among the others: what is
//       emitted meanwhile is of its trace. Traced or not, the results are the same.
//   H7. What an exchange of the stage to itself brings when the watermark has ended meets timers that are due at once
//       (`fireBehindEnd`).
//   H9. What a transform emits has gone round as often as what it works on; what a timer emits, not yet. Behind the end it counts as one
//       more round than any of the step, so that timers and feedback do not go on for ever.
//   H10. What comes back keeps its time. If the watermark has passed that (of what was late, or came of a timer), it has the first moment
//       behind the watermark: nothing is late because it went round.
//   H6. What a transform emits is what it took in, or was made by it: transforms that absorb, and late events, which are counted
//       as late. Each reader but the first makes one more; what nobody reads is one less.
//   H8. What waits may be left to whoever restores the state where it is made of watermarks alone: `settle` finds them (H4). Of a rise
//       to the end of all input nothing may, once it has begun: what its timers have set again is known in memory only. The same of a
//       transform that does not know of pauses.

import { assert } from '../base/assert.ts';
import type { TraceContext } from '../base/trace-context.ts';
import type { Batch, DeadLetter, Key, Value } from '../event/batch.ts';
import { WATERMARK_MAX, WATERMARK_MIN } from '../event/batch.ts';
import { byRounds } from '../event/rounds.ts';
import { isLoop, type EdgePlan } from '../plan/physical-plan.ts';
import type { Together } from '../time/watermark.ts';
import type { TransformFigures } from '../transforms/figures.ts';
import type { Answer, Ask } from '../transforms/outside.ts';
import type { Places, Waits } from '../transforms/transform.ts';
import { ClockedNodes } from './clocked-nodes.ts';
import { Agenda, Stretch, type InputTime, type Work } from './agenda.ts';
import { Node, type ChainFlow } from './chain-node.ts';
import type { ChainParts, NodeWatermarks } from './chain-parts.ts';
import { KeyWatch, type KeyLook } from './key-watch.ts';
import type { Crowding } from './back-pressure.ts';
import type { ReadPlaces } from './read-places.ts';
import type { StepTrace } from './step-trace.ts';
import { StepWeight } from './step-weight.ts';
import type { Stop } from './stop.ts';

const NO_ASKS: readonly Ask[] = [];

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

export class Chain implements ChainFlow {
  nowMs = 0;
  ingestMs = 0;
  readonly #nodes = new Map<string, Node>();
  readonly #byEdge = new Map<number, { node: Node; input: number }[]>();
  readonly #sources: Node[] = [];
  /** Nodes that get something by an exchange of the stage to itself, and those exchanges that are declared. */
  readonly #receivers: Node[] = [];
  readonly #loops = new Set<number>();
  rounds = 0;
  /** Of what came back in this step. */
  #roundsMax = 0;
  readonly clocked = new ClockedNodes();
  readonly edgeWatermarks = new Map<number, number>();
  readonly idleEdges = new Set<number>();
  edgeBatches = new Map<number, Batch[]>();
  deadLetters: DeadLetter[] = [];
  filtered = 0;
  late = 0;
  made = 0;
  absorbed = 0;
  readonly trace: StepTrace | null;
  active: TraceContext | null = null;
  attempts: number | null = null;
  /** Of what is taken in now. */
  place: Places = null;
  stop: Stop | null = null;
  readonly #asking: Node[] = [];
  readonly agenda = new Agenda<Node>();
  readonly stretch: Stretch;
  readonly #waiting: { readonly node: Node; readonly waits: Waits }[] = [];

  constructor(parts: ChainParts) {
    this.trace = parts.trace ?? null;
    this.stretch = new Stretch(parts.clock ?? null, new StepWeight(parts.state));
    for (const plan of parts.stage.nodes) this.#nodes.set(plan.id, new Node(this, plan, parts));
    for (const node of this.#nodes.values()) {
      this.#wire(node, parts);
      for (const waits of node.waits) this.#waiting.push({ node, waits });
      if (node.isAsking) this.#asking.push(node);
    }
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
    if (this.#loops.has(edge)) this.#comeBack(readers, batch);
    else for (const { node, input } of readers) this.give(node, input, batch);
    this.work();
  }

  /** H9, H10. */
  #comeBack(readers: readonly { readonly node: Node; readonly input: number }[], batch: Batch): void {
    for (const { rounds, batch: part } of byRounds(batch)) {
      this.rounds = rounds;
      this.#roundsMax = Math.max(this.#roundsMax, rounds);
      for (const { node, input } of readers) this.give(node, input, notBefore(part, node.watermark));
    }
    this.rounds = 0;
  }

  /** How many events of that edge are a portion now. */
  portionOf(edge: number): number {
    return (this.#byEdge.get(edge) ?? []).reduce((fewest, { node }) => Math.min(fewest, node.portion.events), Infinity);
  }

  give(node: Node, input: number, batch: Batch): void {
    if (batch.values.length > 0)
      this.agenda.add({ kind: 'batch', node, input, batch, from: 0, attempts: this.attempts, rounds: this.rounds, places: this.place });
  }

  raise(node: Node, from: InputTime | null): void {
    this.agenda.add({ kind: 'rise', node, from, isBegun: false });
  }

  /** Goes on with what waits, until nothing does or the stretch is over. */
  work(): void {
    this.#workWhile(() => true);
  }

  /** Goes on until what waits may be stored so (H8), for so long at least. */
  workUntilStorable(moreMs: number): void {
    if (moreMs > 0) this.stretch.extend(moreMs);
    const { isWeighed } = this.stretch;
    this.stretch.isWeighed = false;
    this.#workWhile(() => this.isAmidst);
    this.stretch.isWeighed = isWeighed;
  }

  /** Something left since the last `take`. */
  get hasOutput(): boolean {
    return this.edgeBatches.size > 0 || this.deadLetters.length > 0;
  }

  /** Something waits. */
  get isAtWork(): boolean {
    return !this.agenda.isEmpty;
  }

  /** Something waits that a restored state would not have (H8). */
  get isAmidst(): boolean {
    return this.agenda.some((work) => work.kind === 'batch' || (work.isBegun && !work.node.isPausable));
  }

  /** Watermarks are to rise as soon as `settle` is called. */
  get isUnsettled(): boolean {
    return [...this.#nodes.values()].some((node) => node.isUnsettled);
  }

  #workWhile(goesOn: () => boolean): void {
    this.stretch.lap();
    this.agenda.run(
      (work) => this.#run(work),
      () => this.stretch.isOver || !goesOn(),
    );
  }

  #run(work: Work<Node>): boolean {
    this.place = work.kind === 'rise' ? null : work.places;
    if (work.kind === 'rise') {
      this.rounds = work.from === 'end' ? this.#roundsMax : 0;
      const isThrough = work.node.rise(work);
      this.rounds = 0;
      this.stretch.lap();
      return isThrough;
    }
    const { node, from } = work;
    this.attempts = work.attempts;
    this.rounds = work.rounds;
    const { weight } = this.stretch;
    const before = weight.bytes;
    work.from = node.receive(work);
    this.attempts = null;
    this.rounds = 0;
    node.portion.took(work.from - from, this.stretch.lap(), weight.shareSince(before));
    return work.from === work.batch.values.length;
  }

  /** An event that transform `nodeId` has refused before: straight to it. A letter that it becomes again says so. False: there is no
   *  such transform here. */
  pushAgain(nodeId: string, input: number, batch: Batch, attempts: number): boolean {
    const node = this.#nodes.get(nodeId);
    if (node === undefined) return false;
    this.attempts = attempts;
    this.place = null;
    this.give(node, input, batch);
    this.attempts = null;
    this.work();
    return true;
  }

  /** Up to where who reads that edge here has come. */
  watermarkOf(edge: number): number {
    return Math.min(...(this.#byEdge.get(edge) ?? []).map(({ node }) => node.watermark));
  }

  /** Events of the stage's own source. */
  pushSource(batch: Batch, places: ReadPlaces): void {
    this.place = places;
    for (const node of this.#sources) this.give(node, 0, batch);
    this.work();
  }

  placeOf(event: Value): string | null {
    return typeof this.place === 'string' ? this.place : (this.place?.of(event) ?? null);
  }

  /** What all partitions that an edge comes from say together. */
  advanceEdge(edge: number, watermark: number, isIdle = false): void {
    for (const { node, input } of this.#byEdge.get(edge) ?? []) this.raise(node, { input, watermark, isIdle });
    this.work();
  }

  /** H7. */
  fireBehindEnd(): void {
    for (const node of this.#receivers)
      if (node.watermark === WATERMARK_MAX) this.agenda.add({ kind: 'rise', node, from: 'end', isBegun: false });
    this.work();
  }

  advanceSource(watermark: number): void {
    for (const node of this.#sources) this.raise(node, { input: 0, watermark, isIdle: false });
    this.work();
  }

  /** The stage's own source has nothing for now, or has again; so much time went by meanwhile by the clock. */
  idleSource(isIdle: boolean, passedMs: number): void {
    for (const node of this.#sources) this.raise(node, { input: 0, watermark: node.watermark, isIdle });
    this.work();
    if (passedMs > 0) for (const node of this.#nodes.values()) node.passQuiet(passedMs);
    this.work();
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
    for (const node of this.#nodes.values()) this.raise(node, null);
    this.work();
  }

  /** When the first of its transforms wants to be woken, wall-clock ms; Infinity: none does. */
  nextWakeMs(): number {
    let next = this.clocked.nextWakeMs();
    for (const { waits } of this.#waiting) next = Math.min(next, waits.nextMs());
    return next;
  }

  /** The clock has come to `upToMs`. */
  wake(upToMs: number): void {
    this.place = null;
    for (const { node, waits } of this.#waiting) if (waits.nextMs() <= upToMs) node.wake(waits, upToMs);
    this.work();
  }

  /** The time of now is given out to those that follow the clock. False: nothing does. */
  tick(): boolean {
    if (!this.clocked.tick()) return false;
    this.work();
    return true;
  }

  /** What its transforms ask of the world outside, since the last call. */
  takeAsks(): readonly Ask[] {
    return this.#asking.length === 0 ? NO_ASKS : this.#asking.flatMap((node) => node.takeAsks());
  }

  answer(answer: Answer): void {
    this.place = null;
    this.#nodes.get(answer.node)?.answer(answer);
    this.work();
  }

  /** Events wait for something else than the watermark: the end of the input is not the end. */
  get isHolding(): boolean {
    return this.#waiting.some(({ waits }) => waits.isHolding);
  }

  /** So much waits that nothing more is to be taken in. */
  get isFull(): boolean {
    return this.#waiting.some(({ waits }) => waits.isFull);
  }

  /** What left since the last call. */
  take(): ChainOutput {
    const { edgeBatches: edges, deadLetters, filtered, late, made, absorbed } = this;
    const output = { edges, deadLetters, filtered, late, made, absorbed };
    this.stretch.weight.begin();
    this.edgeBatches = new Map();
    this.deadLetters = [];
    this.filtered = this.late = this.made = this.absorbed = this.#roundsMax = 0;
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

  /** Of one node: how much more it may keep, and what it waits for. */
  crowdingOf(id: string): Crowding {
    return this.#node(id).crowding();
  }

  #node(id: string): Node {
    const found = this.#nodes.get(id);
    assert(found !== undefined, `node ${id} is in its stage`);
    return found;
  }

  #wire(node: Node, parts: ChainParts): void {
    if (node.plan.op.kind === 'source') this.#sources.push(node);
    if (node.isReceiver) this.#receivers.push(node);
    this.clocked.add(node);
    node.plan.inputs.forEach((input, index) => {
      if (input.kind === 'node') {
        const from = this.#node(input.from.node);
        from.addTarget(input.from.output, { kind: 'node', node, input: index });
        this.clocked.reads(node, from);
        return;
      }
      assert(parts.stage.inputs.includes(input.edge), `edge ${input.edge} leads to stage ${parts.stage.id}`);
      if (isLoop(parts.edges[input.edge] as EdgePlan)) this.#loops.add(input.edge);
      const readers = this.#byEdge.get(input.edge) ?? [];
      readers.push({ node, input: index });
      this.#byEdge.set(input.edge, readers);
    });
  }
}

/** H10. */
function notBefore(batch: Batch, watermark: number): Batch {
  if (watermark === WATERMARK_MAX || !batch.times.some((time) => time <= watermark)) return batch;
  return { ...batch, times: batch.times.map((time) => Math.max(time, watermark + 1)) };
}
