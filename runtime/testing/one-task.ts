// One task of a planned job for tests: what it takes in and gives, one step a record, and how it goes on behind a restart.

import type { Batch } from '../event/batch.ts';
import { decodeEvents } from '../event/segment.ts';
import type { EdgePlan, PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { PartitionState } from '../state/partition-state.ts';
import type { Standing } from '../task/step-record.ts';
import { TaskCore } from '../task/step.ts';
import { makeTransform } from '../transforms/make-transform.ts';
import { makeInboxRecord } from './sample-inbox.ts';

/** Partition 0 of the stage. */
export class OneTask {
  core: TaskCore;
  readonly #plan: PhysicalPlan;
  readonly #stage: StagePlan;
  #standing: Standing | null = null;
  #sequence = 0;

  constructor(plan: PhysicalPlan, stage: StagePlan) {
    this.#plan = plan;
    this.#stage = stage;
    this.core = this.#make();
    this.core.restore(null, this.core.state, false);
  }

  /** Takes in what the stage `from` sends, in a step. What that gave, by edge; there may be nothing to do. */
  take(from: string, watermark: number, batch: Batch): readonly { readonly edge: EdgePlan; readonly values: readonly unknown[] }[] {
    const edge = this.#stage.inputs.map((index) => this.#plan.edges[index]!).find(({ fromStage }) => fromStage === from)!;
    this.core.takeRecords([makeInboxRecord(this.#plan, edge, { sequence: ++this.#sequence, batch, watermark })], 1);
    const step = this.core.step(1, { force: true });
    if (step === null) return [];
    this.#standing = step.header;
    return step.events.map(({ edge: to, bytes }) => ({ edge: this.#plan.edges[to]!, values: decodeEvents(bytes).values }));
  }

  /** Another owner goes on with what is stored. */
  restart(): void {
    const state = PartitionState.restore(this.core.state.checkpoint());
    this.core = this.#make();
    this.core.restore(this.#standing, state, true);
  }

  #make(): TaskCore {
    const table = (name: string): never => {
      throw new Error(`no table ${name}`);
    };
    return new TaskCore({ plan: this.#plan, stage: this.#stage, partition: 0, makeTransform, table, sink: null });
  }
}
