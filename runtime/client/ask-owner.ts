// Asks the worker that owns a key of a running job how the key stands, over the job's bus.
//
//   AO1. Who has published an event may ask for an answer that holds it: the question waits until the owner has stored what became of
//        it, and an owner from before that is not believed.
//   AO2. While a partition is taken over nobody answers: the question is put again until its time is over. Asking changes nothing.

import { MillraceError } from '../base/errors.ts';
import { keyText, partitionOf } from '../event/key.ts';
import type { Key } from '../event/batch.ts';
import type { PhysicalPlan, StagePlan } from '../plan/physical-plan.ts';
import { type Answer, answerIn, answerTopic, type Ask } from '../worker/ask.ts';
import type { Bus } from '../worker/directory.ts';
import { LOOK_TOPIC } from '../worker/report-pace.ts';
import { type AtLeast, TakenIn } from '../worker/taken-in.ts';
import type { WorkerReport } from '../worker/worker-report.ts';

export type AskParts = {
  readonly job: string;
  readonly plan: PhysicalPlan;
  readonly bus: Bus;
  readonly newId: () => string;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
};

export type Question = {
  readonly node: string;
  readonly key: Key;
  /** AO1. null: as it stands now. */
  readonly atLeast: AtLeast | null;
  /** How long it may take until `atLeast` holds. */
  readonly waitMs: number;
  /** How long the owner may be silent. */
  readonly silentMs: number;
};

export type OwnerAnswer = { readonly stage: StagePlan; readonly partition: number; readonly answer: Answer };

const KEY_CHARACTERS_MAX = 1_024;
/** AO2. */
const AGAIN_MS = 500;

/** Throws MR1030s: MR1031 no such transform, MR1032 no such key can be, MR1033 nobody answered, MR1034 not taken in, MR1035 not read. */
export async function askOwner(question: Question, parts: AskParts): Promise<OwnerAnswer> {
  const { node, key, atLeast } = question;
  const stage = stageOf(parts, node);
  if (key.length > KEY_CHARACTERS_MAX)
    throw new MillraceError('MR1032', { problem: `it has ${key.length} characters; at most ${KEY_CHARACTERS_MAX} are asked for` });
  const partition = partitionOf(key, stage.partitionCount);
  const epochMin = atLeast === null ? 0 : await untilTakenIn(stage, partition, atLeast, question, parts);
  return { stage, partition, answer: await answerOf(stage, partition, epochMin, question, parts) };
}

function stageOf({ job, plan }: AskParts, node: string): StagePlan {
  const stage = plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === node));
  if (stage !== undefined) return stage;
  throw new MillraceError('MR1031', { job, transform: node, known: plan.stages.flatMap(({ nodes }) => nodes.map(({ id }) => id)) });
}

/** AO1: the epoch of the owner that has taken it in. */
async function untilTakenIn(
  stage: StagePlan,
  partition: number,
  atLeast: AtLeast,
  { node, waitMs }: Question,
  { job, plan, bus, sleep }: AskParts,
): Promise<number> {
  const awaited = TakenIn.of(plan, { stage: stage.id, partition }, atLeast);
  if (awaited === null) throw new MillraceError('MR1035', { job, transform: node, subject: atLeast.subject });
  const done = Promise.withResolvers<number>();
  const unsubscribe = bus.subscribe('report', (value) => {
    if (awaited.note((value as WorkerReport).tasks)) done.resolve(awaited.epoch);
  });
  const waited = new AbortController();
  try {
    bus.publish(LOOK_TOPIC, true); // who is looked at reports more often
    const epoch = await Promise.race([done.promise, sleep(waitMs, waited.signal).then(() => null)]);
    if (epoch === null) throw new MillraceError('MR1034', { ...atLeast, waitedMs: waitMs });
    return epoch;
  } finally {
    waited.abort();
    unsubscribe();
  }
}

async function answerOf(
  stage: StagePlan,
  partition: number,
  epochMin: number,
  { node, key, silentMs }: Question,
  { job, bus, newId, sleep }: AskParts,
): Promise<Answer> {
  const id = newId()
    .replaceAll(/[^A-Za-z0-9]/g, '')
    .slice(0, 32);
  const question: Ask = { id, stage: stage.id, partition, node, key };
  const told = Promise.withResolvers<Answer>();
  const unsubscribe = bus.subscribe(answerTopic(id), (value) => {
    const answer = answerIn(value);
    if (answer !== null && answer.epoch >= epochMin) told.resolve(answer);
  });
  const waited = new AbortController();
  try {
    for (let leftMs = silentMs; leftMs > 0; leftMs -= AGAIN_MS) {
      bus.publish('ask', question);
      const answer = await Promise.race([told.promise, sleep(Math.min(AGAIN_MS, leftMs), waited.signal).then(() => null)]);
      if (answer !== null) return answer;
    }
    throw new MillraceError('MR1033', { job, transform: node, key: keyText(key), partition, waitedMs: silentMs });
  } finally {
    waited.abort();
    unsubscribe();
  }
}
