// Runs one transform as a stage runs it (the real chain, the real state), with time drawn as text. For table tests.
//
//   'a1 a3 | b7 W10 R c12'   event a at 1, event a at 3, then (another batch) b at 7, the watermark 10, a restart, c at 12
//   'C100'                   the clock has come to 100 ms, and who waits for it is woken
//   'a1=5'                   the event's value has `n: 5`;  'Wend': the input has ended;  '>a1': on the right side of a join
//
// An event `a7` has the value `{ id: 'a', t: 7, n: 7 }`, the time 7 and the key 'a'. What comes out is drawn the same way:
// results by `show`, watermarks as W…, other outputs with their name: `late:a4`. Dead letters: `dead:a4`.

import { assert } from '../base/assert.ts';
import type { Batch, Value } from '../event/batch.ts';
import { WATERMARK_MAX } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import type { EdgePlan, NodePlan, StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { ValueMemory } from '../state/value-memory.ts';
import { STRETCH_MS } from '../task/agenda.ts';
import { Chain } from '../task/chain.ts';
import type { ChainOutput } from '../task/chain.ts';
import type { NodeWatermarks } from '../task/chain-parts.ts';
import type { Together } from '../time/watermark.ts';
import type { TransformFigures } from '../transforms/figures.ts';
import type { StepContext, Table, Transform } from '../transforms/transform.ts';
import { valuesAway } from './values-away.ts';

export type HarnessOptions = {
  /** Makes the transform; called again at a restart. */
  readonly make: () => Transform;
  /** Named outputs to listen to, besides the main one. */
  readonly outputs?: readonly string[];
  readonly tables?: Readonly<Record<string, Table>>;
  /** The value of a drawn event; `{ id, t, n }` when absent. */
  readonly value?: (drawn: DrawnEvent) => Value;
  /** false: events without keys. */
  readonly keyed?: boolean;
  readonly nowMs?: number;
  /** Steps that end behind so many bytes, with a restart behind every second: watermarks on the way are not told. Absent: one step does all. */
  readonly stepBytes?: number | undefined;
};

export type DrawnEvent = { readonly id: string; readonly timeMs: number; readonly n: number };

/** What came out, in order. */
export type Emission =
  | { readonly kind: 'event'; readonly output: string | null; readonly value: Value; readonly timeMs: number; readonly key: string | null }
  | { readonly kind: 'watermark'; readonly watermark: number };

const NODE = 'node';
/** Of a small state each of the first steps is held against an image that was begun before it. */
const WATCHED_STATE_BYTES_MAX = 4_000;
const WATCHED_STEPS_MAX = 64;
const SIGN = /^(\||R|Wend|W-?\d+|C\d+)$/;
const EVENT = /^(>?)([A-Za-z]+)(-?\d+)(?:=(-?[\d.]+))?$/;

export class StepHarness {
  readonly emissions: Emission[] = [];
  readonly deadLetters: ChainOutput['deadLetters'][number][] = [];
  late = 0;
  filtered = 0;
  readonly #memory: ValueMemory;
  state: PartitionState;
  readonly #options: HarnessOptions;
  #chain: Chain;
  #watermarks = new Map<number, Together>();
  #nowMs: number;
  #watchedSteps = 0;
  #parts = 0;

  constructor(options: HarnessOptions) {
    this.#options = options;
    this.#memory = valuesAway(options.stepBytes);
    this.state = new PartitionState(this.#memory);
    this.#nowMs = options.nowMs ?? 0;
    this.#chain = this.#start({});
  }

  /** What the transform tells of itself. */
  figures(): TransformFigures | undefined {
    return this.#chain.figures()[NODE];
  }

  /** Plays a drawing; a batch ends at `|`, at a watermark, at a restart, and where the side changes. */
  play(drawing: string): this {
    let batch: DrawnEvent[] = [];
    let side = 0;
    const flush = (): void => {
      this.push(batch, side);
      batch = [];
    };
    for (const token of drawing.split(/\s+/).filter((text) => text !== '' && text !== '..')) {
      const event = SIGN.test(token) ? null : EVENT.exec(token);
      const eventSide = event?.[1] === '>' ? 1 : 0;
      if (event === null || eventSide !== side) flush();
      if (event === null) this.#playSign(token);
      else {
        side = eventSide;
        batch.push({ id: event[2]!, timeMs: Number(event[3]), n: Number(event[4] ?? event[3]) });
      }
    }
    flush();
    return this;
  }

  push(events: readonly DrawnEvent[], side = 0): void {
    if (events.length === 0) return;
    const value = this.#options.value ?? ((event: DrawnEvent) => ({ id: event.id, t: event.timeMs, n: event.n }));
    this.pushBatch(
      {
        values: events.map(value),
        times: events.map((event) => event.timeMs),
        keys: this.#options.keyed === false ? null : events.map((event) => encodeKey(event.id)),
        ingestMs: 0,
      },
      side,
    );
  }

  pushBatch(batch: Batch, side = 0): void {
    this.#run(() => this.#chain.pushEdge(side, batch));
  }

  /** Both inputs' watermark rises. */
  advance(watermark: number): void {
    this.#run(() => {
      for (const edge of [0, 1]) {
        this.#watermarks.set(edge, { watermark, isIdle: false });
        this.#chain.advanceEdge(edge, watermark);
      }
    });
  }

  /** Who waits for the clock is woken. */
  clock(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#chain.nowMs = nowMs;
    const isInParts = this.#options.stepBytes !== undefined;
    do this.#run(() => this.#chain.wake(nowMs));
    while (isInParts && this.#chain.nextWakeMs() <= nowMs);
  }

  /** The task dies and another owner goes on from bytes alone. */
  restart(): void {
    this.state.takeDelta();
    this.state = PartitionState.restore(this.state.checkpoint(), this.#memory);
    this.#chain = this.#start(this.#chain.watermarks());
  }

  #run(step: () => void): void {
    const from = this.emissions.length;
    this.#besideImage(step);
    this.#collect();
    if (this.#options.stepBytes !== undefined) this.#goOn(from);
  }

  /** The steps that the first one has left, each with its commit. Of the watermarks behind emission `from` the last one is told. */
  #goOn(from: number): void {
    for (; this.#chain.isAtWork; this.#collect()) {
      if (!this.#chain.isAmidst) {
        if (++this.#parts % 2 === 0) {
          this.restart();
          this.#chain.settle();
        } else this.state.takeDelta();
      }
      this.#chain.stretch.begin(STRETCH_MS);
      if (this.#chain.isAmidst) this.#chain.workUntilStorable(0);
      else this.#chain.work();
    }
    this.state.takeDelta();
    const last = this.emissions.findLastIndex(({ kind }) => kind === 'watermark');
    const told = this.emissions.splice(from).filter(({ kind }, i) => kind === 'event' || from + i === last);
    this.emissions.push(...told);
  }

  /** A sign that is no event: it ends a batch. */
  #playSign(sign: string): void {
    if (sign === 'R') this.restart();
    else if (sign === 'Wend') this.advance(WATERMARK_MAX);
    else if (sign.startsWith('C')) this.clock(Number(sign.slice(1)));
    else if (sign.startsWith('W') && SIGN.test(sign)) this.advance(Number(sign.slice(1)));
    else if (sign !== '|') throw new Error(`not drawn well: ${sign}`);
  }

  /** What came out since the last call, drawn. */
  drawn(show: (value: Value, timeMs: number) => string = showDrawn): string {
    const texts = this.emissions.map((emission) => {
      if (emission.kind === 'watermark') return emission.watermark === WATERMARK_MAX ? 'Wend' : `W${emission.watermark}`;
      return `${emission.output === null ? '' : `${emission.output}:`}${show(emission.value, emission.timeMs)}`;
    });
    const dead = this.deadLetters.map((letter) => `dead:${show(letter.event, letter.timeMs ?? NaN)}`);
    this.emissions.length = 0;
    this.deadLetters.length = 0;
    return [...texts, ...dead].join(' ');
  }

  #start(watermarks: NodeWatermarks): Chain {
    const chain = new Chain({
      ...this.#plan(),
      state: this.state,
      makeTransform: (node) => this.#make(node),
      table: (name) => this.#table(name),
    });
    chain.restored(this.#watermarks, watermarks);
    chain.nowMs = this.#nowMs;
    chain.ingestMs = 0;
    return chain;
  }

  /** The transform under test between two edges and a probe on each of its outputs. */
  #plan(): { stage: StagePlan; edges: EdgePlan[] } {
    const op = { kind: 'order' } as const; // which transform a node is, is said by #make
    const inputs = [
      { kind: 'edge', edge: 0, side: 'left' },
      { kind: 'edge', edge: 1, side: 'right' },
    ] as const;
    const probes = [null, ...(this.#options.outputs ?? [])].map((output): NodePlan => ({
      id: `probe/${output ?? ''}`,
      inputs: [{ kind: 'node', from: { node: NODE, output }, side: 'left' }],
      op,
    }));
    const nodes: NodePlan[] = [{ id: NODE, inputs, op }, ...probes];
    const stage: StagePlan = {
      id: 'stage',
      index: 1,
      kind: 'keyed',
      partitionCount: 1,
      nodes,
      inputs: [0, 1],
      outputs: [],
      stream: 'STREAM',
      subjectPrefix: 'stage',
      reasons: [],
    };
    const edges = [0, 1].map((index): EdgePlan => ({
      index,
      id: `edge-${index}`,
      fromStage: 'before',
      from: { node: 'before', output: null },
      toStage: 'stage',
      partitioning: 'key',
    }));
    return { stage, edges };
  }

  #make(node: NodePlan): Transform {
    if (node.id === NODE) return this.#options.make();
    const output = node.id.slice('probe/'.length) || null;
    return {
      onBatch: ({ values, times, keys }: Batch): void => {
        values.forEach((value, i) => this.emissions.push({ kind: 'event', output, value, timeMs: times[i]!, key: keys?.[i] ?? null }));
      },
      onWatermark: (watermark: number, context: StepContext): void => {
        if (output === null) this.emissions.push({ kind: 'watermark', watermark });
        context.emitWatermark(watermark);
      },
    };
  }

  #table(name: string): Table {
    const table = this.#options.tables?.[name];
    if (table === undefined) throw new Error(`the harness has no table ${name}`);
    return table;
  }

  /** An image that is begun before a step is that of the state before it, whatever the step changes, and how. */
  #besideImage(step: () => void): void {
    const bytes = this.state.bytesEstimate();
    if (bytes === 0 || bytes > WATCHED_STATE_BYTES_MAX || ++this.#watchedSteps > WATCHED_STEPS_MAX) return step();
    this.state.takeDelta();
    const before = this.state.checkpoint();
    const image = this.state.image();
    step();
    const reading = PartitionState.reading();
    for (const chunk of image.chunks()) reading.take(chunk);
    const made = reading.end().checkpoint();
    const isSame = Buffer.compare(made, before) === 0 || Buffer.compare(made, PartitionState.restore(before).checkpoint()) === 0; // order of timers
    assert(isSame, 'a step has changed an image that was begun before it');
  }

  #collect(): void {
    const { deadLetters, late, filtered } = this.#chain.take();
    this.deadLetters.push(...deadLetters);
    this.late += late;
    this.filtered += filtered;
  }
}

/** `{ id: 'a', t: 7 }` as `a7`, anything else as JSON. */
function showDrawn(value: Value, timeMs: number): string {
  const { id } = (value ?? {}) as { id?: unknown };
  return typeof id === 'string' ? `${id}${timeMs}` : `${JSON.stringify(value)}`;
}
