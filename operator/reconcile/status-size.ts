// A status of at most STATUS_BYTES_MAX: where it would be larger, texts for people give way in steps. Pure.
//
//   Z1. What gives way does not flicker: figures count as wide as they may get. A status that fits is not changed again.
//   Z2. What the operator reads again is never cut: revisions, what is going on, and what scaling remembers.
//   Z3. Texts first, then older decisions, then the last of the stages, in this order.

import type { IntentStatus, PoolStatus, ScalingStatus, StageStatus, StreamJobStatus } from '../../crds/stream-job/status.ts';
import { INTENT_STAGES_MAX, STATUS_BYTES_MAX } from '../../crds/stream-job/status.ts';
import { cut } from './cut.ts';

/** Characters: of a condition's message, and of a sentence of a pool. */
type Texts = { readonly message: number; readonly sentence: number };

const steps: readonly Texts[] = [
  { message: 1_024, sentence: 160 },
  { message: 512, sentence: 96 },
  { message: 256, sentence: 48 },
  { message: 160, sentence: 24 },
];
const tightest: Texts = { message: 64, sentence: 12 };
/** The newest decisions have a place in any status. */
const DECISIONS_BYTES_MIN = 1_024;

export function fitted({ decisions = [], ...status }: StreamJobStatus): StreamJobStatus {
  const most = STATUS_BYTES_MAX - DECISIONS_BYTES_MIN;
  const bounded = withBoundIntent(status);
  const fits = steps.map((texts) => withTexts(bounded, texts)).find((one) => bytesOf(one) <= most);
  const kept = fits ?? withFewerStages(withTexts(bounded, tightest), most);
  return { ...kept, decisions: newest(decisions, STATUS_BYTES_MAX - bytesOf(kept)) };
}

function withBoundIntent(status: StreamJobStatus): StreamJobStatus {
  return status.intent === undefined ? status : { ...status, intent: boundIntent(status.intent) };
}

function boundIntent(intent: IntentStatus): IntentStatus {
  const { stages = [], stagesMore = 0 } = intent;
  if (stages.length <= INTENT_STAGES_MAX) return intent;
  return { ...intent, stages: stages.slice(0, INTENT_STAGES_MAX), stagesMore: stagesMore + stages.length - INTENT_STAGES_MAX };
}

function withTexts(status: StreamJobStatus, { message, sentence }: Texts): StreamJobStatus {
  const { conditions, scaling, pools } = status;
  return {
    ...status,
    ...(conditions === undefined ? {} : { conditions: conditions.map((one) => ({ ...one, message: cut(one.message, message) })) }),
    ...(scaling === undefined ? {} : { scaling: shortened(scaling, message / 2) }),
    ...(pools === undefined ? {} : { pools: pools.map((pool) => withSentences(pool, sentence)) }),
  };
}

function withSentences(pool: PoolStatus, max: number): PoolStatus {
  return pool.scaling === undefined ? pool : { ...pool, scaling: shortened(pool.scaling, max) };
}

function shortened({ now, hold, ...scaling }: ScalingStatus, max: number): ScalingStatus {
  return {
    ...scaling,
    ...(hold === undefined ? {} : { hold: { ...hold, why: cut(hold.why, max) } }),
    ...(now === undefined ? {} : { now: cut(now, max) }),
  };
}

function withFewerStages(status: StreamJobStatus, most: number): StreamJobStatus {
  const { stages = [] } = status;
  let over = bytesOf(status) - most;
  let count = stages.length;
  while (over > 0 && count > 0) over -= jsonBytes(widest(stages[--count]!)) + 1;
  return count === stages.length ? status : { ...status, stages: stages.slice(0, count) };
}

/** Of as many as fit; the newest is last. */
function newest(decisions: readonly string[], bytes: number): string[] {
  let left = bytes - jsonBytes({ decisions: [] });
  let from = decisions.length;
  while (from > 0 && (left -= jsonBytes(decisions[from - 1]) + 1) >= 0) from--;
  return decisions.slice(from);
}

/** Z1. */
function bytesOf(status: StreamJobStatus): number {
  const { stages } = status;
  return jsonBytes({ ...status, ...wideFigures, ...(stages === undefined ? {} : { stages: stages.map(widest) }) });
}

const wideFigures = { lag: '9'.repeat(17), rate: '9'.repeat(10), watermark: '2026-01-01T00:00:00Z' };

function widest(stage: StageStatus): StageStatus {
  return { ...stage, ...wideFigures, running: stage.partitions, deadLetters: Number.MAX_SAFE_INTEGER };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
