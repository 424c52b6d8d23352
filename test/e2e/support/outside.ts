// A job as it is seen from outside: its pods by the API server, who owns its partitions by its journals. What the operator says of it is
// looked at first and the world after that, so a word that was true when it was said is true of the world that follows (as long as
// nothing is taken away).

import { setTimeout as sleep } from 'node:timers/promises';
import { planJob } from '../../../runtime/plan/plan.ts';
import { readStreamJob } from '../../../runtime/plan/check.ts';
import type { StreamJobStatus } from '../../../crds/stream-job/status.ts';
import { condition, isReady, pods, status } from './jobs.ts';
import { ownersOf, type Owners } from './journals.ts';
import type { ClusterNats } from './nats.ts';

export type Sample = {
  /** What is said. */
  readonly status: StreamJobStatus;
  /** What is said after the world was looked at. */
  readonly phaseAfter: string | undefined;
  /** How many there are that nobody has ended, and how many of them are ready. */
  readonly living: { readonly pods: number; readonly ready: number };
  readonly readyPods: readonly string[];
  readonly owners: Owners;
};

/** Names of all tasks of a job's declaration, as in Owners. */
export function tasksOf(text: string, identity: string): readonly string[] {
  const job = readStreamJob(text, { file: identity, parameters: {} });
  const { stages } = planJob(job, {}, { identity, deadLetterFile: false });
  return stages.flatMap(({ id, partitionCount }) => Array.from({ length: partitionCount }, (_, partition) => `${id}.${partition}`));
}

/** `nats`: in the job's account. */
export async function look(nats: ClusterNats, space: string, name: string): Promise<Sample> {
  const said = await status(space, name);
  const [owners, there] = [await ownersOf(nats, `${space}_${name}`), await pods(space, name)];
  const { phase: phaseAfter } = await status(space, name);
  const living = there.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return {
    status: said,
    phaseAfter,
    owners,
    living: { pods: living.length, ready: living.filter(isReady).length },
    readyPods: there.filter(isReady).map(({ metadata }) => metadata.name),
  };
}

/** Looks again and again until it is stopped. */
export class Watch {
  readonly samples: Sample[] = [];
  #stopped = false;
  readonly #looking: Promise<void>;

  constructor(nats: ClusterNats, space: string, name: string) {
    this.#looking = this.#run(() => look(nats, space, name));
  }

  async stop(): Promise<readonly Sample[]> {
    this.#stopped = true;
    await this.#looking;
    return this.samples;
  }

  async #run(see: () => Promise<Sample>): Promise<void> {
    while (!this.#stopped) {
      this.samples.push(await see());
      await sleep(100);
    }
  }
}

/** Sentences on what was said and is not so; empty: all is true. */
export function liesOf({ status: said, phaseAfter, owners, readyPods }: Sample, tasks: readonly string[]): readonly string[] {
  const without = tasks.filter((task) => !owners.has(task));
  const lies: string[] = [];
  if (condition(said, 'Ready') === 'True Running') {
    if (without.length > 0) lies.push(`Ready, and nobody has ever owned ${without.join(', ')}`);
    // A job that completes meanwhile takes its pods away.
    const isEnding = phaseAfter === 'Completed';
    const idle = isEnding
      ? []
      : tasks.filter((task) => owners.get(task)?.done === false && !readyPods.includes(owners.get(task)?.pod ?? ''));
    if (idle.length > 0) lies.push(`Ready, and the owner of ${idle.join(', ')} is no pod that is ready`);
  }
  if (said.phase === 'Completed') {
    const unfinished = tasks.filter((task) => owners.get(task)?.done !== true);
    if (unfinished.length > 0) lies.push(`Completed, and ${unfinished.join(', ')} are not done`);
  }
  return lies;
}
