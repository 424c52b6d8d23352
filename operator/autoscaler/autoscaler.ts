// Scaling of all jobs, each pool of stages by itself: what was measured of it lately, and from it how many workers it is to have.
//
//   S1. What is kept here only measures (samples, needs): an operator that starts anew measures again, and until then holds. What
//       was decided stands in the status, before anything is done about it.
//   S2. Bounded: samples and needs of the longest window, of jobs that were looked at lately.

import type { ScalingStatus } from '../../crds/stream-job/status.ts';
import { decideScaling, NO_NEEDS, type Needs, type Scene, type Verdicts } from './decide.ts';
import { evaluate, FAST_MS, NO_COSTS, SLOW_MS, type Costs } from './evaluate.ts';
import { memoryOf, statusOfMemory, type ScalingMemory } from './memory.ts';
import type { LoadGraph, Sample } from './sample.ts';
import { notFollowed, recommended } from './sentences.ts';
import type { ScalingSettings } from './settings.ts';
import { within } from './size.ts';

/** One look at a job that is to be scaled. */
export type Look = {
  /** What makes it this one: the job's uid, its run, the pool. */
  readonly key: string;
  readonly settings: ScalingSettings;
  readonly scene: Scene;
  readonly graph: LoadGraph;
  readonly sample: Sample;
  readonly status: ScalingStatus | undefined;
  /** Workers that the Deployment asks for; null: there is none. */
  readonly deployed: number | null;
};

export type Scaled = {
  /** Workers that the job is to have. */
  readonly replicas: number;
  /** null: nothing is to be remembered. */
  readonly status: ScalingStatus | null;
  /** What was decided, a sentence each. */
  readonly sentences: readonly string[];
  readonly verdicts: Verdicts;
};

type Kept = { readonly samples: readonly Sample[]; readonly needs: Needs; readonly costs: Costs };

/** Samples nearer to each other are one. */
const APART_MS = 900;
const JOBS_MAX = 4_096;

export class Autoscaler {
  readonly #jobs = new Map<string, Kept>();

  scale(look: Look): Scaled {
    const { key, settings, scene, graph, sample, status } = look;
    const memory = memoryNow(look);
    const before = this.#jobs.get(key) ?? { samples: [], needs: NO_NEEDS, costs: NO_COSTS };
    const samples = withSample(before.samples, sample);
    const known = { costs: before.costs, perWorkerPerS: memory.perWorkerPerS };
    const slowMs = Math.min(SLOW_MS, Math.max(2 * FAST_MS, settings.in.stabilizationMs));
    const { signals, costs } = evaluate(graph, samples, known, slowMs);
    const decision = decideScaling(settings, scene, signals, memory, before.needs);
    this.#keep(key, { samples, needs: decision.needs, costs });
    if (settings.mode === 'Recommend')
      return recommend(look, decision.replicas, { ...memory, perWorkerPerS: decision.memory.perWorkerPerS }, decision);
    const isFollowed = status === undefined || status.declared === scene.declared || scene.declared === 0;
    return {
      replicas: scene.declared === 0 ? 0 : decision.replicas,
      status: statusOfMemory({ ...decision.memory, declared: scene.declared }, decision.now),
      sentences: [
        ...(isFollowed ? [] : [notFollowed(status.declared, scene.declared, decision.replicas, scene.declaredAs)]),
        ...(decision.sentence === null ? [] : [decision.sentence]),
      ],
      verdicts: decision.verdicts,
    };
  }

  /** S2: the one that was looked at longest ago goes. */
  #keep(key: string, kept: Kept): void {
    this.#jobs.delete(key);
    this.#jobs.set(key, kept);
    if (this.#jobs.size > JOBS_MAX) this.#jobs.delete(this.#jobs.keys().next().value ?? '');
  }
}

/** Of the status; a job that was not scaled before begins with what it has. */
function memoryNow({ status, settings, scene, graph, deployed }: Look): ScalingMemory {
  const known = status === undefined ? null : memoryOf(status);
  const partitions = Math.max(1, ...graph.stages.map(({ partitionCount }) => partitionCount));
  const first = within(deployed ?? Math.max(1, scene.declared), { ...settings, partitions });
  const begun: ScalingMemory = {
    replicas: first,
    declared: scene.declared,
    perWorkerPerS: null,
    outMs: 0,
    inMs: 0,
    trial: null,
    hold: null,
    wakeTo: 1,
  };
  const memory = known ?? begun;
  return settings.mode === 'Recommend' ? { ...memory, replicas: scene.declared, trial: null } : memory;
}

/** Nothing is done; said is what is new. */
function recommend(
  { status, scene }: Look,
  replicas: number,
  memory: ScalingMemory,
  { now, sentence, verdicts }: { readonly now: string; readonly sentence: string | null; readonly verdicts: Verdicts },
): Scaled {
  const isNew = sentence !== null && replicas !== status?.replicas;
  return {
    replicas: scene.declared,
    status: statusOfMemory({ ...memory, replicas, declared: scene.declared }, now),
    sentences: isNew ? [recommended(sentence)] : [],
    verdicts,
  };
}

/** The window before the slow one is needed for a trend. */
const SAMPLES_MS = SLOW_MS + 30_000;

function withSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const [last, before] = [samples.at(-1), samples.at(-2)];
  const isClose = last !== undefined && before !== undefined && last.atMs - before.atMs < APART_MS;
  const kept = isClose ? samples.slice(0, -1) : samples;
  return [...kept.filter(({ atMs }) => atMs > sample.atMs - SAMPLES_MS), sample];
}
