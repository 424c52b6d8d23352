// Asks the worker that owns a key how it stands.
//
//   KS1. A person writes a key as text: it may be meant as that text, or as the number, list or record that it is in JSON. All are
//        asked for; the one that is known counts, else the text.
//   KS2. Who has published an event may ask for a story that holds it: the question waits until the owner has taken it in, or says that
//        it has not.

import type { PatternSpec } from '../crds/stream-job/pattern.ts';
import { encodeKey, partitionOf } from '../runtime/event/key.ts';
import type { PhysicalPlan, StagePlan } from '../runtime/plan/physical-plan.ts';
import { statesOfCells } from '../runtime/transforms/pattern/pattern-states.ts';
import { type Answer, answerIn, answerTopic, type Ask } from '../runtime/worker/ask.ts';
import type { Bus } from '../runtime/worker/directory.ts';
import { LOOK_TOPIC } from '../runtime/worker/report-pace.ts';
import { type AtLeast, TakenIn } from '../runtime/worker/taken-in.ts';
import type { WorkerReport } from '../runtime/worker/worker-report.ts';
import type { Story } from './api.ts';
import { leavesOf } from './statechart.ts';

export type KeyStoryParts = {
  readonly plan: PhysicalPlan;
  readonly bus: Bus;
  readonly newId: () => string;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
};

const ANSWER_MAX_MS = 1_500;
const KEY_CHARACTERS_MAX = 1_024;

/** KS2. `waitMs`: at most. */
export type Fresh = AtLeast & { readonly waitMs: number };

export async function keyStory(node: string, key: string, parts: KeyStoryParts, fresh: Fresh | null = null): Promise<Story> {
  const stage = parts.plan.stages.find(({ nodes }) => nodes.some(({ id }) => id === node));
  if (stage === undefined) return { kind: 'nobody', message: `the plan has no transform ${node}` };
  if (key.length > KEY_CHARACTERS_MAX)
    return { kind: 'nobody', message: `a key of more than ${KEY_CHARACTERS_MAX} characters is not asked for` };
  const late = fresh === null ? null : await untilTakenIn(stage, key, fresh, parts);
  if (late !== null) return { kind: 'nobody', message: late };
  const answers = (await Promise.all(keysFor(key).map((one) => ask(stage, node, one, parts)))).filter((answer) => answer !== null);
  const answer = answers.find((one) => one.cells.length > 0 || one.timers.length > 0 || one.recent.length > 0) ?? answers[0];
  if (answer === undefined)
    return { kind: 'nobody', message: 'no worker answered: the partition of this key is being taken over, or the job has ended' };
  const counts = countsOf(stage, node, answer);
  return {
    kind: 'told',
    partition: Number(answer.task.slice(answer.task.lastIndexOf('/') + 1)),
    state: stateOf(stage, node, answer),
    ...(counts === null ? {} : { partialMatches: counts }),
    answer,
  };
}

/** KS2: for each key that may be meant. null: taken in; else why not. */
async function untilTakenIn(stage: StagePlan, key: string, fresh: Fresh, { plan, bus, sleep }: KeyStoryParts): Promise<string | null> {
  const { subject, sequence, waitMs } = fresh;
  const partitions = [...new Set(keysFor(key).map((one) => partitionOf(one, stage.partitionCount)))];
  const awaited = partitions.map((partition) => TakenIn.of(plan, { stage: stage.id, partition }, fresh));
  if (awaited.includes(null)) return `no source that leads to ${stage.id} reads the subject ${subject}`;
  const open = new Set(awaited as TakenIn[]);
  const done = Promise.withResolvers<null>();
  const unsubscribe = bus.subscribe('report', (value) => {
    for (const one of open) if (one.note((value as WorkerReport).tasks)) open.delete(one);
    if (open.size === 0) done.resolve(null);
  });
  const waited = new AbortController();
  try {
    bus.publish(LOOK_TOPIC, true); // who is looked at reports more often
    const late = `message ${sequence} of ${subject} was not taken in by the owner of this key within ${waitMs} ms`;
    return await Promise.race([done.promise, sleep(waitMs, waited.signal).then(() => late)]);
  } finally {
    waited.abort();
    unsubscribe();
  }
}

/** KS1. */
function keysFor(text: string): readonly string[] {
  const keys = [encodeKey(text)];
  try {
    const value = JSON.parse(text) as unknown;
    keys.push(encodeKey(value));
  } catch {
    // It is only a text.
  }
  return [...new Set(keys)];
}

async function ask(stage: StagePlan, node: string, key: string, { bus, newId, sleep }: KeyStoryParts): Promise<Answer | null> {
  const question: Ask = {
    id: newId()
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .slice(0, 32),
    stage: stage.id,
    partition: partitionOf(key, stage.partitionCount),
    node,
    key,
  };
  const told = Promise.withResolvers<Answer>();
  const unsubscribe = bus.subscribe(answerTopic(question.id), (value) => {
    const answer = answerIn(value);
    if (answer !== null) told.resolve(answer);
  });
  const waited = new AbortController();
  try {
    bus.publish('ask', question);
    return await Promise.race([told.promise, sleep(ANSWER_MAX_MS, waited.signal).then(() => null)]);
  } finally {
    waited.abort();
    unsubscribe();
  }
}

/** Active states, those that hold others too: of a machine's actor, of all partial matches of a pattern; null where there is none. */
function stateOf(stage: StagePlan, node: string, answer: Answer): readonly string[] | null {
  const op = stage.nodes.find(({ id }) => id === node)?.op;
  if (op?.kind === 'pattern') {
    const places = partialMatchesOf(op.spec, answer);
    return places.length === 0 ? null : withParents(places.flatMap(leavesOf));
  }
  const cell = answer.cells.find(({ namespace }) => namespace === 0);
  if ((op?.kind !== 'machine' && op?.kind !== 'xstate') || cell === undefined || cell.value.isCut) return null;
  const { value } = (JSON.parse(cell.value.text) ?? {}) as { readonly value?: unknown };
  return withParents(leavesOf(typeof value === 'string' ? value : JSON.stringify(value ?? {})));
}

function withParents(leaves: readonly string[]): readonly string[] {
  return [...new Set(leaves.flatMap((path) => path.split('.').map((_part, at, parts) => parts.slice(0, at + 1).join('.'))))];
}

/** States of a key's partial matches, as far as its cells were told. */
function partialMatchesOf(spec: PatternSpec, { cells }: Answer): readonly string[] {
  const told = cells.filter(({ value }) => !value.isCut).map(({ namespace, value }) => [namespace, JSON.parse(value.text)] as const);
  return statesOfCells(spec, told);
}

/** State of the pattern's statechart → partial matches in it; null: no pattern. */
function countsOf(stage: StagePlan, node: string, answer: Answer): Readonly<Record<string, number>> | null {
  const op = stage.nodes.find(({ id }) => id === node)?.op;
  if (op?.kind !== 'pattern') return null;
  const counts: Record<string, number> = {};
  for (const place of partialMatchesOf(op.spec, answer))
    for (const path of withParents(leavesOf(place))) counts[path] = (counts[path] ?? 0) + 1;
  return counts;
}
