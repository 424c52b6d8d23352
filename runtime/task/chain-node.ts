// One transform in its place in a stage: what it reads, who reads it, its watermarks, and what becomes of what fails in it.
//
// It is also the context that the transform sees. H1 … H6: chain.ts.

import type { TraceContext } from '../base/trace-context.ts';
import { WATERMARK_MAX, WATERMARK_MIN, type Batch, type DeadLetter, type Value } from '../event/batch.ts';
import { partOf } from '../event/part-of.ts';
import { withTraces, type TraceMark } from '../event/trace-marks.ts';
import type { NodePlan, OnErrorPlan } from '../plan/physical-plan.ts';
import { receivesOwn, untimedInputs } from './own-inputs.ts';
import { Portion, type Agenda, type InputTime, type RiseWork, type Stretch, type Work } from './agenda.ts';
import { together, type Together } from '../time/watermark.ts';
import { followKeys } from './traced-batches.ts';
import type { KeyedCells } from '../state/keyed-cells.ts';
import type { PartitionState } from '../state/partition-state.ts';
import { MILLRACE, EVENTS, cleanText } from '../telemetry/conventions.ts';
import type { Attributes } from '../telemetry/span.ts';
import { Contributors } from '../transforms/contributors.ts';
import { problemOf, stackOf } from '../transforms/failure.ts';
import type { TransformFigures } from '../transforms/figures.ts';
import { LATE } from '../transforms/transform.ts';
import type { Places, SideTables, StepContext, Table, Timer, Transform, Waits } from '../transforms/transform.ts';
import type { Answer, Ask } from '../transforms/outside.ts';
import { CLOCK_TICK_MS, type ClockedNode } from './clocked-nodes.ts';
import { Gate } from './gate.ts';
import type { KeyWatch } from './key-watch.ts';
import type { Crowding } from './back-pressure.ts';
import type { ChainParts, NodeWatermarks } from './chain-parts.ts';
import type { StepTrace } from './step-trace.ts';
import { TableRowsSide } from './table-rows-side.ts';
import type { Stop } from './stop.ts';
import { TimerTraces } from './timer-traces.ts';

/** Timers that fire between two looks at the time. */
const TIMERS_A_LOOK = 4;

type Target = { readonly kind: 'node'; readonly node: Node; readonly input: number } | { readonly kind: 'edge'; readonly edge: number };

/** What all nodes of a chain share while a step is made. */
export interface ChainFlow {
  readonly nowMs: number;
  readonly ingestMs: number;
  readonly trace: StepTrace | null;
  /** The trace of what is worked on (H5). */
  active: TraceContext | null;
  /** How often the event that is worked on was tried, when it was put in again. */
  readonly attempts: number | null;
  /** How often what is worked on has gone round. */
  readonly rounds: number;
  /** Of what is worked on. */ place: Places;
  placeOf(event: Value): string | null;
  /** An event failed whose stage says that this stops more than itself: nothing of this step may be stored. */
  stop: Stop | null;
  readonly edgeBatches: Map<number, Batch[]>;
  readonly edgeWatermarks: Map<number, number>;
  readonly idleEdges: Set<number>;
  readonly deadLetters: DeadLetter[];
  readonly agenda: Agenda<Node>;
  readonly stretch: Stretch;
  /** The batch waits for the node. */
  give(node: Node, input: number, batch: Batch): void;
  /** The watermark waits for the node; null: what its inputs allow. */
  raise(node: Node, from: InputTime | null): void;
  filtered: number;
  late: number;
  made: number;
  absorbed: number;
}

/** One transform in its place; it is also the context that the transform sees. */
export class Node implements StepContext, ClockedNode {
  readonly plan: NodePlan;
  readonly nodeId: string;
  readonly cells: KeyedCells;
  watermark = WATERMARK_MIN;
  watermarkNext = WATERMARK_MIN;
  emitted = WATERMARK_MIN;
  isIdle = false;
  /** While somebody looks at keys of this node. */
  watch: KeyWatch | null = null;
  readonly #chain: ChainFlow;
  readonly #state: PartitionState;
  readonly #transform: Transform | null;
  readonly #table: (name: string) => Table;
  readonly #rows: TableRowsSide | null;
  readonly #inputWatermarks: number[];
  readonly #inputIdle: boolean[];
  /** It gets something by an exchange of the stage to itself. */
  readonly isReceiver: boolean;
  /** Per input, whether its watermark counts for nothing. */
  readonly #untimed: readonly boolean[];
  readonly #main: Target[] = [];
  readonly #named = new Map<string, Target[]>();
  readonly #all: Target[] = [];
  readonly contributors: Contributors;
  readonly timerTraces: TimerTraces;
  readonly portion = new Portion();
  /** Input of the events that the transform looks at; null: it looks at none. */
  #input: number | null = null;
  /** Where events wait to be tried again; null: they never do. */
  readonly #gate: Gate | null;
  /** What of it waits for the clock. */
  readonly waits: readonly Waits[];

  constructor(chain: ChainFlow, plan: NodePlan, parts: ChainParts) {
    this.#chain = chain;
    this.plan = plan;
    this.nodeId = plan.id;
    this.#state = parts.state;
    this.cells = parts.state.cells(plan.id);
    const traces = parts.state.traces(plan.id);
    this.contributors = new Contributors(traces);
    this.timerTraces = new TimerTraces(traces);
    this.#rows = TableRowsSide.of(plan, parts.stage, (id) => parts.state.cells(id));
    this.#table = parts.table;
    this.#transform = plan.op.kind === 'source' ? null : parts.makeTransform(plan);
    [this.isReceiver, this.#untimed] = [receivesOwn(plan, parts.edges), untimedInputs(plan, parts.edges)];
    this.#inputWatermarks = Array.from({ length: Math.max(1, plan.inputs.length) }, (_, input) =>
      this.#isUntimed(input) ? WATERMARK_MAX : WATERMARK_MIN,
    );
    this.#inputIdle = this.#inputWatermarks.map(() => false);
    this.#gate = this.#makeGate();
    this.waits = [this.#gate, this.#transform?.waits].filter((waits) => waits !== null && waits !== undefined);
  }

  #makeGate(): Gate | null {
    const policy = this.plan.onError ?? NO_RETRIES;
    const cells = this.#state.waiting(this.nodeId, policy.retries > 0);
    if (cells === null) return null;
    return new Gate({
      cells,
      policy,
      nowMs: () => this.nowMs,
      take: (input, batch) => this.#take(input, batch),
      placeOf: this.placeOf,
      cameFrom: this.cameFrom,
      enter: (trace, attempt) => this.#chain.trace?.enterAgain(trace, attempt) ?? trace,
      tell: (failed, next) => (this.#chain.trace === null ? failed.trace : this.#chain.trace.retried(failed, this.nodeId, next)),
    });
  }

  readonly placeOf = (event: Value): string | null => this.#chain.placeOf(event);
  readonly takeAsks = (): readonly Ask[] => this.#transform?.asks?.take() ?? [];
  readonly asked: StepContext['asked'] = (trace, answer) => this.#chain.trace?.asked(trace, this.nodeId, answer) ?? trace;
  readonly cameFrom = (places: Places): void => void (this.#chain.place = places);
  readonly crowding = (): Crowding => ({ room: this.#transform?.room, watermarks: this.#inputWatermarks, idle: this.#inputIdle });

  get isAsking(): boolean {
    return this.#transform?.asks !== undefined;
  }

  answer(answer: Answer): void {
    this.#input = 0; // what fails is the event that came in
    this.#transform?.asks?.answer(answer, this);
    this.#input = null;
    this.#chain.raise(this, null);
  }

  wake(waits: Waits, upToMs: number): void {
    waits.wake(upToMs, this);
    this.#chain.raise(this, null);
  }

  get nowMs(): number {
    return this.#chain.nowMs;
  }

  get bytesLeft(): number {
    return this.#chain.stretch.bytesLeft;
  }

  get rounds(): number {
    return this.#chain.rounds;
  }

  get ingestMs(): number {
    return this.#chain.ingestMs;
  }

  addTarget(output: string | null, target: Target): void {
    this.#all.push(target);
    if (output === null) this.#main.push(target);
    else this.#named.set(output, [...(this.#named.get(output) ?? []), target]);
  }

  /** Takes the next portion. How many of the batch are taken now. */
  receive({ input, batch: whole, from }: Extract<Work<Node>, { kind: 'batch' }>): number {
    const to = this.#transform === null ? whole.values.length : Math.min(from + this.portion.events, whole.values.length);
    const batch = partOf(whole, from, to);
    if (this.#rows?.takes(input, batch, this.watermark) === true) {
      this.countAbsorbed(batch.values.length);
      return to;
    }
    if (this.watch !== null && !this.watch.note(batch, this.#chain.nowMs)) this.watch = null;
    if (this.#gate === null) this.#take(input, batch);
    else this.#gate.receive(input, batch, (this.#chain.attempts ?? 1) - 1);
    return to;
  }

  /** The watermark of that input counts for nothing. */
  #isUntimed(input: number): boolean {
    return this.#untimed[input] === true;
  }

  #take(input: number, batch: Batch): void {
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
      const plain = withTraces(batch, []);
      let from = 0;
      for (const { at, context } of traces) {
        if (at > from) take(partOf(plain, from, at), null);
        take(partOf(plain, at, at + 1), context);
        from = at + 1;
      }
      if (from < batch.values.length) take(partOf(plain, from, plain.values.length), null);
    }
    this.#chain.active = outer;
  }

  /** True when the watermark has risen; false when it is not through: timers are still to fire, or it rises in parts. */
  rise(work: RiseWork<Node>): boolean {
    if (work.from === 'end') return this.#fireBehindEnd(work);
    if (work.from !== null && !this.#isUntimed(work.from.input)) {
      this.#inputWatermarks[work.from.input] = work.from.watermark;
      this.#inputIdle[work.from.input] = work.from.isIdle;
    }
    const { watermark, isIdle: isQuiet } = together(this.#inputWatermarks, this.#inputIdle);
    const bound = this.#bound(watermark);
    if (bound > this.watermark && !this.#riseTo(bound, work)) return false;
    const isIdle = isQuiet && !this.#isHolding && !this.isClock; // nobody behind may go on without what waits
    if (isIdle === this.isIdle) return true;
    this.isIdle = isIdle;
    this.#tellTargets();
    return true;
  }

  #bound(wanted: number): number {
    return this.#gate === null ? wanted : this.#gate.bound(wanted, this.watermark);
  }

  #riseTo(watermark: number, work: RiseWork<Node>): boolean {
    this.watermarkNext = watermark;
    if (!this.#fireTimers(watermark, work)) return false;
    let reached: number | void = watermark;
    if (this.#transform?.onWatermark === undefined) this.emitWatermark(watermark);
    else reached = this.#transform.onWatermark(watermark, this);
    this.watermark = reached ?? watermark;
    return this.watermark === watermark;
  }

  /** A step may end between two of the timers that fire (H8). */
  get isPausable(): boolean {
    return this.watermarkNext !== WATERMARK_MAX && this.#transform?.onPause !== undefined;
  }

  /** H7. */
  #fireBehindEnd(work: RiseWork<Node>): boolean {
    if (!this.#fireTimers(WATERMARK_MAX, work)) return false;
    this.#transform?.onWatermark?.(WATERMARK_MAX, this);
    return true;
  }

  /** Its watermark is to rise as soon as it catches up. */
  get isUnsettled(): boolean {
    return this.#bound(together(this.#inputWatermarks, this.#inputIdle).watermark) > this.watermark;
  }

  get #isHolding(): boolean {
    return this.waits.length > 0 && this.waits.some(({ isHolding }) => isHolding);
  }

  get isClock(): boolean {
    return this.#transform?.onClock !== undefined;
  }

  tick(): void {
    this.#transform?.onClock?.(this);
  }

  wakeMs(): number {
    if (this.#isHolding) return Infinity; // its timers wait for what waits
    const timerMs = this.#state.nextDueMs(this.nodeId) + 1;
    const dueMs = Math.min(timerMs, (this.#transform?.nextDueMs?.() ?? Infinity) + 1);
    const { op } = this.plan;
    const isOpen =
      ((op.kind === 'window' && op.window.kind !== 'count') || op.kind === 'windowJoin' || op.kind === 'join') && this.cells.size() > 0;
    return isOpen ? Math.min(dueMs, this.nowMs + CLOCK_TICK_MS) : dueMs;
  }

  passQuiet(passedMs: number): void {
    this.#transform?.onQuiet?.(passedMs, this);
  }

  /** In topological order: `isIdle` is known of the nodes before. Who is to rise first is not idle before it has. */
  restored(edges: ReadonlyMap<number, Together>, nodes: NodeWatermarks, isIdle: (nodeId: string) => boolean, isSourceIdle: boolean): void {
    const own = nodes[this.nodeId];
    if (own !== undefined) [this.watermark, this.emitted] = own;
    this.watermarkNext = this.watermark;
    this.plan.inputs.forEach((input, index) => {
      if (this.#isUntimed(index)) return;
      const edge = input.kind === 'edge' ? edges.get(input.edge) : undefined;
      this.#inputWatermarks[index] = (input.kind === 'edge' ? edge?.watermark : nodes[input.from.node]?.[1]) ?? WATERMARK_MIN;
      this.#inputIdle[index] = input.kind === 'edge' ? edge?.isIdle === true : isIdle(input.from.node);
    });
    if (this.plan.inputs.length === 0) {
      this.#inputWatermarks[0] = this.watermark;
      this.#inputIdle[0] = isSourceIdle;
    }
    this.#transform?.restored?.(this); // only then it knows what waits
    const { isIdle: isQuiet } = together(this.#inputWatermarks, this.#inputIdle);
    this.isIdle = !this.isUnsettled && isQuiet && !this.#isHolding && !this.isClock;
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
      if (target.kind === 'node') this.#chain.give(target.node, target.input, batch);
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
      if (target.kind === 'node') this.#chain.raise(target.node, { input: target.input, watermark: this.emitted, isIdle: this.isIdle });
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

  clearTimers(key: string): void {
    for (const { id } of this.timersOf(key)) this.clearTimer(key, id);
  }

  timersOf(key: string): readonly Timer[] {
    return this.#state.timersOf(this.nodeId, key);
  }

  deadLetter(letter: Omit<DeadLetter, 'at'>, trace?: TraceContext, cause?: unknown): void {
    if (cause !== undefined && this.#isHandled(letter, cause, trace ?? this.#chain.active)) return;
    const { trace: spans, active, deadLetters } = this.#chain;
    const attempts = letter.attempts ?? this.#gate?.attempts ?? this.#chain.attempts;
    const stack = stackOf(cause);
    const dead = {
      ...letter,
      at: this.nodeId,
      place: letter.place ?? this.#chain.placeOf(letter.event),
      ...(stack === undefined ? {} : { stack }),
      ...(letter.input !== undefined || this.#input === 0 ? {} : { input: this.#input }),
      ...(attempts === null || attempts === 1 ? {} : { attempts }),
    };
    deadLetters.push(spans === null ? dead : spans.deadLetter(dead, trace ?? active ?? undefined));
  }

  /** The stage's onError: tries it again later, or stops. */
  #isHandled({ event }: Omit<DeadLetter, 'at'>, cause: unknown, trace: TraceContext | null): boolean {
    if (this.#gate?.holds({ event }, cause, trace) === true) return true;
    const { then } = this.plan.onError ?? NO_RETRIES;
    if (then === 'deadLetter') return false;
    this.#chain.stop ??= { kind: then, problem: `${this.nodeId}: ${problemOf(cause)}`, event };
    return true;
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
    return trace.entered(batch);
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
    return (this.#transform?.held?.() ?? 0) + (this.#gate?.size ?? 0);
  }

  table(name: string): Table {
    return this.#rows?.table(name, this.watermark) ?? this.#table(name);
  }

  get tables(): SideTables | null {
    return this.#rows?.tables ?? null;
  }

  /** False: not all that are due have fired. */
  #fireTimers(watermark: number, work: RiseWork<Node>): boolean {
    const { stretch, agenda } = this.#chain;
    if (this.#transform?.onTimer === undefined) return true;
    for (let fired = 1; ; fired++) {
      const timer = this.#state.popDue(this.nodeId, watermark);
      if (timer === null) return true;
      work.isBegun = true;
      this.#fire(timer);
      if (agenda.hasCaused) return false;
      if (fired % TIMERS_A_LOOK > 0) continue;
      stretch.lap();
      if (!stretch.isOver) continue;
      this.#transform.onPause?.(this);
      return false;
    }
  }

  #fire(timer: Timer): void {
    const trace = this.timerTraces.take(timer);
    this.watch?.noteTimer(timer, trace?.traceId ?? null);
    if (trace !== null && this.#chain.trace !== null) {
      this.#chain.active = this.#chain.trace.enter(trace, this.nodeId, timer.key, timer.id, timer.atMs);
      this.note(EVENTS.timer, { [MILLRACE.node]: this.nodeId, [MILLRACE.timer]: cleanText(timer.id), [MILLRACE.eventTimeMs]: timer.atMs });
    }
    this.#transform?.onTimer?.(timer, this);
    this.#chain.active = null;
  }

  #collect(edge: number, emitted: Batch): void {
    const { trace } = this.#chain;
    const batch = trace === null || trace.followed.size === 0 ? emitted : followKeys(emitted, trace, `${edge}`);
    this.#chain.stretch.weight.gives(batch);
    const batches = this.#chain.edgeBatches.get(edge);
    if (batches === undefined) this.#chain.edgeBatches.set(edge, [batch]);
    else batches.push(batch);
  }
}

const NOBODY: readonly Target[] = [];
const NO_RETRIES: OnErrorPlan = { retries: 0, backoffMs: 0, backoffMaxMs: 0, then: 'deadLetter' };
