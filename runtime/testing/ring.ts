// A stage whose events go round, with all its tasks, whose turns and deaths are chosen from outside. For tests of feedback.

import { assert } from '../base/assert.ts';
import type { Batch, DeadLetter, Value } from '../event/batch.ts';
import { encodeKey } from '../event/key.ts';
import { decodeEvents, encodeEvents } from '../event/segment.ts';
import { taskName, type EdgePlan, type NodePlan, type PhysicalPlan, type StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import { splitByKey } from '../task/exchange.ts';
import type { InboxRecord } from '../task/inbox.ts';
import { TaskCore } from '../task/step.ts';
import { redriveTarget } from '../task/redrive-target.ts';
import type { Segment, Standing } from '../task/step-record.ts';
import { residueOf } from '../telemetry/conservation.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { fromPart, toHeader } from '../worker/savepoint.ts';

type LaneRecord = Omit<InboxRecord, 'segments' | 'bytes'> & { readonly events: readonly Segment[] };
type Stored = { readonly standing: Standing; readonly image: Uint8Array };

export type RingEvent = { readonly key: Value; readonly timeMs: number; readonly value: Value };
export type RingResult = { readonly partition: number; readonly timeMs: number; readonly value: Value; readonly isLate: boolean };

export class Ring {
  readonly results: RingResult[] = [];
  readonly deadLetters: DeadLetter[] = [];
  readonly #plan: PhysicalPlan;
  readonly #stage: StagePlan;
  readonly #own: EdgePlan;
  readonly #outer: EdgePlan;
  readonly #out: number;
  readonly #dead: number;
  readonly #cores: TaskCore[];
  readonly #stored: (Stored | null)[];
  readonly #promised: number[];
  /** What comes from before, and the stage's own lane. */
  readonly #before: LaneRecord[] = [];
  readonly #lane: LaneRecord[] = [];
  /** How much of both each task was given. */
  readonly #given: { before: number; lane: number }[];

  /** `stageId` has one input of one partition, a feedback, and one other output. */
  constructor(plan: PhysicalPlan, stageId: string) {
    this.#plan = plan;
    const stage = plan.stages.find(({ id }) => id === stageId);
    assert(stage !== undefined, 'the plan has the stage');
    this.#stage = stage;
    const edges = (holds: (edge: EdgePlan) => boolean): EdgePlan => plan.edges.find(holds) as EdgePlan;
    this.#own = edges(({ fromStage, toStage }) => fromStage === stageId && toStage === stageId);
    this.#outer = edges(({ fromStage, toStage }) => fromStage !== stageId && toStage === stageId);
    this.#out = edges(({ fromStage, toStage, from }) => fromStage === stageId && toStage !== stageId && from.node !== '*').index;
    this.#dead = edges(({ fromStage, from }) => fromStage === stageId && from.node === '*').index;
    const partitions = [...new Array<unknown>(stage.partitionCount).keys()];
    this.#stored = partitions.map(() => null);
    this.#promised = partitions.map(() => -Infinity);
    this.#given = partitions.map(() => ({ before: 0, lane: 0 }));
    this.#cores = partitions.map((partition) => this.#begin(partition));
  }

  get partitionCount(): number {
    return this.#stage.partitionCount;
  }

  get isDone(): boolean {
    return this.#cores.every((core) => core.done);
  }

  /** What who reads its results knows of time. */
  get watermark(): number {
    return Math.min(...this.#promised);
  }

  /** Events from before, and the watermark behind them. */
  offer(events: readonly RingEvent[], watermark: number): void {
    const { fromStage, index } = this.#outer;
    const from = this.#plan.stages.find(({ id }) => id === fromStage) as StagePlan;
    const batch: Batch = {
      values: events.map(({ value }) => value),
      times: events.map(({ timeMs }) => timeMs),
      keys: events.map(({ key }) => encodeKey(key)),
      ingestMs: 1,
    };
    const parts = events.length === 0 ? [] : splitByKey([batch], this.partitionCount);
    const sequence = this.#before.length + 1;
    this.#before.push({
      ...COMMIT,
      stage: fromStage,
      partition: 0,
      sequence,
      number: sequence,
      watermarks: from.outputs.map((output) => (output === index ? watermark : null)),
      events: parts.map(({ partition, batch: part }) => ({
        kind: 'events',
        edge: index,
        partition,
        count: part.values.length,
        bytes: encodeEvents([part]),
      })),
    });
  }

  /** A task takes in so many records, and stores a step when it has one. True: it did something. */
  turn(partition: number, records: number): boolean {
    const [core, given] = [this.#cores[partition] as TaskCore, this.#given[partition] as { before: number; lane: number }];
    if (core.done) return false;
    const some = [...this.#before.slice(given.before, given.before + records), ...this.#lane.slice(given.lane, given.lane + records)];
    given.before = Math.min(this.#before.length, given.before + records);
    given.lane = Math.min(this.#lane.length, given.lane + records);
    if (some.length > 0)
      core.takeRecords(
        some.map((record) => forPartition(record, partition)),
        1,
      );
    const step = core.step(1, { force: true });
    if (step === null) return some.length > 0;
    assert(residueOf({ ...step.header.counters }) === 0, () => `each event has one end: ${JSON.stringify(step.header.counters)}`);
    core.state.takeDelta();
    this.#stored[partition] = { standing: step.header, image: core.state.checkpoint() };
    this.#note(partition, step.events);
    this.#promised[partition] = step.header.watermarks[this.#stage.outputs.indexOf(this.#out)] ?? (this.#promised[partition] as number);
    this.#append(partition, {
      kind: 'commit',
      watermarks: step.header.watermarks,
      idle: step.header.idle,
      own: step.header,
      events: step.events,
    });
    return true;
  }

  /** Nothing is on its way any more. */
  rest(): void {
    for (let idle = 0; idle < 2 * this.partitionCount;)
      for (let partition = 0; partition < this.partitionCount; partition++) idle = this.turn(partition, 9) ? 0 : idle + 1;
  }

  /** At rest: tasks of another job that go on from a savepoint of this one, with a lane of its own. */
  fromSavepoint(): Ring {
    const next = new Ring(this.#plan, this.#stage.id);
    this.#cores.forEach((core, partition) => {
      const task = taskName(this.#stage.id, partition);
      const header = toHeader(core.standing(), this.#plan, this.#stage, {});
      const part = { task, blob: '', sha256: '', bytes: 0, number: 1, revision: 1, header };
      const { standing } = fromPart(part, { job: 'before', runId: 'run' }, this.#plan, this.#stage);
      next.#stored[partition] = { standing, image: core.state.checkpoint() };
      next.#promised[partition] = this.#promised[partition] as number;
      next.#cores[partition] = next.#begin(partition);
    });
    return next;
  }

  /** Puts a dead letter in again, where it was refused. */
  redrive(letter: DeadLetter): void {
    const target = redriveTarget(this.#plan, letter, { isGiven: false });
    assert(target.kind === 'task' && target.stage.id === this.#stage.id, 'it was refused here');
    const { event, timeMs, key } = letter;
    const { partition, node, input } = target;
    const entry = { kind: 'redrive' as const, stage: this.#stage.id, partition, node, input, event, timeMs, key, attempts: 2, atMs: 1 };
    (this.#cores[partition] as TaskCore).takeRedriven({ sequence: 1, entry }, 1);
  }

  /** What the task did since its last step is lost, and another one goes on behind it. */
  kill(partition: number): void {
    this.#cores[partition] = this.#begin(partition);
    const stored = this.#stored[partition];
    if (stored === null || stored === undefined) return;
    this.#append(partition, { kind: 'claim', watermarks: stored.standing.watermarks, own: stored.standing, events: [] });
  }

  #append(partition: number, record: Pick<LaneRecord, 'kind' | 'watermarks' | 'idle' | 'own' | 'events'>): void {
    const sequence = this.#lane.length + 1;
    this.#lane.push({ more: false, stage: this.#stage.id, partition, sequence, number: sequence, ...record });
  }

  #begin(partition: number): TaskCore {
    const table = (): never => {
      throw new Error('there is no table');
    };
    const make = (node: NodePlan): ReturnType<typeof makeTransform> => makeTransform(node);
    const core = new TaskCore({ plan: this.#plan, stage: this.#stage, partition, makeTransform: make, table, sink: null });
    const stored = this.#stored[partition] ?? null;
    core.restore(stored?.standing ?? null, stored === null ? new PartitionState() : PartitionState.restore(stored.image), true);
    this.#given[partition] = { before: core.own.positionOf(this.#outer.index), lane: core.own.positionOf(this.#own.index) };
    return core;
  }

  #note(partition: number, segments: readonly Segment[]): void {
    for (const { edge, bytes } of segments) {
      const { values, times } = decodeEvents(bytes);
      if (edge === this.#dead) this.deadLetters.push(...(values as DeadLetter[]));
      if (edge !== this.#out) continue;
      values.forEach((value, i) => {
        const timeMs = times[i] as number;
        this.results.push({ partition, timeMs, value, isLate: timeMs <= (this.#promised[partition] as number) });
      });
    }
  }
}

const COMMIT = { kind: 'commit', more: false } as const;

function forPartition({ events, ...record }: LaneRecord, partition: number): InboxRecord {
  const segments = events.filter((segment) => segment.partition === partition && segment.kind === 'events');
  return { ...record, segments, bytes: segments.reduce((sum, { bytes }) => sum + bytes.byteLength, 0) };
}
