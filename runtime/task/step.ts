// One task's steps: what came in, through the chain, to one commit record. Pure: no waiting, no clock, no socket.
//
// Owns: the state of one partition and everything that its commit record says. Lifecycle:
//
//   new ── restore(previous record, state) ──▶ ready ── take…() then step() ──▶ ready ──▶ … ──▶ done
//
//   P1. What `step` returns is the whole effect of what was taken since the step before: outputs, state changes,
//       timers, positions, counts. Nothing of it is visible before the record is stored.
//   P2. Steps are stored in the order in which they were made; a task whose step was refused is thrown away.
//   P3. A record may be of an older declaration: of it counts what still means something, positions and watermarks by edge, state
//       by transform. State of transforms that are gone is dropped, as a change like any other.
//   P4. A step takes in no more than fits a stretch: it may end inside of a record, and of a rise. The rest is work of the next one.
//       Where it cannot end yet (events wait inside), `step` gives nothing and is called again.
//   P5. While the job is paused only events and ends let the clock go on: what closes behind a part of a savepoint would come twice.

import { assert } from '../base/assert.ts';
import { WATERMARK_MAX, WATERMARK_MIN, type Batch, type DeadLetter, type Key } from '../event/batch.ts';
import type { Redriven } from '../journal/redrive-entry.ts';
import type { SinkState } from '../connectors/sink.ts';
import type { SourcePosition, SourceRead } from '../connectors/source.ts';
import type { InputPosition, TaskCounters } from '../journal/record.ts';
import { taskName, type EdgePlan, type StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { TransformFigures } from '../transforms/figures.ts';
import type { Answer, Ask } from '../transforms/outside.ts';
import { GRACE_MS, STRETCH_MS } from './agenda.ts';
import { Chain, type ChainOutput } from './chain.ts';
import { HeavyKeys, type HeavyKey } from './heavy-keys.ts';
import { OutgoingSide, type Encoded } from './outgoing-side.ts';
import type { InboxRecord } from './inbox.ts';
import { BackPressure } from './back-pressure.ts';
import { TaskInputs } from './inputs.ts';
import { ReadPlaces } from './read-places.ts';
import { RecordIntake } from './record-intake.ts';
import type { KeyLook } from './key-watch.ts';
import type { Released } from './replay.ts';
import { batchAgain, refusedAgain, undecodedAgain } from './letters.ts';
import { SinkSide } from './sink-side.ts';
import { addAt, countersFor, NO_COUNTS, openBalance, placeOf, withMore, type Counted } from './counters.ts';
import { lowestOut, outTime, timeText, type OutTime } from './out-time.ts';
import { enteringNow, type StepTrace, sourceTraces } from './step-trace.ts';
import { stateSegment } from './state-segment.ts';
import type { Standing, Step } from './step-record.ts';
import { checkStop } from './stop.ts';
import type { TaskParts } from './task-parts.ts';
import { traceAt, withTraces } from '../event/trace-marks.ts';
import type { TraceContext } from '../base/trace-context.ts';

const LOOK_CELLS_MAX = 16; // of a key that is looked at: windows that are open may be many, and the first ones tell enough

export class TaskCore {
  readonly stage: StagePlan;
  readonly backPressure: BackPressure;
  state = new PartitionState();
  readonly #parts: TaskParts;
  readonly #inputs: TaskInputs;
  readonly #intake: RecordIntake;
  readonly #outEdges: readonly EdgePlan[];
  readonly #outgoing: OutgoingSide;
  readonly #trace: StepTrace | null;
  readonly #heavyKeys = new HeavyKeys();
  #chain: Chain;
  #counters: TaskCounters;
  #source: SourcePosition | null = null;
  readonly #sink: SinkSide;
  #sourceDeadLetters: DeadLetter[] = [];
  #sourceEnded = false;
  #ingestMs = Infinity;
  #redriven = 0;
  #takenEvents = 0;
  #takenRecords = 0;
  #lastTime = '';
  #endPhase = 0;
  #isSilent = false; // what others of a stage whose actors send say of positions alone must not wake the clock
  #unsettled = false; // watermarks are to settle before anything else (P3)
  #brings = false; // this step has events, or an end
  isPaused = false; // the clock stands but for what is on its way (P5)
  /** The step that ends all processing was made. For a sink this is not the end: its last record must be applied first. */
  done = false;
  owes = false; // positions or watermarks moved since the last step that was stored

  constructor(parts: TaskParts) {
    this.#parts = parts;
    this.stage = parts.stage;
    this.#trace = parts.trace ?? null;
    this.#inputs = new TaskInputs(parts.plan, parts.stage, parts.partition);
    this.#intake = new RecordIntake(this.#inputs);
    this.#outEdges = parts.stage.outputs.map((index) => parts.plan.edges[index] as EdgePlan);
    this.#outgoing = new OutgoingSide(parts.plan, this.#outEdges, this.#trace, parts.partition);
    this.#sink = new SinkSide(parts);
    this.#counters = { ...NO_COUNTS, edgesIn: parts.stage.inputs.map(() => 0), edgesOut: parts.stage.outputs.map(() => 0) };
    this.#chain = this.#makeChain();
    const crowded = { crowdingOf: (id: string) => this.#chain.crowdingOf(id), edgeTimes: () => this.#inputs.watermarks() };
    this.backPressure = new BackPressure(parts.plan, parts.stage, crowded);
  }

  /** Goes on from `previous` (null: a task that never ran) with its state as of that record. */
  restore(previous: Standing | null, state: PartitionState, isTakeover: boolean): void {
    const isDropped = state.keepOnly(new Set(this.stage.nodes.map(({ id }) => id)));
    this.state = state;
    this.#chain = this.#makeChain();
    if (previous === null) {
      this.#chain.restored(new Map(), {});
      return;
    }
    this.#inputs.restore(previous.inputs);
    this.#source = previous.source;
    this.#sink.state = previous.sink?.after ?? this.#sink.state;
    this.done = previous.done;
    this.#redriven = previous.redriven;
    const counters = countersFor(this.stage, previous);
    this.#counters = { ...counters, recoveries: counters.recoveries + (isTakeover ? 1 : 0) };
    this.#chain.restored(this.#inputs.watermarks(), previous.nodeWatermarks, previous.idle.length > 0);
    this.#outgoing.restored(this.#chain.edgeWatermarks);
    this.#counters = openBalance(this.#counters, this.#chain.held(), isDropped);
    this.#lastTime = timeText(this.#outTime());
    this.#unsettled = !previous.done;
    const isReplay = this.#source !== null && 'replayMs' in this.#source; // its watermarks are those of its pace
    this.owes = !previous.done && (state.isChanged || this.#chain.isUnsettled || (!isReplay && this.#lastTime !== timeText(previous)));
  }

  /** How the task stands now: what its last record said, when nothing was taken in since. */
  standing(): Standing {
    return {
      inputs: this.#inputs.positions(),
      source: this.#source,
      sink: this.#sink.header(this.#sink.state),
      ...this.#outTime(),
      nodeWatermarks: this.#chain.watermarks(),
      done: this.done,
      counters: this.#counters,
      redriven: this.#redriven,
    };
  }

  get counters(): TaskCounters {
    return this.#counters;
  }

  get sinkState(): SinkState | null {
    return this.#sink.state;
  }

  get sourcePosition(): SourcePosition | null {
    return this.#source;
  }

  /** All input was taken in. */
  ended(): boolean {
    return this.stage.kind === 'source' ? this.#sourceEnded : this.#inputs.ended();
  }

  /** Lowest watermark over all inputs, for people. */
  get inputWatermark(): number {
    if (this.stage.kind === 'source') return lowestOut(this.#outEdges, this.#chain);
    return Math.min(...[...this.#inputs.watermarks().values()].map(({ watermark }) => watermark));
  }

  /** What the transforms tell of themselves, by node. Changes nothing. */
  figures(): Readonly<Record<string, TransformFigures>> {
    return this.#chain.figures();
  }

  /** One key of one node as it stands between two steps, and what it got since it is looked at; null: no such node here. */
  look(nodeId: string, key: Key, nowMs: number): KeyLook | null {
    const watch = this.#chain.watch(nodeId, nowMs);
    if (watch === null) return null;
    return { ...this.state.look(nodeId, key, LOOK_CELLS_MAX), ...this.#chain.tracesOf(nodeId, key), recent: watch.of(key, nowMs) };
  }

  /** The key that most of its events have lately; null: it has no keys, or nothing came since it was restored. */
  heaviestKey(): HeavyKey | null {
    return this.#heavyKeys.top();
  }

  /** Watermarks that it has given out, by place in its stage's outputs. */
  get given(): OutTime['watermarks'] {
    return this.#outTime().watermarks;
  }

  positions(): InputPosition[] {
    return this.#inputs.positions();
  }

  sequenceOf(stageId: string): number {
    return this.#inputs.sequenceOf(stageId);
  }

  get own(): Pick<TaskInputs, 'ownSequence' | 'endPhase' | 'waitsForTurn' | 'positionOf'> {
    return this.#inputs;
  }

  /** When something that waits wants to go on, wall-clock ms; Infinity: nothing waits for the clock. */
  get nextWakeMs(): number {
    return this.#chain.nextWakeMs();
  }

  /** So much waits for the clock or for what is outside that nothing more is to be taken in. */
  get isFull(): boolean {
    return this.#chain.isFull;
  }

  /** Its last step can be made: all input was taken in, and nothing waits. */
  get isEnding(): boolean {
    return !this.done && this.ended() && !this.#chain.isHolding;
  }

  /** What it asks of the world outside, since the last call. */
  takeAsks(): readonly Ask[] {
    return this.#chain.takeAsks();
  }

  takeAnswers(answers: readonly Answer[], nowMs: number): void {
    this.#begin(nowMs);
    for (const answer of answers) this.#chain.answer(answer);
    this.owes ||= this.state.isChanged;
  }

  /** What waited for the clock goes on. */
  wake(nowMs: number): void {
    this.#begin(nowMs);
    this.#chain.wake(nowMs);
    this.owes ||= this.state.isChanged;
  }

  get hasWork(): boolean {
    return this.#chain.isAtWork || !this.#intake.isEmpty;
  }

  /** `isAmidst`: it cannot end its step yet (P4). `isInside`: something is taken in in part only, no savepoint is taken here. */
  get way(): { readonly isAmidst: boolean; readonly isInside: boolean } {
    return { isAmidst: this.#chain.isAmidst, isInside: this.hasWork || this.#inputs.isInside };
  }

  /** It can take in more in this stretch. */
  get hasTime(): boolean {
    return !this.hasWork && !this.#chain.stretch.isOver;
  }

  /** Begins a stretch of so many ms with the work that is left. */
  goOn(nowMs: number, stretchMs = STRETCH_MS): void {
    const isAmidst = this.#chain.isAmidst;
    this.#chain.stretch.begin(stretchMs);
    if (this.hasWork || this.#unsettled) this.#begin(nowMs); // else what is taken in says whether the clock goes on
    if (isAmidst) return this.#chain.workUntilStorable(0);
    this.#chain.work();
    this.#takeWaiting();
  }

  /** Takes records of upstream stages in, in lane order. */
  takeRecords(records: readonly InboxRecord[], nowMs: number): void {
    this.#isSilent = records.every(({ own, bytes }) => own !== undefined && bytes === 0);
    this.#brings ||= records.some(({ bytes, watermarks }) => bytes > 0 || watermarks.includes(WATERMARK_MAX));
    this.#begin(nowMs);
    this.#intake.add(records);
    this.#takeWaiting();
  }

  #takeWaiting(): void {
    if (this.#chain.isAtWork) return;
    this.#takenRecords += this.#intake.run(this.#chain, (edge, slice, record) => this.#takeSlice(edge, slice, record));
  }

  takeRead(read: SourceRead, nowMs: number): void {
    this.#begin(nowMs);
    this.#noteIngest(read.ingestMs);
    const node = this.stage.nodes.find(({ op }) => op.kind === 'source');
    assert(node !== undefined, `stage ${this.stage.id} has a source`);
    for (const { trace, ...letter } of read.deadLetters) this.#sourceDeadLetters.push(this.#traced({ ...letter, at: node.id }, trace));
    this.#source = read.position;
    this.#takenEvents += read.values.length + read.deadLetters.length;
    this.takeIdle(false, nowMs);
    this.#count({ eventsIn: read.values.length + read.deadLetters.length });
    if (read.values.length > 0) {
      const times = new Array<number>(read.values.length).fill(Math.trunc(read.ingestMs));
      const traces = this.#trace === null ? undefined : sourceTraces(this.#trace, times.length, read.traces);
      const places = new ReadPlaces(read.placeWord, read.values, read.places);
      this.#chain.pushSource({ values: read.values, times, keys: null, ingestMs: read.ingestMs, traces }, places);
    }
    this.#sourceEnded ||= read.done;
  }

  /** The source has nothing for now, and holds nobody back until it has; `passedMs`: event time goes on by so much meanwhile. */
  takeIdle(isIdle: boolean, nowMs: number, passedMs = 0): void {
    if (isIdle === this.isSourceIdle && passedMs === 0) return;
    this.#begin(nowMs);
    this.#chain.idleSource(isIdle, passedMs);
  }

  get isSourceIdle(): boolean {
    return this.#chain.isSourceIdle;
  }

  /** Up to where it has read what was decided about dead letters. */
  get redriven(): number {
    return this.#redriven;
  }

  /** Takes a dead letter in again, where it was refused: it keeps its event time, and no watermark waits for it. */
  takeRedriven({ sequence, entry }: { readonly sequence: number; readonly entry: Redriven }, nowMs: number): void {
    assert(sequence > this.#redriven, () => `what was decided at ${sequence} is behind ${this.#redriven}, which was taken in`);
    this.#begin(nowMs);
    this.#noteIngest(nowMs);
    this.#redriven = sequence;
    this.#takenEvents++;
    this.#count({ eventsIn: 1 });
    const batch = batchAgain(entry, nowMs, this.#trace);
    if (this.stage.kind === 'sink') this.#sink.takeAgain(entry.event, batch, entry.attempts);
    else if (this.stage.nodes.some(({ id, op }) => id === entry.node && op.kind === 'source')) this.#decodeAgain(entry, batch);
    else if (!this.#chain.pushAgain(entry.node, entry.input, batch, entry.attempts))
      this.#refuse(refusedAgain(entry, `stage ${this.stage.id} has no transform ${entry.node}`), batch);
  }

  #decodeAgain(entry: Redriven, batch: Batch): void {
    const decoded = this.#parts.decodeAgain?.(entry.event);
    if (decoded === undefined) this.#refuse(refusedAgain(entry, `source ${entry.node} reads no single events`), batch);
    else if ('issues' in decoded) this.#refuse(undecodedAgain(entry, decoded.issues), batch);
    else this.#chain.pushAgain(entry.node, 0, { ...batch, values: [decoded.value] }, entry.attempts);
  }

  #refuse(letter: DeadLetter, batch: Batch): void {
    this.#sourceDeadLetters.push(this.#traced(letter, traceAt(batch, 0)));
  }

  /** Ends the step: watermarks rise, timers fire, and all of it becomes the content of one record. Null when nothing
   *  needs to be stored yet: only positions or watermarks moved (`owes`), and `force` does not ask for them. */
  step(nowMs: number, options: { readonly force: boolean }): Step | null {
    this.#begin(nowMs);
    this.#isSilent = false;
    this.#brings &&= this.hasWork;
    if (this.#chain.isAmidst) this.#chain.workUntilStorable(GRACE_MS);
    if (!this.#chain.isAtWork) this.#rise();
    checkStop(this.#chain.stop, taskName(this.stage.id, this.#parts.partition));
    if (this.#chain.isAmidst) return null;
    const isRising = this.#chain.isAtWork;
    const ended = this.ended() && !this.hasWork && !this.#chain.isHolding;
    this.owes ||= isRising || this.#takenRecords > 0 || timeText(this.#outTime()) !== this.#lastTime;
    const isNews = (ended && !this.done) || this.#inputs.endPhase !== this.#endPhase;
    const isUrgent = isNews || isRising || this.#takenEvents > 0 || this.#chain.hasOutput;
    if (!isUrgent && !(options.force && this.owes)) return null;
    [this.done, this.#endPhase] = [ended, this.#inputs.endPhase];
    return this.#finish(this.#chain.take(), Math.min(this.#ingestMs, nowMs));
  }

  #rise(): void {
    this.#chain.place = null;
    this.#chain.stretch.extend(GRACE_MS);
    if (this.#sourceEnded) this.#chain.advanceSource(WATERMARK_MAX);
    for (const [edge, { watermark, isIdle }] of this.#inputs.watermarks()) this.#chain.advanceEdge(edge, watermark, isIdle);
    this.#chain.fireBehindEnd();
  }

  /** A sink's last step, after all was applied: says that it is done. */
  closing(nowMs: number): Step {
    const step = this.#finish(this.#chain.take(), nowMs);
    return { ...step, header: { ...step.header, done: true, watermarks: step.header.watermarks.map(() => WATERMARK_MAX) } };
  }

  /** Replay: runs all that was read through the chain and gives what it lets out, held back for `release`. After a
   *  restart the source was counted before: `counted` are the counters as they were restored. */
  takeReplay(counted: TaskCounters | null): ReadonlyMap<number, readonly Batch[]> {
    this.#chain.stretch.begin(Infinity);
    this.#chain.advanceSource(WATERMARK_MAX);
    this.#chain.wake(Infinity); // what is let out at a pace has no time of its own to wait for
    checkStop(this.#chain.stop, taskName(this.stage.id, this.#parts.partition));
    this.#sourceEnded = false;
    this.#takenEvents = 0;
    const output = this.#chain.take();
    this.#trace?.take(); // what is held back is traced when it is let go
    if (counted !== null) {
      this.#sourceDeadLetters = [];
      this.#counters = counted;
    } else {
      this.#sourceDeadLetters.push(...output.deadLetters);
      this.#count({ filtered: output.filtered, late: output.late });
    }
    for (const edge of this.#chain.edgeWatermarks.keys()) this.#chain.edgeWatermarks.set(edge, WATERMARK_MIN);
    return new Map([...output.edges].map(([edge, batches]) => [edge, batches.map((batch) => withTraces(batch, []))]));
  }

  /** Replay: a step of events that are due, with the watermark up to which all have been released. */
  release(released: Released, nowMs: number): Step | null {
    if (released.edges.size === 0 && !released.ended) return null;
    this.#source = { replayMs: released.watermark === WATERMARK_MAX ? Number.MAX_SAFE_INTEGER : released.watermark };
    this.#sourceEnded = this.done = released.ended;
    for (const edge of this.#chain.edgeWatermarks.keys()) this.#chain.edgeWatermarks.set(edge, released.watermark);
    // They enter the job now, whenever they were read: that is where end-to-end latency starts.
    this.#trace?.begin(nowMs, this.#counters.eventsOut);
    const edges = new Map(
      [...released.edges].map(([edge, batches]) => [edge, batches.map((batch) => enteringNow(batch, nowMs, this.#trace))]),
    );
    return this.#finish({ edges, deadLetters: [], filtered: 0, late: 0, made: 0, absorbed: 0 }, nowMs);
  }

  #begin(nowMs: number): void {
    if (this.#chain.isAmidst) return; // the step has begun
    this.#chain.nowMs = nowMs;
    this.#chain.ingestMs = Math.min(this.#ingestMs, nowMs);
    this.#trace?.begin(nowMs, placeOf(this.#counters));
    if (this.#unsettled) this.#chain.settle();
    this.#unsettled = false;
    const isHeld = this.done || this.#isSilent || (this.isPaused && !this.#brings);
    if (!isHeld && this.#chain.tick()) this.owes ||= this.state.isChanged;
  }

  #finish(output: ChainOutput, ingestMs: number): Step {
    const before = this.#sink.state;
    const prepared = this.#sink.prepare((letter, from) => this.#traced(letter, from));
    if (prepared !== null) this.#count({ eventsOut: prepared.segment.count });
    const deadLetters = [...this.#sourceDeadLetters, ...output.deadLetters, ...(prepared?.deadLetters ?? [])];
    this.#inputs.sendsRound(output.edges, this.#chain);
    const { segments: events, ...counts } = this.#outgoing.encode(output.edges, deadLetters, ingestMs, this.#chain);
    this.#countGiven(counts);
    const state = stateSegment(this.state);
    const { filtered, late, made, absorbed } = output;
    this.#count({ filtered, late, made, absorbed, deadLetters: deadLetters.length, held: this.#chain.held() - this.#counters.held });
    const time = this.#outTime();
    this.#lastTime = timeText(time);
    this.owes = false;
    this.#takenRecords = this.#takenEvents = 0;
    this.#sourceDeadLetters = [];
    if (!this.#chain.isAtWork) this.#ingestMs = Infinity;
    return {
      header: {
        inputs: this.#inputs.positions(),
        source: this.#source,
        sink: this.#sink.header(before),
        ...time,
        nodeWatermarks: this.#chain.watermarks(),
        done: this.done && this.stage.kind !== 'sink',
        counters: this.#counters,
        ingestMs,
        redriven: this.#redriven,
      },
      events,
      state,
      payload: prepared?.segment ?? null,
      spans: this.#trace?.take() ?? [],
      payloadTraces: prepared?.traces,
      ends: this.done,
    };
  }

  #takeSlice(edge: number, slice: Batch, { stage, partition, sequence }: InboxRecord): void {
    this.#chain.place = `${stage}/${partition} seq ${sequence}`;
    const batch = slice.traces === undefined ? slice : this.#entered(slice);
    const count = batch.values.length;
    this.#takenEvents += count;
    this.#noteIngest(batch.ingestMs);
    this.#counters = {
      ...this.#counters,
      eventsIn: this.#counters.eventsIn + count,
      edgesIn: addAt(this.#counters.edgesIn, this.stage.inputs.indexOf(edge), count),
    };
    if (this.stage.kind === 'keyed' && batch.keys !== null) this.#heavyKeys.note(batch.keys);
    if (this.stage.kind === 'sink') this.#sink.take(batch);
    else this.#chain.pushEdge(edge, batch);
  }

  /** Traced events go on in spans of this step. */
  #entered(batch: Batch): Batch {
    return this.#trace === null ? withTraces(batch, []) : this.#trace.entered(batch);
  }

  #traced(letter: DeadLetter, from: TraceContext | undefined): DeadLetter {
    return this.#trace === null ? letter : this.#trace.deadLetter(letter, from);
  }

  #noteIngest(ingestMs: number): void {
    if (ingestMs < this.#ingestMs) this.#ingestMs = ingestMs;
    this.#chain.ingestMs = this.#ingestMs;
  }

  #outTime(): OutTime {
    return outTime(this.#outEdges, this.#chain, this.done && this.stage.kind !== 'sink');
  }

  #countGiven({ given, made, absorbed }: Pick<Encoded, 'given' | 'made' | 'absorbed'>): void {
    const data = given.reduce((sum, count, place) => sum + (this.#outEdges[place]?.from.node === '*' ? 0 : count), 0);
    this.#count({ eventsOut: data, made, absorbed });
    this.#counters = { ...this.#counters, edgesOut: this.#counters.edgesOut.map((count, place) => count + (given[place] ?? 0)) };
  }

  #count(more: Partial<Record<Counted, number>>): void {
    this.#counters = withMore(this.#counters, more);
  }

  #makeChain(): Chain {
    const { plan, stage, makeTransform, table, clock } = this.#parts;
    const nodes = stage.kind === 'sink' ? { ...stage, nodes: [], outputs: [] } : stage;
    return new Chain({ stage: nodes, edges: plan.edges, state: this.state, makeTransform, table, trace: this.#trace, clock });
  }
}
